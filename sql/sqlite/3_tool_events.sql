-- Calls of tools: events whose name begins with tool_, tool. or mcp.tool. The metadata has tool_name and
-- execution_time_ms, wherever the sender has put them. Instants are in SQLite's own form, UTC.
DROP VIEW IF EXISTS tool_events;
CREATE VIEW tool_events (
  id, user_id, event_name, timestamp, metadata, created_at, org
) AS
SELECT
  id,
  user_id,
  name,
  strftime('%Y-%m-%d %H:%M:%S', created_at),
  json_insert(COALESCE(metadata, '{}'), '$.tool_name', subject, '$.execution_time_ms', duration),
  strftime('%Y-%m-%d %H:%M:%S', ingested_at),
  org
FROM events_raw
WHERE name GLOB 'tool[_.]*' OR name GLOB 'mcp.tool*';
