-- How satisfied users can be with each endpoint, from 0 to 1: a failure never satisfies, four times the time frustrates.
-- data: all
-- satisfied number = 500: milliseconds that satisfy
-- answer: endpoint, requests, satisfied, tolerating, apdex
WITH judged AS (
  SELECT
    subject,
    CASE WHEN COALESCE(success, 1) = 1 AND duration <= :satisfied THEN 1 ELSE 0 END AS satisfied,
    CASE WHEN COALESCE(success, 1) = 1 AND duration > :satisfied AND duration <= 4 * :satisfied THEN 1 ELSE 0 END AS tolerating
  FROM activity
  WHERE subject IS NOT NULL AND duration IS NOT NULL
)
SELECT
  subject AS endpoint,
  count(*) AS requests,
  sum(satisfied) AS satisfied,
  sum(tolerating) AS tolerating,
  (sum(satisfied) + sum(tolerating) / 2.0) / count(*) AS apdex
FROM judged
GROUP BY subject
ORDER BY apdex, endpoint
