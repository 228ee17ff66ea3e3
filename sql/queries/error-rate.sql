-- The share of requests that fail in each hour, and whose fault the status says it is.
-- data: all
-- start instant = -24h: the first instant
-- name text = null: only events of this name; ai.request are the logs of AI Gateway
-- answer: hour, requests, errors, clientErrors, serverErrors, errorRate
SELECT
  substr(created_at, 1, 13) || ':00:00.000Z' AS hour,
  count(*) AS requests,
  count(CASE WHEN success = 0 THEN 1 END) AS errors,
  count(CASE WHEN status_code BETWEEN 400 AND 499 THEN 1 END) AS clientErrors,
  count(CASE WHEN status_code >= 500 THEN 1 END) AS serverErrors,
  count(CASE WHEN success = 0 THEN 1 END) * 1.0 / count(*) AS errorRate
FROM activity
WHERE :name IS NULL OR name = :name
GROUP BY 1
ORDER BY 1
