-- Sign-ins and sign-outs: events whose name begins with auth_ or auth. (a dot). Instants are in SQLite's own form, UTC.
DROP VIEW IF EXISTS auth_events;
CREATE VIEW auth_events (
  id, user_id, event_name, timestamp, metadata, created_at, org
) AS
SELECT
  id,
  user_id,
  name,
  strftime('%Y-%m-%d %H:%M:%S', created_at),
  metadata,
  strftime('%Y-%m-%d %H:%M:%S', ingested_at),
  org
FROM events_raw
WHERE name GLOB 'auth[_.]*';
