-- Percentiles of duration and latency by hour, gateway, provider and model, of calls that succeeded and that no cache
-- answered. Columns are described in sql/bigquery/4_aig_latency_by_hour.sql. To sort a list for each line takes a third of the
-- time of windows over all logs, and a filter on day reaches the table.
DROP VIEW IF EXISTS aig_latency_by_hour;
CREATE VIEW aig_latency_by_hour (
  day, hour, gateway, provider, model, canonical_model, requests, duration_p50, duration_p95, duration_p99,
  latency_p50, latency_p95, latency_p99
) AS
WITH calls AS (
  SELECT
    day,
    hour,
    gateway,
    provider,
    model,
    canonical_model,
    COUNT(*) AS requests,
    json_group_array(duration) FILTER (WHERE duration IS NOT NULL) AS durations,
    json_group_array(latency) FILTER (WHERE latency IS NOT NULL) AS latencies,
    COUNT(duration) AS timed,
    COUNT(latency) AS begun
  FROM aig_requests
  WHERE success IS NOT FALSE AND cached IS NOT TRUE
  GROUP BY 1, 2, 3, 4, 5
),
in_order AS (
  SELECT
    day,
    hour,
    gateway,
    provider,
    model,
    canonical_model,
    requests,
    (SELECT json_group_array(value) FROM (SELECT value FROM json_each(durations) ORDER BY value)) AS durations,
    (SELECT json_group_array(value) FROM (SELECT value FROM json_each(latencies) ORDER BY value)) AS latencies,
    timed,
    begun
  FROM calls
)
SELECT
  day,
  hour,
  gateway,
  provider,
  model,
  canonical_model,
  requests,
  durations ->> ((50 * timed + 99) / 100 - 1),
  durations ->> ((95 * timed + 99) / 100 - 1),
  durations ->> ((99 * timed + 99) / 100 - 1),
  latencies ->> ((50 * begun + 99) / 100 - 1),
  latencies ->> ((95 * begun + 99) / 100 - 1),
  latencies ->> ((99 * begun + 99) / 100 - 1)
FROM in_order;
