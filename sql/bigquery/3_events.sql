-- Each event once, as it first came. The window is partitioned by created_at too, which is a part of an event's key: a
-- filter on created_at may then be applied before the window, reaches the table, and BigQuery reads only those days.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.events`
OPTIONS (description = "Events of applications, each once; columns as in events_raw")
AS
SELECT *
FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.events_raw`
WHERE id IS NOT NULL
QUALIFY ROW_NUMBER() OVER (PARTITION BY org, created_at, id ORDER BY ingested_at) = 1;
