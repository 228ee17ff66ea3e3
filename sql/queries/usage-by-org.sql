-- What each org has used of each unit, the most expensive first.
-- data: events
-- start instant = -30d: the first instant
-- answer: organization, unit, quantity, skus, events, cost USD
SELECT
  org AS organization,
  unit,
  COALESCE(sum(quantity), 0) AS quantity,
  count(DISTINCT sku) AS skus,
  count(*) AS events,
  COALESCE(sum(cost), 0) AS cost
FROM activity
WHERE quantity IS NOT NULL
GROUP BY org, unit
ORDER BY COALESCE(sum(activity.cost), 0) DESC, org, unit
