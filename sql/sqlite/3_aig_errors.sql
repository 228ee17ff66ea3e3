-- Failed calls by day, gateway, provider and status, and their share of the calls of that gateway, provider and day. Columns
-- are described in sql/bigquery/4_aig_errors.sql.
DROP VIEW IF EXISTS aig_errors;
CREATE VIEW aig_errors (
  day, gateway, provider, status_code, errors, requests, error_rate
) AS
WITH by_status AS (
  SELECT day, gateway, provider, status_code, COUNT(*) AS requests, COUNT(*) FILTER (WHERE NOT success) AS errors
  FROM aig_requests
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
SELECT day, gateway, provider, status_code, errors, requests, 1.0 * errors / requests AS error_rate
FROM rated
WHERE errors > 0;
