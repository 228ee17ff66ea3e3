-- Requests, errors, cache hits, tokens and cost by day, gateway, provider and model. Columns are described in
-- sql/bigquery/4_aig_usage_by_day.sql.
DROP VIEW IF EXISTS aig_usage_by_day;
CREATE VIEW aig_usage_by_day (
  day, gateway, provider, model, canonical_model, requests, errors, cached, tokens_in, tokens_out, tokens_cached,
  tokens_reasoning, cost, unpriced
) AS
SELECT
  day,
  gateway,
  provider,
  model,
  canonical_model,
  COUNT(*) AS requests,
  COUNT(*) FILTER (WHERE NOT success) AS errors,
  COUNT(*) FILTER (WHERE cached) AS cached,
  SUM(tokens_in) AS tokens_in,
  SUM(tokens_out) AS tokens_out,
  SUM(tokens_cached) AS tokens_cached,
  SUM(tokens_reasoning) AS tokens_reasoning,
  SUM(cost) AS cost,
  COUNT(*) FILTER (WHERE unpriced) AS unpriced
FROM aig_requests
GROUP BY 1, 2, 3, 4;
