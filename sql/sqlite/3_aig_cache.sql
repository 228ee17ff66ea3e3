-- Cache hits by day, provider and model, and the money they saved: each as much as the average uncached call of that
-- model and day cost. Columns are described in sql/bigquery/4_aig_cache.sql.
DROP VIEW IF EXISTS aig_cache;
CREATE VIEW aig_cache (
  day, provider, model, requests, cached, hit_rate, uncached_cost, saved
) AS
WITH by_model AS (
  SELECT
    substr(created_at, 1, 10) AS day,
    provider,
    model,
    COUNT(*) AS requests,
    COUNT(*) FILTER (WHERE cached) AS cached,
    AVG(cost) FILTER (WHERE cached IS NOT TRUE) AS uncached_cost,
    SUM(cost) FILTER (WHERE cached) AS cached_cost
  FROM aig_logs
  GROUP BY 1, 2, 3
)
SELECT
  day,
  provider,
  model,
  requests,
  cached,
  1.0 * cached / requests AS hit_rate,
  uncached_cost,
  CASE WHEN cached = 0 THEN 0.0 ELSE cached * uncached_cost - COALESCE(cached_cost, 0) END AS saved
FROM by_model;
