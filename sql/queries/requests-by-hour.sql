-- Requests and failures of each hour.
-- data: all
-- start instant = -24h: the first instant
-- name text = null: only events of this name; ai.request are the logs of AI Gateway
-- answer: hour, requests, errors, avg ms
SELECT
  substr(created_at, 1, 13) || ':00:00.000Z' AS hour,
  count(*) AS requests,
  count(CASE WHEN success = 0 THEN 1 END) AS errors,
  avg(duration) AS avg
FROM activity
WHERE :name IS NULL OR name = :name
GROUP BY 1
ORDER BY 1
