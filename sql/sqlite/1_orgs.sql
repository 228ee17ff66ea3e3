-- What is known of an org beside its rows: its name, and its plan.
CREATE TABLE IF NOT EXISTS orgs (
  org TEXT NOT NULL PRIMARY KEY,
  name TEXT,
  plan TEXT
) WITHOUT ROWID;
