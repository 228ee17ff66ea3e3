-- active-users in BigQuery's dialect.
WITH user_days AS (
  SELECT DISTINCT DATE(TIMESTAMP(created_at)) AS day, user_id FROM activity WHERE user_id IS NOT NULL
)
SELECT
  CAST(days.day AS STRING) AS day,
  count(DISTINCT CASE WHEN user_days.day = days.day THEN user_id END) AS daily,
  CASE WHEN TIMESTAMP(DATE_SUB(days.day, INTERVAL 6 DAY)) >= TIMESTAMP(:start)
    THEN count(DISTINCT CASE WHEN user_days.day >= DATE_SUB(days.day, INTERVAL 6 DAY) THEN user_id END) END AS weekly,
  CASE WHEN TIMESTAMP(DATE_SUB(days.day, INTERVAL 29 DAY)) >= TIMESTAMP(:start)
    THEN count(DISTINCT user_id) END AS monthly
FROM (SELECT DISTINCT day FROM user_days) AS days
JOIN user_days ON user_days.day BETWEEN DATE_SUB(days.day, INTERVAL 29 DAY) AND days.day
GROUP BY days.day
ORDER BY day
