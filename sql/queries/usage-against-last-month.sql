-- The month in which the range ends against the month before: its same first days, and all of it.
-- data: events
-- start instant = -62d: the first instant, not after the first of the month before
-- answer: organization, sku, unit, quantity, lastMonthToDate, lastMonth, change
WITH months AS (
  SELECT
    date(:end, '-0.001 seconds', 'start of month') AS this,
    date(:end, '-0.001 seconds', 'start of month', '-1 month') AS last,
    strftime('%s', :end) - strftime('%s', :end, '-0.001 seconds', 'start of month') AS seconds
),
placed AS (
  SELECT
    org,
    sku,
    unit,
    quantity,
    created_at >= this AS is_this,
    created_at < this AND strftime('%s', created_at) - strftime('%s', last) < seconds AS is_to_date
  FROM activity, months
  WHERE quantity IS NOT NULL AND created_at >= last
)
SELECT
  org AS organization,
  sku,
  unit,
  total(quantity) FILTER (WHERE is_this) AS quantity,
  total(quantity) FILTER (WHERE is_to_date) AS lastMonthToDate,
  total(quantity) FILTER (WHERE NOT is_this) AS lastMonth,
  total(quantity) FILTER (WHERE is_this) / NULLIF(total(quantity) FILTER (WHERE is_to_date), 0) - 1 AS change
FROM placed
GROUP BY org, sku, unit
ORDER BY org, sku, unit
