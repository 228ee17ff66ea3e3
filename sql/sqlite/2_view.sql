-- Each log once. The raw table's key sees to it here; the view has the name that it has in BigQuery.
CREATE VIEW IF NOT EXISTS aig_logs AS SELECT * FROM aig_logs_raw;
