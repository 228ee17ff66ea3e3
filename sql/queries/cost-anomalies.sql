-- Users whose cost of the day in which the range ends is more than twice the p95 of their own days in the 28 days before.
-- data: all
-- rows: user_days
-- start instant = -29d: the first instant
-- least integer = 7: leave out users with fewer own days
-- times integer = 2: how many times the p95
-- answer: organization, user, cost USD, ownDays, ownAverage USD, ownP95 USD
WITH costs AS MATERIALIZED (
  SELECT org, user_id, day, cost FROM user_days WHERE cost IS NOT NULL
),
ranked AS (
  SELECT
    org,
    user_id,
    cost,
    row_number() OVER (PARTITION BY org, user_id ORDER BY cost) AS place,
    count(*) OVER (PARTITION BY org, user_id) AS days
  FROM costs
  WHERE day BETWEEN date(:end, '-0.001 seconds', '-28 days') AND date(:end, '-0.001 seconds', '-1 day')
),
own AS (
  SELECT
    org,
    user_id,
    count(*) AS ownDays,
    avg(cost) AS ownAverage,
    max(cost) FILTER (WHERE place = (days * 95 + 99) / 100) AS ownP95
  FROM ranked
  GROUP BY org, user_id
)
SELECT org AS organization, user_id AS user, cost, ownDays, ownAverage, ownP95
FROM costs JOIN own USING (org, user_id)
WHERE day = date(:end, '-0.001 seconds') AND cost > :times * ownP95 AND ownDays >= :least
ORDER BY cost DESC, org, user_id
