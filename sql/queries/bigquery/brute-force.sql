-- brute-force in BigQuery's dialect.
SELECT
  user_id AS user,
  JSON_VALUE(metadata, '$.ip_address') AS address,
  count(*) AS failures,
  max(created_at) AS lastSeen
FROM activity
WHERE substr(name, 1, 5) IN ('auth_', 'auth.') AND success = 0
GROUP BY 1, 2
HAVING count(*) > :more
ORDER BY failures DESC, user, address
