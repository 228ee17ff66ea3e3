-- Each user, of all events that are kept: calls of tools are counted as in tool_performance.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.user_activity_summary` (
  user_id OPTIONS (description = "User"),
  total_events OPTIONS (description = "Events"),
  tools_invoked OPTIONS (description = "Calls of tools"),
  successful_logins OPTIONS (description = "Sign-ins that succeeded"),
  first_seen OPTIONS (description = "First event, UTC"),
  last_seen OPTIONS (description = "Last event, UTC")
)
OPTIONS (description = "Events, calls of tools and sign-ins of each user, and the first and last event")
AS
WITH told AS (
  SELECT
    user_id,
    created_at,
    success,
    SUBSTR(name, 1, 5) IN ('tool_', 'tool.') OR STARTS_WITH(name, 'mcp.tool') AS is_tool,
    SUBSTR(name, 1, 5) IN ('auth_', 'auth.') AS is_auth
  FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.events`
  WHERE user_id IS NOT NULL
)
SELECT
  user_id,
  COUNT(*),
  GREATEST(COUNTIF(is_tool AND success IS NULL), COUNTIF(is_tool AND success IS NOT NULL)),
  COUNTIF(is_auth AND success),
  MIN(created_at),
  MAX(created_at)
FROM told
GROUP BY user_id;
