-- What was used and what it cost, by day. It is written so that a filter on day reads only those days: it is
-- DATE(created_at), by which the raw table is partitioned.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_usage_by_day` (
  day OPTIONS (description = "Day of created_at, UTC"),
  gateway OPTIONS (description = "Gateway id; null for rows of the TypeScript program"),
  provider OPTIONS (description = "Provider, for example openai"),
  model OPTIONS (description = "Model as the gateway names it"),
  canonical_model OPTIONS (description = "provider/model: one name before and after 2026-09-01, when Cloudflare began to write the provider before it"),
  requests OPTIONS (description = "Logs"),
  errors OPTIONS (description = "Logs of calls that failed"),
  cached OPTIONS (description = "Logs that the gateway's cache answered"),
  tokens_in OPTIONS (description = "Prompt tokens; null where no log reports any"),
  tokens_out OPTIONS (description = "Completion tokens; null where no log reports any"),
  tokens_cached OPTIONS (description = "Prompt tokens that the provider had cached; a part of tokens_in"),
  tokens_reasoning OPTIONS (description = "Completion tokens spent on reasoning; a part of tokens_out"),
  cost OPTIONS (description = "Sum of Cloudflare's estimates, USD; null where no log has one"),
  unpriced OPTIONS (description = "Logs that must have cost something, and have no cost; above 0, cost is a floor")
)
OPTIONS (description = "Requests, errors, cache hits, tokens and cost by day, gateway, provider and model")
AS
SELECT
  day,
  gateway,
  provider,
  model,
  canonical_model,
  COUNT(*) AS requests,
  COUNTIF(NOT success) AS errors,
  COUNTIF(cached) AS cached,
  SUM(tokens_in) AS tokens_in,
  SUM(tokens_out) AS tokens_out,
  SUM(tokens_cached) AS tokens_cached,
  SUM(tokens_reasoning) AS tokens_reasoning,
  SUM(cost) AS cost,
  COUNTIF(unpriced) AS unpriced
FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_requests`
GROUP BY 1, 2, 3, 4, 5;
