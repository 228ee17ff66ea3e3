-- What fails, by day. A day on which nothing failed has no row: the course of the error rate is errors / requests of
-- aig_usage_by_day. Which failures a fallback rescued, aig_attempts tells. It is written so that a filter on day reads
-- only those days: it is DATE(created_at), by which the raw table is partitioned.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_errors` (
  day OPTIONS (description = "Day of created_at, UTC"),
  gateway OPTIONS (description = "Gateway id; null for rows of the TypeScript program"),
  provider OPTIONS (description = "Provider, for example openai"),
  status_code OPTIONS (description = "HTTP status of the provider's answer; null where there was none"),
  errors OPTIONS (description = "Logs of calls that failed with this status"),
  requests OPTIONS (description = "All logs of this gateway, provider and day"),
  error_rate OPTIONS (description = "errors / requests, from 0 to 1: the rates of all statuses of a gateway, provider and day add up")
)
OPTIONS (description = "Failed calls by day, gateway, provider and status, and their share of the calls of that gateway, provider and day")
AS
WITH by_status AS (
  SELECT day, gateway, provider, status_code, COUNT(*) AS requests, COUNTIF(NOT success) AS errors
  FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_requests`
  GROUP BY 1, 2, 3, 4
),
rated AS (
  SELECT
    day,
    gateway,
    provider,
    status_code,
    errors,
    SUM(requests) OVER (PARTITION BY day, gateway, provider) AS requests
  FROM by_status
)
SELECT day, gateway, provider, status_code, errors, requests, errors / requests AS error_rate
FROM rated
WHERE errors > 0;
