-- What each model of AI Gateway costs, the highest cost first.
-- data: logs
-- start instant = -30d: the first instant
-- answer: provider, model, requests, errors, tokensIn tokens, tokensOut tokens, cost USD, costPerRequest USD
SELECT
  provider,
  model,
  count(*) AS requests,
  count(CASE WHEN success = 0 THEN 1 END) AS errors,
  COALESCE(sum(tokens_in), 0) AS tokensIn,
  COALESCE(sum(tokens_out), 0) AS tokensOut,
  COALESCE(sum(cost), 0) AS cost,
  COALESCE(sum(cost), 0) / count(*) AS costPerRequest
FROM activity
GROUP BY provider, model
ORDER BY COALESCE(sum(activity.cost), 0) DESC, provider, model
