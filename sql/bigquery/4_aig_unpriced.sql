-- How much of the traffic has no price, by day: Cloudflare knows none for it, and every sum of cost lacks it. What the
-- cache answered is left out: it costs nothing. It is written so that a filter on day reads only those days: it is
-- DATE(created_at), by which the raw table is partitioned.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_unpriced` (
  day OPTIONS (description = "Day of created_at, UTC"),
  gateway OPTIONS (description = "Gateway id; null for rows of the TypeScript program"),
  provider OPTIONS (description = "Provider, for example openai"),
  model OPTIONS (description = "Model as the gateway names it"),
  canonical_model OPTIONS (description = "provider/model: one name before and after 2026-09-01, when Cloudflare began to write the provider before it"),
  requests OPTIONS (description = "Logs that no cache answered, and that succeeded or have tokens"),
  unpriced OPTIONS (description = "Of these, logs without a cost"),
  unpriced_share OPTIONS (description = "unpriced / requests, from 0 to 1; above 0, the cost of this model and day is a floor"),
  unpriced_tokens_in OPTIONS (description = "Prompt tokens without a price"),
  unpriced_tokens_out OPTIONS (description = "Completion tokens without a price")
)
OPTIONS (description = "Calls without a cost, by day, gateway, provider and model: where there are any, each sum of cost is a floor")
AS
SELECT
  day,
  gateway,
  provider,
  model,
  canonical_model,
  COUNT(*) AS requests,
  COUNTIF(unpriced) AS unpriced,
  COUNTIF(unpriced) / COUNT(*) AS unpriced_share,
  COALESCE(SUM(CASE WHEN unpriced THEN tokens_in END), 0) AS unpriced_tokens_in,
  COALESCE(SUM(CASE WHEN unpriced THEN tokens_out END), 0) AS unpriced_tokens_out
FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_requests`
WHERE cached IS NOT TRUE AND (success IS NOT FALSE OR tokens_in > 0 OR tokens_out > 0)
GROUP BY 1, 2, 3, 4, 5;
