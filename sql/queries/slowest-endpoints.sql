-- Endpoints, tools and models by the duration that one of twenty requests exceeds, the slowest first.
-- data: all
-- least integer = 1: leave out endpoints with fewer requests
-- answer: endpoint, requests, p95 ms, max ms
WITH ranked AS (
  SELECT
    subject,
    success,
    duration,
    row_number() OVER (PARTITION BY subject ORDER BY duration) AS place,
    count(*) OVER (PARTITION BY subject) AS timed
  FROM activity
  WHERE subject IS NOT NULL AND duration IS NOT NULL
)
SELECT
  subject AS endpoint,
  count(*) AS requests,
  min(CASE WHEN 100 * place >= 95 * timed THEN duration END) AS p95,
  max(duration) AS max
FROM ranked
GROUP BY subject
HAVING count(*) >= :least
ORDER BY p95 DESC, endpoint
