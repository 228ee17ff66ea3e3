-- Sign-ins that failed, the latest first.
-- data: events
-- start instant = -24h: the first instant
-- answer: at, name, user, address, error
SELECT
  created_at AS at,
  name,
  user_id AS user,
  CAST(metadata ->> '$.ip_address' AS TEXT) AS address,
  error
FROM activity
WHERE name GLOB 'auth[_.]*' AND success = 0
ORDER BY created_at DESC, org, id
