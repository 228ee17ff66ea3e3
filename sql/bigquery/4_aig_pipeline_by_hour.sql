-- The pipeline's own health. Forward passes count at the source at least once an hour, also where there are no logs: an
-- hour without a line of the job forward is one in which nothing ran, or could not write. It is written so that a
-- filter on day reads only those days: it is DATE(started), by which the table is partitioned.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_pipeline_by_hour` (
  day OPTIONS (description = "Day on which the passes started, UTC"),
  hour OPTIONS (description = "Hour in which the passes started, its first instant, UTC"),
  job OPTIONS (description = "forward: new logs; backfill: the history; range: a stretch once more"),
  runs OPTIONS (description = "Passes that read, counted or failed"),
  failed OPTIONS (description = "Of these, passes that failed"),
  entries OPTIONS (description = "New logs that they read"),
  rows_written OPTIONS (description = "Rows that they wrote"),
  rejected OPTIONS (description = "Rows that the sink refused for good"),
  late OPTIONS (description = "Rows that a count at the source found missing"),
  calls OPTIONS (description = "Calls to the outside"),
  max_lag_ms OPTIONS (description = "The farthest that delivery was behind the present at the end of a pass, milliseconds"),
  max_lateness_p95_ms OPTIONS (description = "The highest p95 of a pass from created_at until a new log was first seen, milliseconds")
)
OPTIONS (description = "Passes, rows, failures and lag of the program that fills the raw table, by hour and job")
AS
WITH once AS (
  SELECT *
  FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_runs`
  WHERE run IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (PARTITION BY started, run ORDER BY finished) = 1
)
SELECT
  DATE(started) AS day,
  TIMESTAMP_TRUNC(started, HOUR) AS hour,
  job,
  COUNT(*) AS runs,
  COUNTIF(verdict = 'failed') AS failed,
  SUM(entries) AS entries,
  SUM(rows_written) AS rows_written,
  SUM(rejected) AS rejected,
  SUM(late) AS late,
  SUM(calls) AS calls,
  MAX(lag_ms) AS max_lag_ms,
  MAX(lateness_p95_ms) AS max_lateness_p95_ms
FROM once
GROUP BY day, hour, job;
