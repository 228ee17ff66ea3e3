-- Each log once. The raw table's key sees to it here; the view has the name that it has in BigQuery.
-- Where the setting METADATA_COLUMNS names keys of the metadata, aig-logs puts them in the place of the comment with its
-- name.
DROP VIEW IF EXISTS aig_logs;
CREATE VIEW aig_logs AS
SELECT
  *
  -- METADATA_COLUMNS
FROM aig_logs_raw;
