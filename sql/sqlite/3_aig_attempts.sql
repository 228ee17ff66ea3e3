-- Requests with several attempts, and whether a fallback rescued them. Columns are described in
-- sql/bigquery/4_aig_attempts.sql.
DROP VIEW IF EXISTS aig_attempts;
CREATE VIEW aig_attempts (
  day, gateway, event_id, id, attempts, failed, first_provider, first_model, provider, model, step, status_code,
  success, rescued, duration, cost
) AS
WITH placed AS (
  SELECT
    day,
    gateway,
    event_id,
    id,
    provider,
    model,
    COALESCE(step, 0) AS step,
    status_code,
    success,
    ROW_NUMBER() OVER (
      PARTITION BY day, gateway, COALESCE(event_id, id) ORDER BY COALESCE(step, 0) DESC, created_at DESC, id DESC
    ) AS place,
    FIRST_VALUE(provider) OVER (
      PARTITION BY day, gateway, COALESCE(event_id, id) ORDER BY COALESCE(step, 0), created_at, id
    ) AS first_provider,
    FIRST_VALUE(model) OVER (
      PARTITION BY day, gateway, COALESCE(event_id, id) ORDER BY COALESCE(step, 0), created_at, id
    ) AS first_model,
    COUNT(*) OVER of_request AS logs,
    COUNT(*) FILTER (WHERE NOT success) OVER of_request AS failed,
    SUM(duration) OVER of_request AS duration,
    SUM(cost) OVER of_request AS cost
  FROM aig_requests
  WHERE event_id IS NOT NULL OR step > 0
  WINDOW of_request AS (PARTITION BY day, gateway, COALESCE(event_id, id))
)
SELECT
  day,
  gateway,
  event_id,
  id,
  MAX(logs, step + 1) AS attempts,
  failed,
  first_provider,
  first_model,
  provider,
  model,
  step,
  status_code,
  success,
  COALESCE(success, 0) AND (failed > 0 OR step > 0) AS rescued,
  duration,
  cost
FROM placed
WHERE place = 1 AND (logs > 1 OR step > 0);
