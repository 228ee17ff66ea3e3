-- Requests and failures of each minute.
-- data: all
-- start instant = -1h: the first instant
-- name text = null: only events of this name; ai.request are the logs of AI Gateway
-- answer: minute, requests, errors, avg ms
SELECT
  substr(created_at, 1, 16) || ':00.000Z' AS minute,
  count(*) AS requests,
  count(CASE WHEN success = 0 THEN 1 END) AS errors,
  avg(duration) AS avg
FROM activity
WHERE :name IS NULL OR name = :name
GROUP BY 1
ORDER BY 1
