-- A line for each log, with what the other views read of it. A log is unpriced if no cache answered it, and it has
-- tokens but no cost, or a cost of 0 that the caller did not set, or neither tokens nor cost although the call
-- succeeded. It is written so that a filter on day reads only those days: it is DATE(created_at), by which the raw
-- table is partitioned.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_requests` (
  id OPTIONS (description = "Log id"),
  day OPTIONS (description = "Day of created_at, UTC"),
  hour OPTIONS (description = "Hour of created_at, its first instant, UTC"),
  created_at OPTIONS (description = "When the gateway logged the call, UTC"),
  gateway OPTIONS (description = "Gateway id; null for rows of the TypeScript program"),
  provider OPTIONS (description = "Provider, for example openai"),
  model OPTIONS (description = "Model as the gateway names it"),
  canonical_model OPTIONS (description = "provider/model: one name before and after 2026-09-01, when Cloudflare began to write the provider before it"),
  step OPTIONS (description = "Position of the attempt in a chain of fallbacks, from 0"),
  event_id OPTIONS (description = "The caller's cf-aig-event-id"),
  status_code OPTIONS (description = "HTTP status of the provider's answer"),
  success OPTIONS (description = "Whether the call succeeded"),
  cached OPTIONS (description = "Whether the answer came from the gateway's cache"),
  duration OPTIONS (description = "Whole call, milliseconds"),
  latency OPTIONS (description = "Until the first byte of the answer, milliseconds"),
  tokens_in OPTIONS (description = "Prompt tokens; null where the provider reports none"),
  tokens_out OPTIONS (description = "Completion tokens; null where the provider reports none"),
  tokens_cached OPTIONS (description = "Prompt tokens that the provider had cached; a part of tokens_in"),
  tokens_reasoning OPTIONS (description = "Completion tokens spent on reasoning; a part of tokens_out"),
  cost OPTIONS (description = "Cloudflare's estimate, USD; null where the price is not known"),
  unpriced OPTIONS (description = "Whether it must have cost something, and has no cost"),
  user_id OPTIONS (description = "Value of the metadata key user_id, or else of user"),
  metadata OPTIONS (description = "The caller's metadata, for example team and user")
)
OPTIONS (description = "Logs of Cloudflare AI Gateway, each once, with day, hour, one name for each model, user, and whether the cost is missing")
AS
SELECT
  id,
  DATE(created_at) AS day,
  TIMESTAMP_TRUNC(created_at, HOUR) AS hour,
  created_at,
  gateway,
  provider,
  model,
  IF(provider IS NULL OR STARTS_WITH(model, CONCAT(provider, '/')), model, CONCAT(provider, '/', model)) AS canonical_model,
  step,
  event_id,
  status_code,
  success,
  cached,
  duration,
  latency,
  tokens_in,
  tokens_out,
  input_cached_tokens AS tokens_cached,
  output_reasoning_tokens AS tokens_reasoning,
  cost,
  cached IS NOT TRUE AND COALESCE(cost, 0) = 0 AND IF(
    COALESCE(tokens_in, 0) > 0 OR COALESCE(tokens_out, 0) > 0,
    cost IS NULL OR custom_cost IS NOT TRUE,
    cost IS NULL AND success IS NOT FALSE
  ) AS unpriced,
  COALESCE(JSON_VALUE(metadata, '$.user_id'), JSON_VALUE(metadata, '$.user')) AS user_id,
  metadata
FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_logs`;
