-- moving-average in BigQuery's dialect.
WITH hours AS (
  SELECT
    substr(created_at, 1, 13) || ':00:00.000Z' AS hour,
    DIV(UNIX_SECONDS(TIMESTAMP(created_at)), 3600) AS number,
    count(*) AS requests
  FROM activity
  GROUP BY 1, 2
),
-- A window's frame is constant, so each hour is joined with those of its mean.
summed AS (
  SELECT hours.hour, hours.number, hours.requests, sum(before.requests) AS total
  FROM hours
  JOIN hours AS before ON before.number BETWEEN hours.number - GREATEST(:hours - 1, 0) AND hours.number
  GROUP BY 1, 2, 3
)
SELECT
  hour,
  requests,
  total / LEAST(GREATEST(:hours, 1), number - DIV(UNIX_SECONDS(TIMESTAMP(:start)), 3600) + 1) AS movingAverage
FROM summed
ORDER BY hour
