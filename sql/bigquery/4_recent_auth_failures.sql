-- Sign-ins of the last 24 hours that failed: ... ORDER BY last_attempt DESC. It reads two days and no more, whatever the
-- filter.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.recent_auth_failures` (
  user_id OPTIONS (description = "User"),
  event_name OPTIONS (description = "What failed, for example auth_login_failure"),
  ip_address OPTIONS (description = "Value of the metadata key ip_address"),
  attempts OPTIONS (description = "How often it failed"),
  first_attempt OPTIONS (description = "The first time, UTC"),
  last_attempt OPTIONS (description = "The last time, UTC")
)
OPTIONS (description = "Sign-ins of the last 24 hours that failed, by user, event and address")
AS
SELECT
  user_id,
  name,
  JSON_VALUE(metadata, '$.ip_address'),
  COUNT(*),
  MIN(created_at),
  MAX(created_at)
FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.events`
WHERE SUBSTR(name, 1, 5) IN ('auth_', 'auth.')
  AND NOT success
  AND created_at >= TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 24 HOUR)
GROUP BY 1, 2, 3;
