-- Requests of each hour, and the mean of it and the hours before, which began after the start.
-- data: all
-- hours integer = 24: the hours of the mean
-- answer: hour, requests, movingAverage
WITH hours AS (
  SELECT
    substr(created_at, 1, 13) || ':00:00.000Z' AS hour,
    strftime('%s', substr(created_at, 1, 13) || ':00:00') / 3600 AS number,
    count(*) AS requests
  FROM activity
  GROUP BY 1, 2
)
SELECT
  hour,
  requests,
  sum(requests) OVER (ORDER BY number RANGE BETWEEN (:hours > 1) * (:hours - 1) PRECEDING AND CURRENT ROW) * 1.0
    / min(max(:hours, 1), number - strftime('%s', :start) / 3600 + 1) AS movingAverage
FROM hours
ORDER BY hour
