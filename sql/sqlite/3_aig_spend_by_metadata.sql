-- Requests, tokens and cost by day, gateway, model and by each key and value of the metadata. Columns are described in
-- sql/bigquery/4_aig_spend_by_metadata.sql. The second part has the logs without a value under a key of their day.
DROP VIEW IF EXISTS aig_spend_by_metadata;
CREATE VIEW aig_spend_by_metadata (
  day, gateway, provider, model, canonical_model, key, value, requests, tokens_in, tokens_out, cost, unpriced
) AS
SELECT
  day,
  gateway,
  provider,
  model,
  canonical_model,
  pair.key,
  -- A number in the text has digits that SQLite's numbers lack.
  CASE
    WHEN pair.type IN ('true', 'false') THEN pair.type
    WHEN pair.type IN ('integer', 'real') THEN COALESCE(metadata -> pair.fullkey, CAST(pair.value AS TEXT))
    ELSE CAST(pair.value AS TEXT)
  END,
  COUNT(*),
  SUM(tokens_in),
  SUM(tokens_out),
  SUM(cost),
  COUNT(*) FILTER (WHERE unpriced)
FROM aig_requests, json_each(metadata) AS pair
WHERE json_type(metadata) = 'object' AND pair.type <> 'null'
GROUP BY 1, 2, 3, 4, 6, 7
UNION ALL
SELECT
  days.day,
  request.gateway,
  provider,
  model,
  canonical_model,
  key.value,
  NULL,
  COUNT(*),
  SUM(tokens_in),
  SUM(tokens_out),
  SUM(cost),
  COUNT(*) FILTER (WHERE unpriced)
FROM aig_days AS days
CROSS JOIN json_each((
  SELECT json_group_array(DISTINCT pair.key)
  FROM aig_requests AS other, json_each(other.metadata) AS pair
  WHERE other.day = days.day AND json_type(other.metadata) = 'object' AND pair.type <> 'null'
)) AS key
CROSS JOIN aig_requests AS request
WHERE request.day = days.day AND request.gateway = days.gateway AND NOT EXISTS (
  SELECT 1
  FROM json_each(request.metadata) AS pair
  WHERE json_type(request.metadata) = 'object' AND pair.key = key.value AND pair.type <> 'null'
)
GROUP BY 1, 2, 3, 4, 6;
