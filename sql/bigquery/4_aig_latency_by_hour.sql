-- How fast it is, by hour: calls that the provider answered. Those that failed or that the cache answered say nothing
-- of a model's speed. A percentile is the smallest value that at least so many of 100 calls do not exceed (nearest
-- rank), counted exactly, in whole numbers, as SQLite does it too. It is written so that a filter on day reads only
-- those days: it is DATE(created_at), by which the raw table is partitioned.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_latency_by_hour` (
  day OPTIONS (description = "Day of created_at, UTC"),
  hour OPTIONS (description = "Hour of created_at, its first instant, UTC"),
  gateway OPTIONS (description = "Gateway id; null for rows of the TypeScript program"),
  provider OPTIONS (description = "Provider, for example openai"),
  model OPTIONS (description = "Model as the gateway names it"),
  canonical_model OPTIONS (description = "provider/model: one name before and after 2026-09-01, when Cloudflare began to write the provider before it"),
  requests OPTIONS (description = "Logs of calls that succeeded, and that no cache answered"),
  duration_p50 OPTIONS (description = "Milliseconds of the whole call that 50 % of the calls did not exceed"),
  duration_p95 OPTIONS (description = "Milliseconds of the whole call that 95 % of the calls did not exceed"),
  duration_p99 OPTIONS (description = "Milliseconds of the whole call that 99 % of the calls did not exceed"),
  latency_p50 OPTIONS (description = "The same until the first byte of the answer, 50 %"),
  latency_p95 OPTIONS (description = "The same until the first byte of the answer, 95 %"),
  latency_p99 OPTIONS (description = "The same until the first byte of the answer, 99 %")
)
OPTIONS (description = "Percentiles of duration and latency by hour, gateway, provider and model, of calls the provider answered")
AS
WITH calls AS (
  SELECT
    day,
    hour,
    gateway,
    provider,
    model,
    canonical_model,
    COUNT(*) AS requests,
    ARRAY_AGG(duration IGNORE NULLS ORDER BY duration) AS durations,
    ARRAY_AGG(latency IGNORE NULLS ORDER BY latency) AS latencies
  FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_requests`
  WHERE success IS NOT FALSE AND cached IS NOT TRUE
  GROUP BY 1, 2, 3, 4, 5, 6
)
SELECT
  day,
  hour,
  gateway,
  provider,
  model,
  canonical_model,
  requests,
  durations[SAFE_OFFSET(DIV((50 * ARRAY_LENGTH(durations) + 99), 100) - 1)] AS duration_p50,
  durations[SAFE_OFFSET(DIV((95 * ARRAY_LENGTH(durations) + 99), 100) - 1)] AS duration_p95,
  durations[SAFE_OFFSET(DIV((99 * ARRAY_LENGTH(durations) + 99), 100) - 1)] AS duration_p99,
  latencies[SAFE_OFFSET(DIV((50 * ARRAY_LENGTH(latencies) + 99), 100) - 1)] AS latency_p50,
  latencies[SAFE_OFFSET(DIV((95 * ARRAY_LENGTH(latencies) + 99), 100) - 1)] AS latency_p95,
  latencies[SAFE_OFFSET(DIV((99 * ARRAY_LENGTH(latencies) + 99), 100) - 1)] AS latency_p99
FROM calls;
