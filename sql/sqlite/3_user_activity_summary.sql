-- Each user: events, calls of tools (as in tool_performance), sign-ins that succeeded, and the first and last event.
-- Instants are in SQLite's own form, UTC.
DROP VIEW IF EXISTS user_activity_summary;
CREATE VIEW user_activity_summary (
  user_id, total_events, tools_invoked, successful_logins, first_seen, last_seen
) AS
WITH told AS (
  SELECT
    user_id,
    created_at,
    success,
    name GLOB 'tool[_.]*' OR name GLOB 'mcp.tool*' AS is_tool,
    name GLOB 'auth[_.]*' AS is_auth
  FROM events_raw
  WHERE user_id IS NOT NULL
)
SELECT
  user_id,
  COUNT(*),
  MAX(COUNT(*) FILTER (WHERE is_tool AND success IS NULL), COUNT(success) FILTER (WHERE is_tool)),
  COUNT(*) FILTER (WHERE is_auth AND success = 1),
  strftime('%Y-%m-%d %H:%M:%S', MIN(created_at)),
  strftime('%Y-%m-%d %H:%M:%S', MAX(created_at))
FROM told
GROUP BY user_id;
