-- Which share of the users of a month comes on a day with users, in the mean.
-- data: all
-- start instant = -90d: the first instant
-- answer: month, daily, monthly, stickiness
WITH user_days AS (
  SELECT DISTINCT substr(created_at, 1, 10) AS day, user_id FROM activity WHERE user_id IS NOT NULL
)
SELECT
  substr(day, 1, 7) AS month,
  count(*) * 1.0 / count(DISTINCT day) AS daily,
  count(DISTINCT user_id) AS monthly,
  count(*) * 1.0 / count(DISTINCT day) / count(DISTINCT user_id) AS stickiness
FROM user_days
GROUP BY 1
ORDER BY 1
