-- Cost by project and by what it is for, the highest first. What AI Gateway logs is for ai.
-- data: all
-- key key = project_id: the metadata key that names the project
-- answer: project, costType, events, cost USD
SELECT
  CAST(metadata ->> :key AS TEXT) AS project,
  CASE source WHEN 'logs' THEN 'ai' ELSE COALESCE(CAST(metadata ->> '$.cost_type' AS TEXT), subject) END AS costType,
  count(*) AS events,
  total(cost) AS cost
FROM activity
WHERE cost IS NOT NULL
GROUP BY 1, 2
ORDER BY cost DESC, project, costType
