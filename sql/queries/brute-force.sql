-- Users and addresses with many sign-ins that failed, the most first.
-- data: events
-- start instant = -1h: the first instant
-- more integer = 3: failed sign-ins that are exceeded
-- answer: user, address, failures, lastSeen
SELECT
  user_id AS user,
  CAST(metadata ->> '$.ip_address' AS TEXT) AS address,
  count(*) AS failures,
  max(created_at) AS lastSeen
FROM activity
WHERE name GLOB 'auth[_.]*' AND success = 0
GROUP BY 1, 2
HAVING count(*) > :more
ORDER BY failures DESC, user, address
