-- The table of events. An event costs one row written: the key is the table, and there is no other index.
-- Instants are RFC 3339 text in UTC, truths are 0 and 1, JSON is text.
CREATE TABLE IF NOT EXISTS events_raw (
  org TEXT NOT NULL,
  created_at TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  user_id TEXT,
  session_id TEXT,
  subject TEXT,
  success INTEGER,
  status_code INTEGER,
  duration REAL,
  quantity REAL,
  unit TEXT,
  sku TEXT,
  cost REAL,
  error TEXT,
  source TEXT NOT NULL,
  ingested_at TEXT NOT NULL,
  metadata TEXT,
  extra TEXT,
  PRIMARY KEY (org, created_at, id)
) WITHOUT ROWID;
