-- When what happened in a time came in: how much in each hour, and how many seconds late the latest of it.
-- data: all
-- answer: hour, source, rows, latest s
SELECT
  substr(ingested_at, 1, 13) || ':00:00.000Z' AS hour,
  source,
  count(*) AS `rows`,
  max(strftime('%s', ingested_at) - strftime('%s', created_at)) AS latest
FROM activity
GROUP BY 1, 2
ORDER BY 1, 2
