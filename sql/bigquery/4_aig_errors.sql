-- What fails, by day. A day on which nothing failed has no row: the course of the error rate is errors / requests of
-- aig_usage_by_day. A filter on day reads only those days: it is DATE(created_at), by which the raw table is
-- partitioned.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_errors` (
  day OPTIONS (description = "Day of created_at, UTC"),
  provider OPTIONS (description = "Provider, for example openai"),
  status_code OPTIONS (description = "HTTP status of the provider's answer; null where there was none"),
  errors OPTIONS (description = "Logs of calls that failed with this status"),
  requests OPTIONS (description = "All logs of this provider and day"),
  error_rate OPTIONS (description = "errors / requests, from 0 to 1: the rates of all statuses of a provider and day add up")
)
OPTIONS (description = "Failed calls by day, provider and status, and their share of the calls of that provider and day")
AS
WITH by_status AS (
  SELECT DATE(created_at) AS day, provider, status_code, COUNT(*) AS requests, COUNTIF(NOT success) AS errors
  FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_logs`
  GROUP BY 1, 2, 3
),
rated AS (
  SELECT day, provider, status_code, errors, SUM(requests) OVER (PARTITION BY day, provider) AS requests
  FROM by_status
)
SELECT day, provider, status_code, errors, requests, errors / requests AS error_rate
FROM rated
WHERE errors > 0;
