-- weekly-retention in BigQuery's dialect.
WITH user_weeks AS (
  SELECT DISTINCT DATE_TRUNC(DATE(TIMESTAMP(created_at)), ISOWEEK) AS monday, user_id
  FROM activity
  WHERE user_id IS NOT NULL
),
firsts AS (
  SELECT user_id, min(monday) AS cohort FROM user_weeks GROUP BY user_id
),
counted AS (
  SELECT cohort, DIV(DATE_DIFF(monday, cohort, DAY), 7) AS week, count(*) AS active
  FROM user_weeks JOIN firsts USING (user_id)
  GROUP BY 1, 2
)
SELECT
  CAST(cohort AS STRING) AS cohort,
  first_value(active) OVER weeks AS size,
  week,
  active,
  active / first_value(active) OVER weeks AS retention
FROM counted
WINDOW weeks AS (PARTITION BY cohort ORDER BY week)
ORDER BY cohort, week
