-- Each log once. The raw table's key sees to it here; the view has the name that it has in BigQuery.
DROP VIEW IF EXISTS aig_logs;
CREATE VIEW aig_logs AS
SELECT * FROM aig_logs_raw;
