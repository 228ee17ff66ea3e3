-- Users who suddenly cost much: days of the last 30, today included, on which a user's cost is more than twice the p95 of the
-- user's own days with calls in the 28 days before, and above the p99 of everybody's or by more than USD 1 above the own p95.
-- Without the factor, who spends steadily would be shown on one day of twenty; without the sum, who is small never. Who has
-- no such day yet is not shown. Percentiles are nearest ranks, as in aig_latency_by_hour. It reads 58 days, each once,
-- whatever the filter.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_cost_anomalies` (
  day OPTIONS (description = "Day of created_at, UTC"),
  user_id OPTIONS (description = "Value of the metadata key user_id, or else of user"),
  requests OPTIONS (description = "Logs of this user and day"),
  cost OPTIONS (description = "Sum of their costs, USD"),
  own_days OPTIONS (description = "Days of the 28 before on which the user had calls with a cost"),
  own_p95 OPTIONS (description = "p95 of the user's cost of such a day, USD"),
  overall_p99 OPTIONS (description = "p99 of any user's cost of a day in the 28 before, USD")
)
OPTIONS (description = "Users whose cost of a day is more than twice their own p95 of the 28 days before, and large; the last 30")
AS
WITH user_days AS (
  SELECT day, user_id, COUNT(*) AS requests, SUM(cost) AS cost
  FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_requests`
  WHERE day >= DATE_SUB(CURRENT_DATE(), INTERVAL 57 DAY) AND user_id IS NOT NULL
  GROUP BY 1, 2
),
-- Each user-day as it is (0 days later), and as what it is to the 28 days after it: a day before.
placed AS (
  SELECT DATE_ADD(day, INTERVAL later DAY) AS day, user_id, requests, cost, later = 0 AS itself
  FROM user_days, UNNEST(GENERATE_ARRAY(0, 28)) AS later
  WHERE cost IS NOT NULL
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
  WHERE day BETWEEN DATE_SUB(CURRENT_DATE(), INTERVAL 29 DAY) AND CURRENT_DATE()
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
WHERE itself AND cost > 2 * own_p95 AND (cost > overall_p99 OR cost > own_p95 + 1);
