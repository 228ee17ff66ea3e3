-- Who and what it is spent on, by day: a log counts once for each of its metadata keys, so never add up several keys.
-- A filter on day reads only those days: it is DATE(created_at), by which the raw table is partitioned.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_spend_by_metadata` (
  day OPTIONS (description = "Day of created_at, UTC"),
  key OPTIONS (description = "Key of the metadata, for example team"),
  value OPTIONS (description = "Its value as text"),
  requests OPTIONS (description = "Logs with this key and value"),
  tokens_in OPTIONS (description = "Prompt tokens; null where no log reports any"),
  tokens_out OPTIONS (description = "Completion tokens; null where no log reports any"),
  cost OPTIONS (description = "Sum of Cloudflare's estimates, USD; null where no log has one"),
  unpriced OPTIONS (description = "Logs with tokens but no cost, the cached ones aside; above 0, cost is a floor")
)
OPTIONS (description = "Requests, tokens and cost by day and by each key and value of the metadata")
AS
WITH named AS (
  SELECT
    DATE(created_at) AS day,
    -- JSON_KEYS gives a key with special characters as a text of JSON.
    IF(STARTS_WITH(found, '"'), JSON_VALUE(PARSE_JSON(found)), found) AS key,
    metadata,
    cached,
    tokens_in,
    tokens_out,
    cost
  FROM (
    -- By name: a column of METADATA_COLUMNS may be called as anything here is.
    SELECT created_at, metadata, cached, tokens_in, tokens_out, cost
    FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_logs`
  ), UNNEST(JSON_KEYS(metadata, 1)) AS found
),
spent AS (
  SELECT
    day,
    key,
    COALESCE(
      JSON_VALUE(metadata[key]),
      IF(JSON_TYPE(metadata[key]) IN ('array', 'object'), TO_JSON_STRING(metadata[key]), NULL)
    ) AS value,
    cached,
    tokens_in,
    tokens_out,
    cost
  FROM named
)
SELECT
  day,
  key,
  value,
  COUNT(*) AS requests,
  SUM(tokens_in) AS tokens_in,
  SUM(tokens_out) AS tokens_out,
  SUM(cost) AS cost,
  COUNTIF(cost IS NULL AND cached IS NOT TRUE AND (tokens_in > 0 OR tokens_out > 0)) AS unpriced
FROM spent
WHERE value IS NOT NULL
GROUP BY day, key, value;
