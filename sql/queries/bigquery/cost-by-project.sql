-- cost-by-project in BigQuery's dialect. A truth is 1 or 0, as in SQLite.
SELECT
  CASE JSON_TYPE(metadata[:key])
    WHEN 'boolean' THEN IF(JSON_VALUE(metadata[:key]) = 'true', '1', '0')
    WHEN 'array' THEN TO_JSON_STRING(metadata[:key])
    WHEN 'object' THEN TO_JSON_STRING(metadata[:key])
    ELSE JSON_VALUE(metadata[:key])
  END AS project,
  CASE source WHEN 'logs' THEN 'ai' ELSE COALESCE(JSON_VALUE(metadata, '$.cost_type'), subject) END AS costType,
  count(*) AS events,
  sum(cost) AS cost
FROM activity
WHERE cost IS NOT NULL
GROUP BY 1, 2
ORDER BY sum(activity.cost) DESC, project, costType
