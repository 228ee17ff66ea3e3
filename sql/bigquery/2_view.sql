-- Each log once, in its newest version. The window is partitioned by created_at too, which never changes for an id,
-- so a filter on created_at reaches the table and BigQuery reads only those days.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_logs` AS
SELECT *
FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.${GCP_BQ_TABLE}`
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY created_at, id ORDER BY ingested_at DESC) = 1;
