-- Events as the table of a Pipelines stream shows them, for code and queries that were written for it. Instants are in
-- SQLite's own form, UTC, so that they compare with datetime('now', '-1 hour'): timestamp is the event's instant, and
-- created_at that of its receipt. INSERT adds an event, DELETE takes events away.
DROP VIEW IF EXISTS Uu_sink;
CREATE VIEW Uu_sink (
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
FROM events_raw;
CREATE TRIGGER Uu_sink_insert INSTEAD OF INSERT ON Uu_sink
BEGIN
  INSERT INTO events_raw (
    org, created_at, id, name, user_id, subject, success, duration, source, ingested_at, metadata
  )
  SELECT
    COALESCE(NULLIF(NEW.org, ''), 'default'),
    strftime('%Y-%m-%dT%H:%M:%fZ', COALESCE(NEW.timestamp, 'now')),
    COALESCE(NEW.id, lower(hex(randomblob(16)))),
    NEW.event_name,
    CASE
      WHEN json_valid(NEW.user_id) AND json_type(NEW.user_id) = 'object' THEN COALESCE(
        json_extract(NEW.user_id, '$.login'),
        json_extract(NEW.user_id, '$.email'),
        json_extract(NEW.user_id, '$.client_id')
      )
      ELSE NEW.user_id
    END,
    json_extract(NEW.metadata, '$.tool_name'),
    CASE
      WHEN NEW.event_name GLOB '*[_.]success' THEN 1
      WHEN NEW.event_name GLOB '*[_.]failure' OR NEW.event_name GLOB '*.failed' THEN 0
    END,
    CASE
      WHEN json_type(NEW.metadata, '$.execution_time_ms') IN ('integer', 'real') THEN json_extract(NEW.metadata, '$.execution_time_ms')
    END,
    'sql',
    strftime('%Y-%m-%dT%H:%M:%fZ', COALESCE(NEW.created_at, 'now')),
    NEW.metadata
  WHERE true
  ON CONFLICT DO NOTHING;
  -- What is counted of its hour and day is counted anew.
  UPDATE rollup_spans SET state = 0 WHERE source = 'events' AND state = 1 AND (
    (grain = 'hour' AND start = strftime('%Y-%m-%dT%H:00:00.000Z', COALESCE(NEW.timestamp, 'now')))
    OR (grain = 'day' AND start = strftime('%Y-%m-%dT00:00:00.000Z', COALESCE(NEW.timestamp, 'now')))
  );
END;
CREATE TRIGGER Uu_sink_delete INSTEAD OF DELETE ON Uu_sink
BEGIN
  DELETE FROM events_raw
  WHERE org = OLD.org
    AND created_at >= strftime('%Y-%m-%dT%H:%M:%S', OLD.timestamp)
    AND created_at < strftime('%Y-%m-%dT%H:%M:%S', OLD.timestamp, '+1 second')
    AND id = OLD.id;
END;
