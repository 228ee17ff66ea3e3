-- As the README of the TypeScript program has it.
CREATE TABLE IF NOT EXISTS `your_project.your_dataset.aig_logs_raw`
PARTITION BY DATE(created_at)
CLUSTER BY provider, model, success, id AS
SELECT
  CAST(NULL AS STRING) AS id,
  TIMESTAMP(NULL) AS created_at,
  STRING(NULL) AS provider,
  STRING(NULL) AS model,
  STRING(NULL) AS model_type,
  BOOL(NULL) AS success,
  INT64(NULL) AS status_code,
  BOOL(NULL) AS cached,
  FLOAT64(NULL) AS duration,
  INT64(NULL) AS tokens_in,
  INT64(NULL) AS tokens_out,
  FLOAT64(NULL) AS cost,
  STRING(NULL) AS request_type,
  STRING(NULL) AS request_content_type,
  STRING(NULL) AS response_content_type,
  STRING(NULL) AS path,
  INT64(NULL) AS step,
  CURRENT_TIMESTAMP() AS ingested_at;
