-- What each org has used of each unit, the most expensive first.
-- data: events
-- start instant = -30d: the first instant
-- answer: organization, unit, quantity, skus, events, cost USD
SELECT
  org AS organization,
  unit,
  total(quantity) AS quantity,
  count(DISTINCT sku) AS skus,
  count(*) AS events,
  total(cost) AS cost
FROM activity
WHERE quantity IS NOT NULL
GROUP BY org, unit
ORDER BY cost DESC, org, unit
