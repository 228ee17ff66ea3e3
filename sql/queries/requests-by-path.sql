-- Requests by method and path, the most frequent first: events whose subject is such as GET /users.
-- data: events
-- start instant = -24h: the first instant
-- method text = null: only requests of this method
-- answer: method, path, requests, errors, avg ms
WITH routed AS (
  SELECT
    substr(subject, 1, instr(subject, ' ') - 1) AS method,
    substr(subject, instr(subject, ' ') + 1) AS path,
    success,
    duration
  FROM activity
  WHERE substr(subject, 1, 1) BETWEEN 'A' AND 'Z' AND subject LIKE '% /%'
)
SELECT
  method,
  path,
  count(*) AS requests,
  count(CASE WHEN success = 0 THEN 1 END) AS errors,
  avg(duration) AS avg
FROM routed
WHERE :method IS NULL OR method = :method
GROUP BY method, path
ORDER BY requests DESC, method, path
