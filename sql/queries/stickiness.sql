-- Which share of the users of a month comes on a day with users, in the mean.
-- data: all
-- rows: user_days
-- start instant = -90d: the first instant
-- answer: month, daily, monthly, stickiness
WITH seen AS (
  SELECT DISTINCT day, user_id FROM user_days
)
SELECT
  substr(day, 1, 7) AS month,
  count(*) * 1.0 / count(DISTINCT day) AS daily,
  count(DISTINCT user_id) AS monthly,
  count(*) * 1.0 / count(DISTINCT day) / count(DISTINCT user_id) AS stickiness
FROM seen
GROUP BY 1
ORDER BY 1
