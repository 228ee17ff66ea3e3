-- Users whose cost of a day is more than twice their own p95 of the 28 days before, and above everybody's p99 or by more than
-- USD 1 above their own; the last 30 days, all gateways. Columns are described in sql/bigquery/4_aig_cost_anomalies.sql.
DROP VIEW IF EXISTS aig_cost_anomalies;
CREATE VIEW aig_cost_anomalies (
  day, user_id, requests, cost, own_days, own_p95, overall_p99
) AS
WITH user_days AS MATERIALIZED (
  SELECT day, user_id, COUNT(*) AS requests, SUM(cost) AS cost
  FROM aig_requests
  WHERE day >= date('now', '-57 days') AND user_id IS NOT NULL
  GROUP BY 1, 2
  HAVING SUM(cost) IS NOT NULL
),
-- Of so few days the p95 is the largest or the second: never less than the mean of all but the largest. So few days are left.
candidates AS MATERIALIZED (
  SELECT day, user_id, requests, cost, own_days
  FROM (
    SELECT
      *,
      COUNT(*) OVER earlier AS own_days,
      SUM(cost) OVER earlier - MAX(cost) OVER earlier AS all_but_largest
    FROM user_days
    WINDOW earlier AS (PARTITION BY user_id ORDER BY julianday(day) RANGE BETWEEN 28 PRECEDING AND 1 PRECEDING)
  )
  WHERE day BETWEEN date('now', '-29 days') AND date('now')
    AND own_days > 0
    AND cost > 1.99 * all_but_largest / MAX(own_days - 1, 1)
),
-- Each of these, once for each own day of the 28 before.
compared AS (
  SELECT
    one.*,
    ROW_NUMBER() OVER (PARTITION BY one.user_id, one.day ORDER BY before.cost) AS place,
    before.cost AS before_cost
  FROM candidates AS one
  JOIN user_days AS before ON before.user_id = one.user_id
    AND before.day BETWEEN date(one.day, '-28 days') AND date(one.day, '-1 day')
),
unusual AS MATERIALIZED (
  SELECT day, user_id, requests, cost, own_days, before_cost AS own_p95
  FROM compared
  WHERE place = (95 * own_days + 99) / 100 AND cost > 2 * before_cost
),
overall AS MATERIALIZED (
  SELECT day, (
    SELECT MIN(CASE WHEN 100 * place >= 99 * days THEN cost END)
    FROM (
      SELECT cost, ROW_NUMBER() OVER (ORDER BY cost) AS place, COUNT(*) OVER () AS days
      FROM user_days
      WHERE day BETWEEN date(one.day, '-28 days') AND date(one.day, '-1 day')
    )
  ) AS p99
  FROM (SELECT DISTINCT day FROM unusual) AS one
)
SELECT unusual.day, user_id, requests, cost, own_days, own_p95, overall.p99 AS overall_p99
FROM unusual
JOIN overall USING (day)
WHERE cost > overall.p99 OR cost > own_p95 + 1;
