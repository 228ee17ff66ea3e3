-- The pipeline's own health, by hour and job. Columns are described in sql/bigquery/4_aig_pipeline_by_hour.sql.
DROP VIEW IF EXISTS aig_pipeline_by_hour;
CREATE VIEW aig_pipeline_by_hour (
  day, hour, job, runs, failed, entries, rows_written, rejected, late, calls, max_lag_ms, max_lateness_p95_ms
) AS
SELECT
  substr(started, 1, 10),
  substr(started, 1, 13) || ':00:00.000Z',
  job,
  COUNT(*),
  COUNT(*) FILTER (WHERE verdict = 'failed'),
  SUM(entries),
  SUM(rows_written),
  SUM(rejected),
  SUM(late),
  SUM(calls),
  MAX(lag_ms),
  MAX(lateness_p95_ms)
FROM aig_runs
GROUP BY 1, 2, 3;
