-- How much of each resource is used at once, in the mean and at most, and by how many users.
-- data: events
-- answer: resource, unit, events, quantity, average, peak, users, cost USD
SELECT
  sku AS resource,
  unit,
  count(*) AS events,
  COALESCE(sum(quantity), 0) AS quantity,
  avg(quantity) AS average,
  max(quantity) AS peak,
  count(DISTINCT user_id) AS users,
  COALESCE(sum(cost), 0) AS cost
FROM activity
WHERE quantity IS NOT NULL AND sku IS NOT NULL
GROUP BY sku, unit
ORDER BY sku, unit
