-- How much of the traffic has no price, by day: Cloudflare knows none for it, and every sum of cost lacks it. What the
-- cache answered is left out: it costs nothing. A filter on day reads only those days: it is DATE(created_at), by
-- which the raw table is partitioned.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_unpriced` (
  day OPTIONS (description = "Day of created_at, UTC"),
  provider OPTIONS (description = "Provider, for example openai"),
  model OPTIONS (description = "Model as the gateway names it"),
  requests OPTIONS (description = "Logs with tokens that no cache answered"),
  unpriced OPTIONS (description = "Of these, logs without a cost"),
  unpriced_share OPTIONS (description = "unpriced / requests, from 0 to 1; above 0, the cost of this model and day is a floor"),
  unpriced_tokens_in OPTIONS (description = "Prompt tokens without a price"),
  unpriced_tokens_out OPTIONS (description = "Completion tokens without a price")
)
OPTIONS (description = "Calls with tokens but no cost, by day, provider and model: where there are any, each sum of cost is a floor")
AS
SELECT
  DATE(created_at) AS day,
  provider,
  model,
  COUNT(*) AS requests,
  COUNTIF(cost IS NULL) AS unpriced,
  COUNTIF(cost IS NULL) / COUNT(*) AS unpriced_share,
  COALESCE(SUM(IF(cost IS NULL, tokens_in, 0)), 0) AS unpriced_tokens_in,
  COALESCE(SUM(IF(cost IS NULL, tokens_out, 0)), 0) AS unpriced_tokens_out
FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_logs`
WHERE cached IS NOT TRUE AND (tokens_in > 0 OR tokens_out > 0)
GROUP BY 1, 2, 3;
