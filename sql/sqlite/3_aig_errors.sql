-- Failed calls by day, provider and status, and their share of the calls of that provider and day. Columns are
-- described in sql/bigquery/4_aig_errors.sql.
DROP VIEW IF EXISTS aig_errors;
CREATE VIEW aig_errors (
  day, provider, status_code, errors, requests, error_rate
) AS
WITH by_status AS (
  SELECT
    substr(created_at, 1, 10) AS day,
    provider,
    status_code,
    COUNT(*) AS requests,
    COUNT(*) FILTER (WHERE NOT success) AS errors
  FROM aig_logs
  GROUP BY 1, 2, 3
),
rated AS (
  SELECT day, provider, status_code, errors, SUM(requests) OVER (PARTITION BY day, provider) AS requests
  FROM by_status
)
SELECT day, provider, status_code, errors, requests, 1.0 * errors / requests AS error_rate
FROM rated
WHERE errors > 0;
