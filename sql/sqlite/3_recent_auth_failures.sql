-- Sign-ins of the last 24 hours that failed, by user, event and address, the latest first. Instants are in SQLite's own
-- form, UTC.
DROP VIEW IF EXISTS recent_auth_failures;
CREATE VIEW recent_auth_failures (
  user_id, event_name, ip_address, attempts, first_attempt, last_attempt
) AS
SELECT
  user_id,
  name,
  CAST(json_extract(metadata, '$.ip_address') AS TEXT),
  COUNT(*),
  strftime('%Y-%m-%d %H:%M:%S', MIN(created_at)),
  strftime('%Y-%m-%d %H:%M:%S', MAX(created_at))
FROM events_raw
WHERE name GLOB 'auth[_.]*' AND success = 0 AND created_at >= strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-24 hours')
GROUP BY 1, 2, 3
ORDER BY MAX(created_at) DESC, 1, 2, 3;
