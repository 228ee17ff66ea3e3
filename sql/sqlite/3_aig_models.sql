-- The models that were called, since when and until when, and by which name. Columns are described in
-- sql/bigquery/4_aig_models.sql.
DROP VIEW IF EXISTS aig_models;
CREATE VIEW aig_models (
  gateway, provider, model, canonical_model, first_day, last_day, requests, errors, cached, tokens_in, tokens_out,
  tokens_cached, tokens_reasoning, cost, unpriced
) AS
SELECT
  gateway,
  provider,
  model,
  canonical_model,
  MIN(day) AS first_day,
  MAX(day) AS last_day,
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
GROUP BY 1, 2, 3;
