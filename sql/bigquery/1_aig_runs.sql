-- One line for each pass that read, counted or failed: the pipeline's own health. The program writes it, unless
-- RECORD_RUNS is false. Read it through aig_pipeline_by_hour; an answer that got lost may leave a line twice.
CREATE TABLE IF NOT EXISTS `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_runs` (
  run STRING OPTIONS (description = "Id of the pass"),
  started TIMESTAMP OPTIONS (description = "When it started, UTC"),
  finished TIMESTAMP OPTIONS (description = "When it ended, UTC"),
  job STRING OPTIONS (description = "forward: new logs; backfill: the history; range: a stretch once more"),
  verdict STRING OPTIONS (description = "complete; incomplete: the next pass goes on; failed"),
  entries INT64 OPTIONS (description = "New logs that it read"),
  rows_written INT64 OPTIONS (description = "Rows that it wrote"),
  known INT64 OPTIONS (description = "Of these, rows that were there before, where the sink can tell"),
  rejected INT64 OPTIONS (description = "Rows that the sink refused for good: aig-logs dead-letters list"),
  late INT64 OPTIONS (description = "Rows that a count at the source found missing"),
  pages INT64 OPTIONS (description = "Pages of the source that it read"),
  counts INT64 OPTIONS (description = "Stretches that it counted at the source"),
  calls INT64 OPTIONS (description = "Calls to the outside"),
  lag_ms INT64 OPTIONS (description = "How far delivery was behind the present, milliseconds; null where history is read"),
  lateness_p50_ms INT64 OPTIONS (description = "From created_at until a new log was first seen, the middle, milliseconds"),
  lateness_p95_ms INT64 OPTIONS (description = "The same, 95 % of the logs, milliseconds"),
  error STRING OPTIONS (description = "Why it failed; null where it did not"),
  version STRING OPTIONS (description = "Version of the program")
)
PARTITION BY DATE(started)
OPTIONS (description = "Passes of the program that fills the raw table, one line for each that had something to do");
