-- Percentiles of duration and latency by hour, provider and model, of calls that succeeded and that no cache answered.
-- Columns are described in sql/bigquery/4_aig_latency_by_hour.sql.
DROP VIEW IF EXISTS aig_latency_by_hour;
CREATE VIEW aig_latency_by_hour (
  day, hour, provider, model, requests, duration_p50, duration_p95, duration_p99, latency_p50, latency_p95,
  latency_p99
) AS
WITH calls AS (
  SELECT
    substr(created_at, 1, 10) AS day,
    substr(created_at, 1, 13) || ':00:00.000Z' AS hour,
    provider,
    model,
    duration,
    latency
  FROM aig_logs
  WHERE success IS NOT FALSE AND cached IS NOT TRUE
),
ranked AS (
  SELECT
    day,
    hour,
    provider,
    model,
    duration,
    latency,
    ROW_NUMBER() OVER (PARTITION BY day, hour, provider, model, duration IS NULL ORDER BY duration) AS duration_rank,
    COUNT(duration) OVER (PARTITION BY day, hour, provider, model) AS duration_count,
    ROW_NUMBER() OVER (PARTITION BY day, hour, provider, model, latency IS NULL ORDER BY latency) AS latency_rank,
    COUNT(latency) OVER (PARTITION BY day, hour, provider, model) AS latency_count
  FROM calls
)
SELECT
  day,
  hour,
  provider,
  model,
  COUNT(*) AS requests,
  MIN(CASE WHEN 100 * duration_rank >= 50 * duration_count THEN duration END) AS duration_p50,
  MIN(CASE WHEN 100 * duration_rank >= 95 * duration_count THEN duration END) AS duration_p95,
  MIN(CASE WHEN 100 * duration_rank >= 99 * duration_count THEN duration END) AS duration_p99,
  MIN(CASE WHEN 100 * latency_rank >= 50 * latency_count THEN latency END) AS latency_p50,
  MIN(CASE WHEN 100 * latency_rank >= 95 * latency_count THEN latency END) AS latency_p95,
  MIN(CASE WHEN 100 * latency_rank >= 99 * latency_count THEN latency END) AS latency_p99
FROM ranked
GROUP BY 1, 2, 3, 4;
