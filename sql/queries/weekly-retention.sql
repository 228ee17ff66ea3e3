-- Of the users first seen in a week since the start, how many come back in each later week. Weeks begin on Monday.
-- data: all
-- start instant = -56d: the first instant
-- answer: cohort, size, week, active, retention
WITH user_weeks AS MATERIALIZED (
  SELECT DISTINCT date(created_at, 'weekday 0', '-6 days') AS monday, user_id FROM activity WHERE user_id IS NOT NULL
),
firsts AS (
  SELECT user_id, min(monday) AS cohort FROM user_weeks GROUP BY user_id
),
counted AS (
  SELECT cohort, CAST((julianday(monday) - julianday(cohort)) / 7 AS INTEGER) AS week, count(*) AS active
  FROM user_weeks JOIN firsts USING (user_id)
  GROUP BY 1, 2
)
SELECT
  cohort,
  first_value(active) OVER weeks AS size,
  week,
  active,
  active * 1.0 / first_value(active) OVER weeks AS retention
FROM counted
WINDOW weeks AS (PARTITION BY cohort ORDER BY week)
ORDER BY cohort, week
