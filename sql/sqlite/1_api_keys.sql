-- The keys of the events API. Only the SHA-256 of a key is kept. org is * for all orgs, scopes are separated by commas,
-- origins are a JSON list.
CREATE TABLE IF NOT EXISTS api_keys (
  hash TEXT NOT NULL PRIMARY KEY,
  prefix TEXT NOT NULL,
  org TEXT NOT NULL,
  scopes TEXT NOT NULL,
  origins TEXT NOT NULL,
  created_at TEXT NOT NULL,
  revoked_at TEXT
) WITHOUT ROWID;
