-- Requests, tokens and cost by day and by each key and value of the metadata. Columns are described in
-- sql/bigquery/4_aig_spend_by_metadata.sql.
DROP VIEW IF EXISTS aig_spend_by_metadata;
CREATE VIEW aig_spend_by_metadata (
  day, key, value, requests, tokens_in, tokens_out, cost, unpriced
) AS
SELECT
  substr(created_at, 1, 10) AS day,
  pair.key AS key,
  CASE pair.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(pair.value AS TEXT) END AS value,
  COUNT(*) AS requests,
  SUM(tokens_in) AS tokens_in,
  SUM(tokens_out) AS tokens_out,
  SUM(cost) AS cost,
  COUNT(*) FILTER (WHERE cost IS NULL AND cached IS NOT TRUE AND (tokens_in > 0 OR tokens_out > 0)) AS unpriced
FROM aig_logs, json_each(metadata) AS pair
WHERE json_type(metadata) = 'object' AND pair.type <> 'null'
GROUP BY 1, 2, 3;
