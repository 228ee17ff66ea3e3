-- Requests that took more than one attempt: retries and fallbacks, and whether they ended well. It is written so that a
-- filter on day reads only those days: it is DATE(created_at), by which the raw table is partitioned, and all windows
-- are partitioned by it too. So a request whose attempts lie before and after midnight has a line on each day.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_attempts` (
  day OPTIONS (description = "Day of created_at, UTC"),
  gateway OPTIONS (description = "Gateway id; null for rows of the TypeScript program"),
  event_id OPTIONS (description = "The caller's cf-aig-event-id, which the attempts of a request share; null where there is none: then each log stands alone"),
  id OPTIONS (description = "Log id of the last attempt"),
  attempts OPTIONS (description = "Logs of the request on this day, or the place of the last attempt in its chain, if that is more"),
  failed OPTIONS (description = "Logs that failed"),
  first_provider OPTIONS (description = "Provider of the first attempt of which there is a log"),
  first_model OPTIONS (description = "Model of the first attempt of which there is a log"),
  provider OPTIONS (description = "Provider of the last attempt"),
  model OPTIONS (description = "Model of the last attempt"),
  step OPTIONS (description = "Position of the last attempt in its chain, from 0"),
  status_code OPTIONS (description = "HTTP status of the last attempt"),
  success OPTIONS (description = "Whether the last attempt succeeded"),
  rescued OPTIONS (description = "Whether the last attempt succeeded after another had failed, or further back in a chain of fallbacks"),
  duration OPTIONS (description = "Sum of the attempts, milliseconds"),
  cost OPTIONS (description = "Sum of the attempts, USD; null where none has a cost")
)
OPTIONS (description = "Requests with several attempts, and whether a fallback rescued them")
AS
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
    COUNTIF(NOT success) OVER of_request AS failed,
    SUM(duration) OVER of_request AS duration,
    SUM(cost) OVER of_request AS cost
  FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_requests`
  WHERE event_id IS NOT NULL OR step > 0
  WINDOW of_request AS (PARTITION BY day, gateway, COALESCE(event_id, id))
)
SELECT
  day,
  gateway,
  event_id,
  id,
  GREATEST(logs, step + 1) AS attempts,
  failed,
  first_provider,
  first_model,
  provider,
  model,
  step,
  status_code,
  success,
  COALESCE(success, FALSE) AND (failed > 0 OR step > 0) AS rescued,
  duration,
  cost
FROM placed
WHERE place = 1 AND (logs > 1 OR step > 0);
