-- The lines of aig_usage_by_hour, kept in a table: a dashboard that reads it is billed a thousandth. Run all of this once a
-- day or hour, as a scheduled query. The first run takes all days. Each later one replaces the last days in one statement, so a
-- reader sees the old lines or the new ones.
CREATE TABLE IF NOT EXISTS `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.log_hours`
PARTITION BY day
CLUSTER BY gateway, provider, model
OPTIONS (description = "What was used and what it cost, by hour, gateway, provider and model; kept by a scheduled query")
AS
SELECT *
FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_usage_by_hour`;

MERGE `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.log_hours` AS kept
USING (
  SELECT *
  FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_usage_by_hour`
  WHERE day >= DATE_SUB(CURRENT_DATE(), INTERVAL ${DAYS} DAY)
) AS found
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.day >= DATE_SUB(CURRENT_DATE(), INTERVAL ${DAYS} DAY) THEN DELETE
WHEN NOT MATCHED BY TARGET THEN INSERT ROW;
