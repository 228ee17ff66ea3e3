-- The users who do most.
-- data: all
-- answer: user, events, errors, sessions, cost USD, lastSeen
SELECT
  user_id AS user,
  count(*) AS events,
  count(CASE WHEN success = 0 THEN 1 END) AS errors,
  count(DISTINCT session_id) AS sessions,
  COALESCE(sum(cost), 0) AS cost,
  max(created_at) AS lastSeen
FROM activity
WHERE user_id IS NOT NULL
GROUP BY user_id
ORDER BY events DESC, user
