-- Each tool: how often it is called, how often that succeeds, and how long it takes in milliseconds. A call may be told
-- by its beginning, by its end, or by both: invocations is the larger number. Percentiles are nearest ranks.
DROP VIEW IF EXISTS tool_performance;
CREATE VIEW tool_performance (
  tool_name, invocations, successes, failures, success_rate, avg_execution_time_ms, p50_ms, p95_ms, p99_ms
) AS
WITH calls AS (
  SELECT
    subject,
    success,
    duration,
    ROW_NUMBER() OVER (PARTITION BY subject ORDER BY duration NULLS LAST) AS place,
    COUNT(duration) OVER (PARTITION BY subject) AS timed
  FROM events_raw
  WHERE name GLOB 'tool[_.]*' OR name GLOB 'mcp.tool*'
)
SELECT
  subject,
  MAX(COUNT(*) FILTER (WHERE success IS NULL), COUNT(success)),
  COUNT(*) FILTER (WHERE success = 1),
  COUNT(*) FILTER (WHERE success = 0),
  1.0 * COUNT(*) FILTER (WHERE success = 1) / NULLIF(COUNT(success), 0),
  AVG(duration),
  MAX(duration) FILTER (WHERE place = (timed * 50 + 99) / 100),
  MAX(duration) FILTER (WHERE place = (timed * 95 + 99) / 100),
  MAX(duration) FILTER (WHERE place = (timed * 99 + 99) / 100)
FROM calls
GROUP BY subject;
