-- Calls with tokens but no cost, by day, provider and model: where there are any, each sum of cost is a floor. Columns
-- are described in sql/bigquery/4_aig_unpriced.sql.
DROP VIEW IF EXISTS aig_unpriced;
CREATE VIEW aig_unpriced (
  day, provider, model, requests, unpriced, unpriced_share, unpriced_tokens_in, unpriced_tokens_out
) AS
SELECT
  substr(created_at, 1, 10) AS day,
  provider,
  model,
  COUNT(*) AS requests,
  COUNT(*) FILTER (WHERE cost IS NULL) AS unpriced,
  1.0 * COUNT(*) FILTER (WHERE cost IS NULL) / COUNT(*) AS unpriced_share,
  COALESCE(SUM(CASE WHEN cost IS NULL THEN tokens_in ELSE 0 END), 0) AS unpriced_tokens_in,
  COALESCE(SUM(CASE WHEN cost IS NULL THEN tokens_out ELSE 0 END), 0) AS unpriced_tokens_out
FROM aig_logs
WHERE cached IS NOT TRUE AND (tokens_in > 0 OR tokens_out > 0)
GROUP BY 1, 2, 3;
