-- What each model of AI Gateway costs, the highest cost first.
-- data: logs
-- start instant = -30d: the first instant
-- answer: provider, model, requests, errors, tokensIn tokens, tokensOut tokens, cost USD, costPerRequest USD
SELECT
  provider,
  model,
  count(*) AS requests,
  count(*) FILTER (WHERE success = 0) AS errors,
  COALESCE(sum(tokens_in), 0) AS tokensIn,
  COALESCE(sum(tokens_out), 0) AS tokensOut,
  total(cost) AS cost,
  total(cost) / count(*) AS costPerRequest
FROM activity
GROUP BY provider, model
ORDER BY cost DESC, provider, model
