-- What questions ask of closed hours and days, counted from events and AI Gateway logs: a line for each group.
-- together: 1 where all orgs are one, and org is empty. level 1: by no further field; 2: by the first ones; 3: by all. Hours
-- have no line of level 3 for all orgs together. Columns by which a level does not group are null. buckets: how many
-- durations are in each bucket, as JSON; a bucket is floor(50 * ln(ms)). rest is 1 where several groups stand together, as
-- (other), because there are too many of them. measured: the rows with a quantity; unpriced: the quantity of those without a
-- cost; billed: the cost of the others. cached: logs that a cache answered; costless: logs that aig_requests
-- calls unpriced. sessions: of days, at level 1.
CREATE TABLE IF NOT EXISTS rollups (
  source TEXT NOT NULL,
  grain TEXT NOT NULL,
  together INTEGER NOT NULL,
  level INTEGER NOT NULL,
  org TEXT NOT NULL,
  start TEXT NOT NULL,
  place INTEGER NOT NULL,
  name TEXT,
  subject TEXT,
  unit TEXT,
  sku TEXT,
  model TEXT,
  provider TEXT,
  gateway TEXT,
  status_code INTEGER,
  success INTEGER,
  rest INTEGER NOT NULL,
  events INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  timed INTEGER NOT NULL,
  duration REAL,
  longest REAL,
  quantity REAL,
  cost REAL,
  measured INTEGER NOT NULL,
  unpriced REAL,
  billed REAL,
  tokens_in INTEGER,
  tokens_out INTEGER,
  cached INTEGER,
  costless INTEGER,
  tokens_cached INTEGER,
  sessions INTEGER,
  buckets TEXT NOT NULL,
  PRIMARY KEY (source, grain, together, level, org, start, place)
) WITHOUT ROWID;

-- What each value of a metadata key costs, on each closed day: a line for each value with model, provider and gateway. The
-- value is JSON; null: the logs that lack the key. together: 1 where all orgs are one, and org is empty. rest is 1 where a
-- key has too many values, and no others.
CREATE TABLE IF NOT EXISTS rollup_keys (
  day TEXT NOT NULL,
  together INTEGER NOT NULL,
  org TEXT NOT NULL,
  key TEXT NOT NULL,
  place INTEGER NOT NULL,
  value TEXT,
  model TEXT,
  provider TEXT,
  gateway TEXT,
  rest INTEGER NOT NULL,
  events INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  cost REAL,
  tokens_in INTEGER,
  tokens_out INTEGER,
  PRIMARY KEY (day, together, org, key, place)
) WITHOUT ROWID;

-- The users of each closed day, and what they did. named: 0 for the rows of nobody known, whose user_id is empty.
CREATE TABLE IF NOT EXISTS rollup_users (
  source TEXT NOT NULL,
  org TEXT NOT NULL,
  day TEXT NOT NULL,
  named INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  events INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  quantity REAL,
  cost REAL,
  tokens_in INTEGER,
  tokens_out INTEGER,
  PRIMARY KEY (source, org, day, named, user_id)
) WITHOUT ROWID;

-- The hours and days that are counted. state 0: a row of it has changed since; 1: counted; 2: counted for good, because
-- its rows are no longer kept. rest is 1 where a line of it is of several groups.
CREATE TABLE IF NOT EXISTS rollup_spans (
  source TEXT NOT NULL,
  grain TEXT NOT NULL,
  start TEXT NOT NULL,
  state INTEGER NOT NULL,
  rest INTEGER NOT NULL,
  PRIMARY KEY (source, grain, start)
) WITHOUT ROWID;

-- A row that goes is noted in the transaction that deletes it. Rows that come or change are noted by the program: with a
-- trigger, writing a row takes nearly twice the time, and D1 counts what the trigger changes as changed by the statement.
CREATE TRIGGER IF NOT EXISTS rollups_events_deleted AFTER DELETE ON events_raw
BEGIN
  UPDATE rollup_spans SET state = 0 WHERE source = 'events' AND state = 1 AND (
    (grain = 'hour' AND start = substr(OLD.created_at, 1, 13) || ':00:00.000Z')
    OR (grain = 'day' AND start = substr(OLD.created_at, 1, 10) || 'T00:00:00.000Z')
  );
END;

CREATE TRIGGER IF NOT EXISTS rollups_logs_deleted AFTER DELETE ON aig_logs_raw
BEGIN
  UPDATE rollup_spans SET state = 0 WHERE source = 'logs' AND state = 1 AND (
    (grain = 'hour' AND start = substr(OLD.created_at, 1, 13) || ':00:00.000Z')
    OR (grain = 'day' AND start = substr(OLD.created_at, 1, 10) || 'T00:00:00.000Z')
  );
END;
