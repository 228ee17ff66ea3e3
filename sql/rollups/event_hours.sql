-- Events by hour, kept in a table. See log_hours.sql.
CREATE TABLE IF NOT EXISTS `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.event_hours`
PARTITION BY day
CLUSTER BY org, name
OPTIONS (description = "Events by hour, org, name, subject, unit and SKU; kept by a scheduled query")
AS
SELECT
  DATE(created_at) AS day,
  TIMESTAMP_TRUNC(created_at, HOUR) AS hour,
  org,
  name,
  subject,
  unit,
  sku,
  COUNT(*) AS events,
  COUNTIF(NOT success) AS errors,
  COUNT(duration) AS timed,
  SUM(duration) AS duration,
  MAX(duration) AS longest,
  SUM(quantity) AS quantity,
  SUM(cost) AS cost
FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.events`
GROUP BY 1, 2, 3, 4, 5, 6, 7;

MERGE `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.event_hours` AS kept
USING (
  SELECT
    DATE(created_at) AS day,
    TIMESTAMP_TRUNC(created_at, HOUR) AS hour,
    org,
    name,
    subject,
    unit,
    sku,
    COUNT(*) AS events,
    COUNTIF(NOT success) AS errors,
    COUNT(duration) AS timed,
    SUM(duration) AS duration,
    MAX(duration) AS longest,
    SUM(quantity) AS quantity,
    SUM(cost) AS cost
  FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.events`
  WHERE DATE(created_at) >= DATE_SUB(CURRENT_DATE(), INTERVAL ${DAYS} DAY)
  GROUP BY 1, 2, 3, 4, 5, 6, 7
) AS found
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.day >= DATE_SUB(CURRENT_DATE(), INTERVAL ${DAYS} DAY) THEN DELETE
WHEN NOT MATCHED BY TARGET THEN INSERT ROW;
