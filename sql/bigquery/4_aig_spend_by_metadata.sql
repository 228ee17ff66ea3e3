-- Who and what it is spent on, by day: a log counts once for each key of the metadata that it or another log of its day
-- has, so never add up several keys. The lines of one key add up to all logs. It is written so that a filter on day
-- reads only those days: it is DATE(created_at), by which the raw table is partitioned, and all windows are partitioned
-- by it too.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_spend_by_metadata` (
  day OPTIONS (description = "Day of created_at, UTC"),
  gateway OPTIONS (description = "Gateway id; null for rows of the TypeScript program"),
  provider OPTIONS (description = "Provider, for example openai"),
  model OPTIONS (description = "Model as the gateway names it"),
  canonical_model OPTIONS (description = "provider/model: one name before and after 2026-09-01, when Cloudflare began to write the provider before it"),
  key OPTIONS (description = "Key of the metadata, for example team"),
  value OPTIONS (description = "Its value as text; null: the logs without a value under a key that another log of the day has"),
  requests OPTIONS (description = "Logs with this value"),
  tokens_in OPTIONS (description = "Prompt tokens; null where no log reports any"),
  tokens_out OPTIONS (description = "Completion tokens; null where no log reports any"),
  cost OPTIONS (description = "Sum of Cloudflare's estimates, USD; null where no log has one"),
  unpriced OPTIONS (description = "Logs that must have cost something, and have no cost; above 0, cost is a floor")
)
OPTIONS (description = "Requests, tokens and cost by day, gateway, model and by each key and value of the metadata, and without a value")
AS
WITH pairs AS (
  SELECT
    day,
    gateway,
    provider,
    model,
    canonical_model,
    tokens_in,
    tokens_out,
    cost,
    unpriced,
    metadata,
    found IS NULL AS whole,
    -- JSON_KEYS gives a key with special characters as a text of JSON.
    IF(STARTS_WITH(found, '"'), JSON_VALUE(PARSE_JSON(found)), found) AS key
  FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_requests`,
    -- Each log once as a whole, and once for each of its keys.
    UNNEST(ARRAY_CONCAT([CAST(NULL AS STRING)], COALESCE(JSON_KEYS(metadata, 1), CAST([] AS ARRAY<STRING>)))) AS found
),
spent AS (
  SELECT
    * EXCEPT (metadata),
    COALESCE(
      JSON_VALUE(metadata[key]),
      IF(JSON_TYPE(metadata[key]) IN ('array', 'object'), TO_JSON_STRING(metadata[key]), NULL)
    ) AS value
  FROM pairs
),
summed AS (
  SELECT
    day,
    gateway,
    provider,
    model,
    canonical_model,
    whole,
    key,
    value,
    COUNT(*) AS requests,
    SUM(tokens_in) AS tokens_in,
    COUNT(tokens_in) AS with_tokens_in,
    SUM(tokens_out) AS tokens_out,
    COUNT(tokens_out) AS with_tokens_out,
    SUM(cost) AS cost,
    COUNT(cost) AS with_cost,
    COUNTIF(unpriced) AS unpriced
  FROM spent
  WHERE whole OR value IS NOT NULL
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
),
-- One line of each day and key is given the sums of all logs of the day.
marked AS (
  SELECT
    day,
    key,
    whole,
    STRUCT(
      gateway AS gateway,
      provider AS provider,
      model AS model,
      canonical_model AS canonical_model,
      value AS value,
      whole AS rest,
      requests AS requests,
      tokens_in AS tokens_in,
      with_tokens_in AS with_tokens_in,
      tokens_out AS tokens_out,
      with_tokens_out AS with_tokens_out,
      cost AS cost,
      with_cost AS with_cost,
      unpriced AS unpriced
    ) AS sums,
    NOT whole AND ROW_NUMBER() OVER (PARTITION BY day, whole, key ORDER BY value) = 1 AS first
  FROM summed
),
gathered AS (
  SELECT *, ARRAY_AGG(IF(whole, sums, NULL)) OVER (PARTITION BY day, whole OR first) AS wholes FROM marked
),
lines AS (
  SELECT day, key, line.*
  FROM gathered, UNNEST(ARRAY_CONCAT([sums], IF(first, wholes, []))) AS line
  WHERE NOT whole AND line.requests IS NOT NULL
),
-- Who has no value under a key: the sums of all, less those of who has one.
less AS (
  SELECT
    *,
    SUM(IF(rest, requests, -requests)) OVER of_key AS rest_requests,
    SUM(IF(rest, tokens_in, -tokens_in)) OVER of_key AS rest_tokens_in,
    SUM(IF(rest, with_tokens_in, -with_tokens_in)) OVER of_key AS rest_with_tokens_in,
    SUM(IF(rest, tokens_out, -tokens_out)) OVER of_key AS rest_tokens_out,
    SUM(IF(rest, with_tokens_out, -with_tokens_out)) OVER of_key AS rest_with_tokens_out,
    SUM(IF(rest, cost, -cost)) OVER of_key AS rest_cost,
    SUM(IF(rest, with_cost, -with_cost)) OVER of_key AS rest_with_cost,
    SUM(IF(rest, unpriced, -unpriced)) OVER of_key AS rest_unpriced
  FROM lines
  WINDOW of_key AS (PARTITION BY day, gateway, provider, model, key)
)
SELECT
  day,
  gateway,
  provider,
  model,
  canonical_model,
  key,
  value,
  IF(rest, rest_requests, requests) AS requests,
  IF(rest, IF(rest_with_tokens_in > 0, rest_tokens_in, NULL), tokens_in) AS tokens_in,
  IF(rest, IF(rest_with_tokens_out > 0, rest_tokens_out, NULL), tokens_out) AS tokens_out,
  -- What is left of sums of floats is no finer than they are.
  IF(rest, IF(rest_with_cost > 0, ROUND(rest_cost, 12), NULL), cost) AS cost,
  IF(rest, rest_unpriced, unpriced) AS unpriced
FROM less
WHERE NOT rest OR rest_requests > 0;
