-- Requests, failures, users and cost of each day.
-- data: all
-- start instant = -30d: the first instant
-- name text = null: only events of this name; ai.request are the logs of AI Gateway
-- answer: day, requests, errors, users, cost USD
SELECT
  substr(created_at, 1, 10) AS day,
  count(*) AS requests,
  count(CASE WHEN success = 0 THEN 1 END) AS errors,
  count(DISTINCT user_id) AS users,
  COALESCE(sum(cost), 0) AS cost
FROM activity
WHERE :name IS NULL OR name = :name
GROUP BY 1
ORDER BY 1
