-- How fast it is, by hour: calls that the provider answered. Those that failed or that the cache answered say nothing
-- of a model's speed. A percentile is the smallest value that at least so many of 100 calls do not exceed (nearest
-- rank), counted exactly, in whole numbers, as SQLite does it too. A filter on day reads only those days: it is
-- DATE(created_at), by which the raw table is partitioned, and the windows are partitioned by it too.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_latency_by_hour` (
  day OPTIONS (description = "Day of created_at, UTC"),
  hour OPTIONS (description = "Hour of created_at, its first instant, UTC"),
  provider OPTIONS (description = "Provider, for example openai"),
  model OPTIONS (description = "Model as the gateway names it"),
  requests OPTIONS (description = "Logs of calls that succeeded, and that no cache answered"),
  duration_p50 OPTIONS (description = "Milliseconds of the whole call that 50 % of the calls did not exceed"),
  duration_p95 OPTIONS (description = "Milliseconds of the whole call that 95 % of the calls did not exceed"),
  duration_p99 OPTIONS (description = "Milliseconds of the whole call that 99 % of the calls did not exceed"),
  latency_p50 OPTIONS (description = "The same until the first byte of the answer, 50 %"),
  latency_p95 OPTIONS (description = "The same until the first byte of the answer, 95 %"),
  latency_p99 OPTIONS (description = "The same until the first byte of the answer, 99 %")
)
OPTIONS (description = "Percentiles of duration and latency by hour, provider and model, of calls the provider answered")
AS
WITH calls AS (
  SELECT DATE(created_at) AS day, TIMESTAMP_TRUNC(created_at, HOUR) AS hour, provider, model, duration, latency
  FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_logs`
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
GROUP BY day, hour, provider, model;
