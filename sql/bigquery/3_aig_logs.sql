-- Each log once, in its newest version. The window is partitioned by created_at too, which never changes for an id:
-- a filter on created_at may then be applied before the window, reaches the table, and BigQuery reads only those days.
-- A window partitioned by id alone would have to see every day's rows first.
-- A row without an id is no log: the table of the TypeScript program began with one row of nulls.
-- The view keeps the columns that the table has when it is made: make it again after adding one. It has no list of
-- columns of its own, with which a column added to the table would break it.
-- Where the setting METADATA_COLUMNS names keys of the metadata, aig-logs puts them in the place of the comment with its
-- name.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_logs`
OPTIONS (description = "Logs of Cloudflare AI Gateway, each once, in its newest version; columns as in the raw table, then those of METADATA_COLUMNS")
AS
SELECT
  *
  -- METADATA_COLUMNS
FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.${GCP_BQ_TABLE}`
WHERE id IS NOT NULL
QUALIFY ROW_NUMBER() OVER (PARTITION BY created_at, id ORDER BY ingested_at DESC) = 1;
