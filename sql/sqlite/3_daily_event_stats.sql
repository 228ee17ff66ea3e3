-- The number of events of each name and day, UTC.
DROP VIEW IF EXISTS daily_event_stats;
CREATE VIEW daily_event_stats (
  date, event_name, count, users
) AS
SELECT substr(created_at, 1, 10), name, COUNT(*), COUNT(DISTINCT user_id)
FROM events_raw
GROUP BY 1, 2;
