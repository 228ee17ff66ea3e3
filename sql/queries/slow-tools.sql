-- Calls of tools that took long, the longest first.
-- data: events
-- slower number = 1000: milliseconds that the call has exceeded
-- answer: at, tool, user, duration ms
SELECT created_at AS `at`, subject AS tool, user_id AS user, duration
FROM activity
WHERE (substr(name, 1, 5) IN ('tool_', 'tool.') OR substr(name, 1, 8) = 'mcp.tool') AND duration > :slower
ORDER BY duration DESC, created_at, org, id
