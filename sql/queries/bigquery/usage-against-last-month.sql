-- usage-against-last-month in BigQuery's dialect.
WITH ending AS (
  SELECT
    TIMESTAMP(:end) AS until,
    TIMESTAMP_TRUNC(TIMESTAMP_SUB(TIMESTAMP(:end), INTERVAL 1 MILLISECOND), MONTH) AS this
),
months AS (
  SELECT
    this,
    TIMESTAMP(DATE_SUB(DATE(this), INTERVAL 1 MONTH)) AS last,
    UNIX_SECONDS(until) - UNIX_SECONDS(this) AS seconds
  FROM ending
),
placed AS (
  SELECT
    org,
    sku,
    unit,
    quantity,
    TIMESTAMP(created_at) >= this AS is_this,
    TIMESTAMP(created_at) < this
      AND UNIX_SECONDS(TIMESTAMP(created_at)) - UNIX_SECONDS(last) < seconds AS is_to_date
  FROM activity, months
  WHERE quantity IS NOT NULL AND TIMESTAMP(created_at) >= last
),
summed AS (
  SELECT
    org,
    sku,
    unit,
    COALESCE(sum(IF(is_this, quantity, NULL)), 0) AS quantity,
    COALESCE(sum(IF(is_to_date, quantity, NULL)), 0) AS lastMonthToDate,
    COALESCE(sum(IF(is_this, NULL, quantity)), 0) AS lastMonth
  FROM placed
  GROUP BY org, sku, unit
)
SELECT
  org AS organization,
  sku,
  unit,
  quantity,
  lastMonthToDate,
  lastMonth,
  quantity / NULLIF(lastMonthToDate, 0) - 1 AS change
FROM summed
ORDER BY org, sku, unit
