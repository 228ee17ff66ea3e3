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
  count(*) FILTER (WHERE success = 0) * 1.0 / count(*) AS errorRate,
  avg(duration) AS avg,
  max(duration) FILTER (WHERE place = (timed * 50 + 99) / 100) AS p50,
  max(duration) FILTER (WHERE place = (timed * 95 + 99) / 100) AS p95,
  max(duration) FILTER (WHERE place = (timed * 99 + 99) / 100) AS p99
FROM ranked
GROUP BY subject
ORDER BY requests DESC, endpoint
