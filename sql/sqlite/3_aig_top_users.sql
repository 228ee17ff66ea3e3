-- Users of the last 30 days, by the metadata key user_id, or else user: requests, tokens and cost. Columns are
-- described in sql/bigquery/4_aig_top_users.sql.
DROP VIEW IF EXISTS aig_top_users;
CREATE VIEW aig_top_users (
  cost_rank, user_id, requests, errors, tokens_in, tokens_out, cost, unpriced
) AS
SELECT
  RANK() OVER (ORDER BY SUM(cost) DESC) AS cost_rank,
  user_id,
  COUNT(*) AS requests,
  COUNT(*) FILTER (WHERE NOT success) AS errors,
  SUM(tokens_in) AS tokens_in,
  SUM(tokens_out) AS tokens_out,
  SUM(cost) AS cost,
  COUNT(*) FILTER (WHERE unpriced) AS unpriced
FROM aig_requests
WHERE day >= date('now', '-30 days')
  AND created_at >= strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-30 days')
  AND user_id IS NOT NULL
GROUP BY 2;
