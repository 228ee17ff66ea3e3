-- spend-by-metadata in BigQuery's dialect. A truth is 1 or 0, as in SQLite.
SELECT
  CASE JSON_TYPE(metadata[:key])
    WHEN 'boolean' THEN IF(JSON_VALUE(metadata[:key]) = 'true', '1', '0')
    WHEN 'array' THEN TO_JSON_STRING(metadata[:key])
    WHEN 'object' THEN TO_JSON_STRING(metadata[:key])
    ELSE JSON_VALUE(metadata[:key])
  END AS value,
  count(*) AS events,
  count(DISTINCT user_id) AS users,
  COALESCE(sum(tokens_in), 0) AS tokensIn,
  COALESCE(sum(tokens_out), 0) AS tokensOut,
  COALESCE(sum(cost), 0) AS cost
FROM activity
GROUP BY 1
ORDER BY COALESCE(sum(activity.cost), 0) DESC, value
