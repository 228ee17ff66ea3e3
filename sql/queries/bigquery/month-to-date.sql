-- month-to-date in BigQuery's dialect.
SELECT
  org AS organization,
  sku,
  unit,
  sum(quantity) AS quantity,
  count(*) AS events,
  COALESCE(sum(cost), 0) AS cost
FROM activity
WHERE quantity IS NOT NULL
  AND created_at >= FORMAT_TIMESTAMP('%Y-%m', TIMESTAMP_SUB(TIMESTAMP(:end), INTERVAL 1 MILLISECOND))
GROUP BY org, sku, unit
ORDER BY org, sku, unit
