-- sessions in BigQuery's dialect.
WITH own AS (
  SELECT
    min(created_at) AS first,
    UNIX_SECONDS(TIMESTAMP(max(created_at))) - UNIX_SECONDS(TIMESTAMP(min(created_at))) AS seconds,
    max(user_id) AS user_id,
    count(*) AS events
  FROM activity
  WHERE session_id IS NOT NULL
  GROUP BY org, session_id
)
SELECT
  substr(first, 1, 10) AS day,
  count(*) AS sessions,
  count(DISTINCT user_id) AS users,
  avg(events) AS eventsPerSession,
  avg(seconds) AS seconds
FROM own
GROUP BY 1
ORDER BY 1
