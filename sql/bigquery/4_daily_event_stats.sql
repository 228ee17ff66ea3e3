-- The number of events of each name and day. A filter on date reads only those days: it is DATE(created_at), by which
-- events_raw is partitioned.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.daily_event_stats` (
  date OPTIONS (description = "Day, UTC"),
  event_name OPTIONS (description = "What happened"),
  count OPTIONS (description = "Events"),
  users OPTIONS (description = "Users that they are of")
)
OPTIONS (description = "Events and users of each name of event and day")
AS
SELECT DATE(created_at), name, COUNT(*), COUNT(DISTINCT user_id)
FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.events`
GROUP BY 1, 2;
