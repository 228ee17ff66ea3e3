-- cost-anomalies in BigQuery's dialect.
WITH user_days AS (
  SELECT org, user_id, DATE(TIMESTAMP(created_at)) AS day, sum(cost) AS cost
  FROM activity
  WHERE user_id IS NOT NULL AND cost IS NOT NULL
  GROUP BY 1, 2, 3
),
ending AS (
  SELECT DATE(TIMESTAMP_SUB(TIMESTAMP(:end), INTERVAL 1 MILLISECOND)) AS today
),
ranked AS (
  SELECT
    org,
    user_id,
    cost,
    row_number() OVER (PARTITION BY org, user_id ORDER BY cost) AS place,
    count(*) OVER (PARTITION BY org, user_id) AS days
  FROM user_days, ending
  WHERE day BETWEEN DATE_SUB(today, INTERVAL 28 DAY) AND DATE_SUB(today, INTERVAL 1 DAY)
),
own AS (
  SELECT
    org,
    user_id,
    count(*) AS ownDays,
    avg(cost) AS ownAverage,
    min(CASE WHEN 100 * place >= 95 * days THEN cost END) AS ownP95
  FROM ranked
  GROUP BY org, user_id
)
SELECT org AS organization, user_id AS user, cost, ownDays, ownAverage, ownP95
FROM user_days JOIN own USING (org, user_id)
CROSS JOIN ending
WHERE day = today AND cost > :times * ownP95 AND ownDays >= :least
ORDER BY cost DESC, org, user_id
