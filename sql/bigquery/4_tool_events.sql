-- Calls of tools: events whose name begins with tool_, tool. or mcp.tool. The metadata has tool_name and
-- execution_time_ms, wherever the sender has put them. A filter on timestamp reads only those days: it is created_at of
-- events_raw, by whose day the table is partitioned.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.tool_events` (
  id OPTIONS (description = "Event id"),
  user_id OPTIONS (description = "User"),
  event_name OPTIONS (description = "What happened, for example tool_success"),
  timestamp OPTIONS (description = "When it happened, UTC"),
  metadata OPTIONS (description = "What else the sender tells of it, with tool_name and execution_time_ms"),
  created_at OPTIONS (description = "When it was received, UTC"),
  org OPTIONS (description = "Org, the tenant that it belongs to")
)
OPTIONS (description = "Calls of tools: events whose name begins with tool_, tool. or mcp.tool")
AS
WITH named AS (
  SELECT
    id,
    user_id,
    name,
    created_at,
    ingested_at,
    org,
    duration,
    -- A key that is there stays as it is.
    IF(
      'tool_name' IN UNNEST(JSON_KEYS(metadata, 1)),
      metadata,
      JSON_SET(COALESCE(metadata, JSON '{}'), '$.tool_name', TO_JSON(subject))
    ) AS metadata
  FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.events`
  WHERE SUBSTR(name, 1, 5) IN ('tool_', 'tool.') OR STARTS_WITH(name, 'mcp.tool')
)
SELECT
  id,
  user_id,
  name,
  created_at,
  IF(
    'execution_time_ms' IN UNNEST(JSON_KEYS(metadata, 1)),
    metadata,
    JSON_SET(metadata, '$.execution_time_ms', TO_JSON(duration))
  ),
  ingested_at,
  org
FROM named;
