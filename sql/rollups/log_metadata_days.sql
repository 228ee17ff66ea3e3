-- The lines of aig_spend_by_metadata, kept in a table. See log_hours.sql.
CREATE TABLE IF NOT EXISTS `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.log_metadata_days`
PARTITION BY day
CLUSTER BY key, gateway, provider, model
OPTIONS (description = "Requests, tokens and cost by day, model and by each key and value of the metadata; kept by a scheduled query")
AS
SELECT *
FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_spend_by_metadata`;

MERGE `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.log_metadata_days` AS kept
USING (
  SELECT *
  FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_spend_by_metadata`
  WHERE day >= DATE_SUB(CURRENT_DATE(), INTERVAL ${DAYS} DAY)
) AS found
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.day >= DATE_SUB(CURRENT_DATE(), INTERVAL ${DAYS} DAY) THEN DELETE
WHEN NOT MATCHED BY TARGET THEN INSERT ROW;
