-- Sign-ins and sign-outs: events whose name begins with auth_ or auth. (a dot). A filter on timestamp reads only those
-- days: it is created_at of events_raw, by whose day the table is partitioned.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.auth_events` (
  id OPTIONS (description = "Event id"),
  user_id OPTIONS (description = "User"),
  event_name OPTIONS (description = "What happened, for example auth_login_success"),
  timestamp OPTIONS (description = "When it happened, UTC"),
  metadata OPTIONS (description = "What else the sender tells of it"),
  created_at OPTIONS (description = "When it was received, UTC"),
  org OPTIONS (description = "Org, the tenant that it belongs to")
)
OPTIONS (description = "Sign-ins and sign-outs: events whose name begins with auth_ or auth.")
AS
SELECT id, user_id, name, created_at, metadata, ingested_at, org
FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.events`
WHERE SUBSTR(name, 1, 5) IN ('auth_', 'auth.');
