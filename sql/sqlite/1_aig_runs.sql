-- One line for each pass that read, counted or failed, the columns of sql/bigquery/1_aig_runs.sql in the same order.
CREATE TABLE IF NOT EXISTS aig_runs (
  run TEXT NOT NULL PRIMARY KEY,
  started TEXT NOT NULL,
  finished TEXT NOT NULL,
  job TEXT NOT NULL,
  verdict TEXT NOT NULL,
  entries INTEGER,
  rows_written INTEGER,
  known INTEGER,
  rejected INTEGER,
  late INTEGER,
  pages INTEGER,
  counts INTEGER,
  calls INTEGER,
  lag_ms INTEGER,
  lateness_p50_ms INTEGER,
  lateness_p95_ms INTEGER,
  error TEXT,
  version TEXT
) WITHOUT ROWID;
