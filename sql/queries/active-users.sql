-- Users of each day, and of the 7 and 30 days that end with it. Null: these days begin before the start.
-- data: all
-- rows: user_days
-- start instant = -60d: the first instant
-- answer: day, daily, weekly, monthly
WITH seen AS MATERIALIZED (
  SELECT DISTINCT day, user_id FROM user_days
)
SELECT
  days.day,
  count(DISTINCT CASE WHEN seen.day = days.day THEN user_id END) AS daily,
  CASE WHEN strftime('%Y-%m-%dT%H:%M:%fZ', days.day, '-6 days') >= :start
    THEN count(DISTINCT CASE WHEN seen.day >= date(days.day, '-6 days') THEN user_id END) END AS weekly,
  CASE WHEN strftime('%Y-%m-%dT%H:%M:%fZ', days.day, '-29 days') >= :start THEN count(DISTINCT user_id) END AS monthly
FROM (SELECT DISTINCT day FROM seen) AS days
JOIN seen ON seen.day BETWEEN date(days.day, '-29 days') AND days.day
GROUP BY days.day
ORDER BY days.day
