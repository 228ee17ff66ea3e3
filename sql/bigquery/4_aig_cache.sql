-- What the gateway's cache did, by day. What a cached call would have cost nobody knows. It is assumed to be what the
-- average uncached call of the same gateway, model and day cost; of that its own cost is taken off, which Cloudflare
-- gives as 0. It is written so that a filter on day reads only those days: it is DATE(created_at), by which the raw
-- table is partitioned.
CREATE OR REPLACE VIEW `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_cache` (
  day OPTIONS (description = "Day of created_at, UTC"),
  gateway OPTIONS (description = "Gateway id; null for rows of the TypeScript program"),
  provider OPTIONS (description = "Provider, for example openai"),
  model OPTIONS (description = "Model as the gateway names it"),
  canonical_model OPTIONS (description = "provider/model: one name before and after 2026-09-01, when Cloudflare began to write the provider before it"),
  requests OPTIONS (description = "Logs"),
  cached OPTIONS (description = "Logs that the gateway's cache answered"),
  hit_rate OPTIONS (description = "cached / requests, from 0 to 1"),
  uncached_cost OPTIONS (description = "Average cost of the other logs that have one, USD; null where none has"),
  saved OPTIONS (description = "cached * uncached_cost, less what the cached ones cost, USD; null where uncached_cost is not known")
)
OPTIONS (description = "Cache hits by day, gateway, provider and model, and the money they saved, by the average cost of an uncached call")
AS
WITH by_model AS (
  SELECT
    day,
    gateway,
    provider,
    model,
    canonical_model,
    COUNT(*) AS requests,
    COUNTIF(cached) AS cached,
    AVG(IF(cached, NULL, cost)) AS uncached_cost,
    SUM(IF(cached, cost, NULL)) AS cached_cost
  FROM `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.aig_requests`
  GROUP BY 1, 2, 3, 4, 5
)
SELECT
  day,
  gateway,
  provider,
  model,
  canonical_model,
  requests,
  cached,
  cached / requests AS hit_rate,
  uncached_cost,
  CASE WHEN cached = 0 THEN 0 ELSE cached * uncached_cost - COALESCE(cached_cost, 0) END AS saved
FROM by_model;
