-- Each tool, of all events that are kept. A call may be told by its beginning, by its end, or by both: invocations is the
-- larger number. Percentiles are nearest ranks, counted in whole numbers, as SQLite does it too.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.tool_performance` (
  tool_name OPTIONS (description = "Tool"),
  invocations OPTIONS (description = "Calls: the larger number of beginnings and ends"),
  successes OPTIONS (description = "Calls that succeeded"),
  failures OPTIONS (description = "Calls that failed"),
  success_rate OPTIONS (description = "successes / (successes + failures), from 0 to 1; null where none has ended"),
  avg_execution_time_ms OPTIONS (description = "Mean of the durations, milliseconds"),
  p50_ms OPTIONS (description = "Milliseconds that 50 % of the calls did not exceed"),
  p95_ms OPTIONS (description = "Milliseconds that 95 % of the calls did not exceed"),
  p99_ms OPTIONS (description = "Milliseconds that 99 % of the calls did not exceed")
)
OPTIONS (description = "How often each tool is called, how often that succeeds, and how long it takes")
AS
WITH calls AS (
  SELECT
    subject,
    success,
    duration,
    ROW_NUMBER() OVER (PARTITION BY subject ORDER BY duration NULLS LAST) AS place,
    COUNT(duration) OVER (PARTITION BY subject) AS timed
  FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.events`
  WHERE SUBSTR(name, 1, 5) IN ('tool_', 'tool.') OR STARTS_WITH(name, 'mcp.tool')
)
SELECT
  subject,
  GREATEST(COUNTIF(success IS NULL), COUNT(success)),
  COUNTIF(success),
  COUNTIF(NOT success),
  COUNTIF(success) / NULLIF(COUNT(success), 0),
  AVG(duration),
  MIN(CASE WHEN 100 * place >= 50 * timed THEN duration END),
  MIN(CASE WHEN 100 * place >= 95 * timed THEN duration END),
  MIN(CASE WHEN 100 * place >= 99 * timed THEN duration END)
FROM calls
GROUP BY subject;
