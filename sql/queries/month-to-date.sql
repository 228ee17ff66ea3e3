-- What each org has used of each SKU since the first day of the month in which the range ends.
-- data: events
-- start instant = -31d: the first instant, not after the first of the month
-- answer: organization, sku, unit, quantity, events, cost USD
SELECT
  org AS organization,
  sku,
  unit,
  total(quantity) AS quantity,
  count(*) AS events,
  total(cost) AS cost
FROM activity
WHERE quantity IS NOT NULL AND created_at >= strftime('%Y-%m', :end, '-0.001 seconds')
GROUP BY org, sku, unit
ORDER BY org, sku, unit
