-- Calls without a cost, by day, gateway, provider and model: where there are any, each sum of cost is a floor. Columns
-- are described in sql/bigquery/4_aig_unpriced.sql.
DROP VIEW IF EXISTS aig_unpriced;
CREATE VIEW aig_unpriced (
  day, gateway, provider, model, canonical_model, requests, unpriced, unpriced_share, unpriced_tokens_in,
  unpriced_tokens_out
) AS
SELECT
  day,
  gateway,
  provider,
  model,
  canonical_model,
  COUNT(*) AS requests,
  COUNT(*) FILTER (WHERE unpriced) AS unpriced,
  1.0 * COUNT(*) FILTER (WHERE unpriced) / COUNT(*) AS unpriced_share,
  COALESCE(SUM(CASE WHEN unpriced THEN tokens_in END), 0) AS unpriced_tokens_in,
  COALESCE(SUM(CASE WHEN unpriced THEN tokens_out END), 0) AS unpriced_tokens_out
FROM aig_requests
WHERE cached IS NOT TRUE AND (success IS NOT FALSE OR tokens_in > 0 OR tokens_out > 0)
GROUP BY 1, 2, 3, 4;
