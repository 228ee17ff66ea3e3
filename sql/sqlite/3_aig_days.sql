-- The days of each gateway that have logs, UTC. The key of the table begins with the gateway and the instant: each gateway and
-- day is found by one step from the one before. In BigQuery the partitions of the table do what this view does.
DROP VIEW IF EXISTS aig_days;
CREATE VIEW aig_days (gateway, day) AS
WITH RECURSIVE
gateways (gateway) AS (
  SELECT MIN(gateway) FROM aig_logs_raw
  UNION ALL
  SELECT (SELECT MIN(gateway) FROM aig_logs_raw WHERE gateway > gateways.gateway)
  FROM gateways
  WHERE gateway IS NOT NULL
),
days (gateway, day) AS (
  SELECT gateway, (SELECT substr(MIN(created_at), 1, 10) FROM aig_logs_raw WHERE gateway = gateways.gateway)
  FROM gateways
  WHERE gateway IS NOT NULL
  UNION ALL
  SELECT gateway, (
    SELECT substr(MIN(created_at), 1, 10)
    FROM aig_logs_raw
    WHERE gateway = days.gateway AND created_at >= date(days.day, '+1 day')
  )
  FROM days
  WHERE day IS NOT NULL
)
SELECT gateway, day FROM days WHERE day IS NOT NULL;
