-- Who spends most, of all gateways: ... WHERE cost_rank <= 10 ORDER BY cost_rank. It reads the last 30 days and no more,
-- whatever the filter.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_top_users` (
  cost_rank OPTIONS (description = "1 for the user whose calls cost most; equal cost, equal rank"),
  user_id OPTIONS (description = "Value of the metadata key user_id, or else of user"),
  requests OPTIONS (description = "Logs of the last 30 days"),
  errors OPTIONS (description = "Logs of calls that failed"),
  tokens_in OPTIONS (description = "Prompt tokens; null where no log reports any"),
  tokens_out OPTIONS (description = "Completion tokens; null where no log reports any"),
  cost OPTIONS (description = "Sum of Cloudflare's estimates, USD; null where no log has one"),
  unpriced OPTIONS (description = "Logs that must have cost something, and have no cost; above 0, cost is a floor")
)
OPTIONS (description = "Users of the last 30 days, by the metadata key user_id, or else user: requests, tokens and cost")
AS
SELECT
  RANK() OVER (ORDER BY SUM(cost) DESC) AS cost_rank,
  user_id,
  COUNT(*) AS requests,
  COUNTIF(NOT success) AS errors,
  SUM(tokens_in) AS tokens_in,
  SUM(tokens_out) AS tokens_out,
  SUM(cost) AS cost,
  COUNTIF(unpriced) AS unpriced
FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_requests`
WHERE day >= DATE_SUB(CURRENT_DATE(), INTERVAL 30 DAY)
  AND created_at >= TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 30 DAY)
  AND user_id IS NOT NULL
GROUP BY 2;
