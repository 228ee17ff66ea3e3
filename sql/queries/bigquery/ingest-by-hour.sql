-- ingest-by-hour in BigQuery's dialect.
SELECT
  substr(ingested_at, 1, 13) || ':00:00.000Z' AS hour,
  source,
  count(*) AS `rows`,
  max(UNIX_SECONDS(TIMESTAMP(ingested_at)) - UNIX_SECONDS(TIMESTAMP(created_at))) AS latest
FROM activity
GROUP BY 1, 2
ORDER BY 1, 2
