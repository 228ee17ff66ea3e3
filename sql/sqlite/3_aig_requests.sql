-- A line for each log, with what the other views read of it. Columns are described in sql/bigquery/3_aig_requests.sql.
-- A filter on day reads only the logs of those days: aig_days leads to them.
DROP VIEW IF EXISTS aig_requests;
CREATE VIEW aig_requests (
  id, day, hour, created_at, gateway, provider, model, canonical_model, step, event_id, status_code, success, cached,
  duration, latency, tokens_in, tokens_out, tokens_cached, tokens_reasoning, cost, unpriced, user_id, metadata
) AS
SELECT
  log.id,
  days.day,
  substr(log.created_at, 1, 13) || ':00:00.000Z',
  log.created_at,
  log.gateway,
  log.provider,
  log.model,
  CASE
    WHEN log.provider IS NULL OR substr(log.model, 1, length(log.provider) + 1) = log.provider || '/' THEN log.model
    ELSE log.provider || '/' || log.model
  END,
  log.step,
  log.event_id,
  log.status_code,
  log.success,
  log.cached,
  log.duration,
  log.latency,
  log.tokens_in,
  log.tokens_out,
  log.input_cached_tokens,
  log.output_reasoning_tokens,
  log.cost,
  log.cached IS NOT TRUE AND COALESCE(log.cost, 0) = 0 AND CASE
    WHEN log.tokens_in > 0 OR log.tokens_out > 0 THEN log.cost IS NULL OR log.custom_cost IS NOT TRUE
    ELSE log.cost IS NULL AND log.success IS NOT FALSE
  END,
  CAST(COALESCE(json_extract(log.metadata, '$.user_id'), json_extract(log.metadata, '$.user')) AS TEXT),
  log.metadata
FROM aig_days AS days
CROSS JOIN aig_logs AS log
WHERE log.gateway = days.gateway AND log.created_at >= days.day AND log.created_at < date(days.day, '+1 day');
