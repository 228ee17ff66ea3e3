-- Cache hits by day, gateway, provider and model, and the money they saved: each as much as the average uncached call of that
-- gateway, model and day cost. Columns are described in sql/bigquery/4_aig_cache.sql.
DROP VIEW IF EXISTS aig_cache;
CREATE VIEW aig_cache (
  day, gateway, provider, model, canonical_model, requests, cached, hit_rate, uncached_cost, saved
) AS
WITH by_model AS (
  SELECT
    day,
    gateway,
    provider,
    model,
    canonical_model,
    COUNT(*) AS requests,
    COUNT(*) FILTER (WHERE cached) AS cached,
    AVG(cost) FILTER (WHERE cached IS NOT TRUE) AS uncached_cost,
    SUM(cost) FILTER (WHERE cached) AS cached_cost
  FROM aig_requests
  GROUP BY 1, 2, 3, 4
)
SELECT
  day,
  gateway,
  provider,
  model,
  canonical_model,
  requests,
  cached,
  1.0 * cached / requests AS hit_rate,
  uncached_cost,
  CASE WHEN cached = 0 THEN 0.0 ELSE cached * uncached_cost - COALESCE(cached_cost, 0) END AS saved
FROM by_model;
