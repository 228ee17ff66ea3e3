-- Cost by the value of a metadata key, such as team, the highest first.
-- data: all
-- key key: the metadata key
-- answer: value, events, users, tokensIn tokens, tokensOut tokens, cost USD
SELECT
  CAST(metadata ->> :key AS TEXT) AS value,
  count(*) AS events,
  count(DISTINCT user_id) AS users,
  COALESCE(sum(tokens_in), 0) AS tokensIn,
  COALESCE(sum(tokens_out), 0) AS tokensOut,
  total(cost) AS cost
FROM activity
GROUP BY 1
ORDER BY cost DESC, value
