-- Failures that were not seen between the start and an instant, and are seen since.
-- data: all
-- since instant = -1d: the instant since which they are seen
-- answer: name, subject, status, error, errors, firstSeen
SELECT
  name,
  subject,
  status_code AS status,
  error,
  count(*) AS errors,
  min(created_at) AS firstSeen
FROM activity
WHERE success = 0
GROUP BY name, subject, status_code, error
HAVING min(created_at) >= :since
ORDER BY errors DESC, name, subject, status_code, error
