-- Users whose cost of a day is above their own p95 and above everybody's p99 of the 28 days before; the last 30 days.
-- Columns are described in sql/bigquery/4_aig_cost_anomalies.sql.
DROP VIEW IF EXISTS aig_cost_anomalies;
CREATE VIEW aig_cost_anomalies (
  day, user_id, requests, cost, own_days, own_p95, overall_p99
) AS
WITH RECURSIVE
shifts (later) AS (
  VALUES (0)
  UNION ALL
  SELECT later + 1 FROM shifts WHERE later < 28
),
user_days AS (
  SELECT
    substr(created_at, 1, 10) AS day,
    CAST(COALESCE(json_extract(metadata, '$.user_id'), json_extract(metadata, '$.user')) AS TEXT) AS user_id,
    COUNT(*) AS requests,
    SUM(cost) AS cost
  FROM aig_logs
  WHERE created_at >= date('now', '-57 days')
  GROUP BY 1, 2
),
-- Each user-day as it is (0 days later), and as what it is to the 28 days after it: a day before.
placed AS (
  SELECT date(day, '+' || later || ' days') AS day, user_id, requests, cost, later = 0 AS itself
  FROM user_days, shifts
  WHERE user_id IS NOT NULL AND cost IS NOT NULL
),
ranked AS (
  SELECT
    day,
    user_id,
    requests,
    cost,
    itself,
    ROW_NUMBER() OVER (PARTITION BY day, user_id, itself ORDER BY cost) AS own_rank,
    COUNT(*) OVER (PARTITION BY day, user_id, itself) AS own_count,
    ROW_NUMBER() OVER (PARTITION BY day, itself ORDER BY cost) AS overall_rank,
    COUNT(*) OVER (PARTITION BY day, itself) AS overall_count
  FROM placed
  WHERE day BETWEEN date('now', '-29 days') AND date('now')
),
measured AS (
  SELECT
    day,
    user_id,
    requests,
    cost,
    itself,
    SUM(CASE WHEN itself THEN 0 ELSE 1 END) OVER (PARTITION BY day, user_id) AS own_days,
    MIN(CASE WHEN NOT itself AND 100 * own_rank >= 95 * own_count THEN cost END)
      OVER (PARTITION BY day, user_id) AS own_p95,
    MIN(CASE WHEN NOT itself AND 100 * overall_rank >= 99 * overall_count THEN cost END)
      OVER (PARTITION BY day) AS overall_p99
  FROM ranked
)
SELECT day, user_id, requests, cost, own_days, own_p95, overall_p99
FROM measured
WHERE itself AND cost > own_p95 AND cost > overall_p99;
