-- What each org has used of each SKU.
-- data: events
-- start instant = -30d: the first instant
-- answer: organization, sku, unit, quantity, events, cost USD
SELECT
  org AS organization,
  sku,
  unit,
  COALESCE(sum(quantity), 0) AS quantity,
  count(*) AS events,
  COALESCE(sum(cost), 0) AS cost
FROM activity
WHERE quantity IS NOT NULL
GROUP BY org, sku, unit
ORDER BY org, sku, unit
