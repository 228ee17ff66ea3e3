-- Requests, errors, cache hits, tokens and cost by day, gateway, provider and model. Columns are described in
-- sql/bigquery/4_aig_usage_by_day.sql.
DROP VIEW IF EXISTS aig_usage_by_day;
CREATE VIEW aig_usage_by_day (
  day, gateway, provider, model, requests, errors, cached, tokens_in, tokens_out, cost, unpriced
) AS
SELECT
  substr(created_at, 1, 10) AS day,
  gateway,
  provider,
  model,
  COUNT(*) AS requests,
  COUNT(*) FILTER (WHERE NOT success) AS errors,
  COUNT(*) FILTER (WHERE cached) AS cached,
  SUM(tokens_in) AS tokens_in,
  SUM(tokens_out) AS tokens_out,
  SUM(cost) AS cost,
  COUNT(*) FILTER (WHERE cost IS NULL AND cached IS NOT TRUE AND (tokens_in > 0 OR tokens_out > 0)) AS unpriced
FROM aig_logs
GROUP BY 1, 2, 3, 4;
