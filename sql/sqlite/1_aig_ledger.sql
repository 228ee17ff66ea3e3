-- What counts at the source have told of each hour and day of a gateway's logs. grain: hour, or day of the history before
-- the poller began. source: logs there; delivered: logs written; verdict: proven, short (some are missing), over (the
-- source has deleted some), or unprovable (it gives no true count). at: since when that is known. The last line of a gateway
-- with grain forward tells from when on and up to when all logs are delivered, the one with grain backfill from when back to
-- when the history is counted.
CREATE TABLE IF NOT EXISTS aig_ledger (
  grain TEXT NOT NULL,
  gateway TEXT NOT NULL,
  start TEXT NOT NULL,
  until TEXT NOT NULL,
  source INTEGER,
  delivered INTEGER,
  verdict TEXT,
  at TEXT NOT NULL,
  PRIMARY KEY (grain, start, gateway)
) WITHOUT ROWID;
