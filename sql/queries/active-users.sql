-- Users of each day, and of the 7 and 30 days that end with it. Null: these days begin before the start.
-- data: all
-- start instant = -60d: the first instant
-- answer: day, daily, weekly, monthly
WITH user_days AS MATERIALIZED (
  SELECT DISTINCT substr(created_at, 1, 10) AS day, user_id FROM activity WHERE user_id IS NOT NULL
)
SELECT
  days.day,
  count(DISTINCT CASE WHEN user_days.day = days.day THEN user_id END) AS daily,
  CASE WHEN strftime('%Y-%m-%dT%H:%M:%fZ', days.day, '-6 days') >= :start
    THEN count(DISTINCT CASE WHEN user_days.day >= date(days.day, '-6 days') THEN user_id END) END AS weekly,
  CASE WHEN strftime('%Y-%m-%dT%H:%M:%fZ', days.day, '-29 days') >= :start THEN count(DISTINCT user_id) END AS monthly
FROM (SELECT DISTINCT day FROM user_days) AS days
JOIN user_days ON user_days.day BETWEEN date(days.day, '-29 days') AND days.day
GROUP BY days.day
ORDER BY days.day
