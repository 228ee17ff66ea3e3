-- How fast each endpoint, tool and model is, and how often it fails: each subject of what has a duration.
-- data: all
-- answer: endpoint, requests, errorRate, avg ms, p50 ms, p95 ms, p99 ms
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
  count(CASE WHEN success = 0 THEN 1 END) * 1.0 / count(*) AS errorRate,
  avg(duration) AS avg,
  min(CASE WHEN 100 * place >= 50 * timed THEN duration END) AS p50,
  min(CASE WHEN 100 * place >= 95 * timed THEN duration END) AS p95,
  min(CASE WHEN 100 * place >= 99 * timed THEN duration END) AS p99
FROM ranked
GROUP BY subject
ORDER BY requests DESC, endpoint
