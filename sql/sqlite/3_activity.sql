-- Events and AI Gateway logs in common columns: a line for each. Instants are RFC 3339 text in UTC, durations are
-- milliseconds, cost is USD, success is 0 or 1. Null: not known, or not of this source.
-- A log belongs to the user in its metadata key user_id, or else user, and to the org in the key that the setting
-- ORG_METADATA names: aig-logs puts the key in the place of org in the line with that comment. A log without it belongs to
-- the org default.
DROP VIEW IF EXISTS activity;
CREATE VIEW activity (
  source, created_at, org, name, user_id, session_id, subject, success, status_code, duration, quantity, unit, sku, cost,
  tokens_in, tokens_out, provider, model, gateway, error, id, ingested_at, metadata
) AS
SELECT
  'events',
  created_at,
  org,
  name,
  user_id,
  session_id,
  subject,
  success,
  status_code,
  duration,
  quantity,
  unit,
  sku,
  cost,
  NULL,
  NULL,
  NULL,
  NULL,
  NULL,
  error,
  id,
  ingested_at,
  metadata
FROM events_raw
UNION ALL
SELECT
  'logs',
  created_at,
  COALESCE(
    CAST(json_extract(metadata, '$."org"') AS TEXT), -- ORG_METADATA
    'default'
  ),
  'ai.request',
  CAST(COALESCE(json_extract(metadata, '$.user_id'), json_extract(metadata, '$.user')) AS TEXT),
  NULL,
  model,
  success,
  status_code,
  duration,
  NULL,
  NULL,
  NULL,
  cost,
  tokens_in,
  tokens_out,
  provider,
  model,
  gateway,
  NULL,
  id,
  ingested_at,
  metadata
FROM aig_logs_raw;
