-- What fails most often, how many users meet it, and when it was last seen.
-- data: all
-- answer: name, subject, status, error, errors, users, lastSeen
SELECT
  name,
  subject,
  status_code AS status,
  error,
  count(*) AS errors,
  count(DISTINCT user_id) AS users,
  max(created_at) AS lastSeen
FROM activity
WHERE success = 0
GROUP BY name, subject, status_code, error
ORDER BY errors DESC, name, subject, status_code, error
