-- auth-failures in BigQuery's dialect.
SELECT
  created_at AS `at`,
  name,
  user_id AS user,
  JSON_VALUE(metadata, '$.ip_address') AS address,
  error
FROM activity
WHERE substr(name, 1, 5) IN ('auth_', 'auth.') AND success = 0
ORDER BY created_at DESC, org, id
