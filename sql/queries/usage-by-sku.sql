-- What each org has used of each SKU.
-- data: events
-- start instant = -30d: the first instant
-- answer: organization, sku, unit, quantity, events, cost USD
SELECT
  org AS organization,
  sku,
  unit,
  total(quantity) AS quantity,
  count(*) AS events,
  total(cost) AS cost
FROM activity
WHERE quantity IS NOT NULL
GROUP BY org, sku, unit
ORDER BY org, sku, unit
