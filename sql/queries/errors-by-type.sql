-- Failures by their message, or else by their status, or else by the name of the event.
-- data: all
-- start instant = -1h: the first instant
-- answer: type, errors, share
SELECT
  COALESCE(error, CASE WHEN status_code IS NOT NULL THEN format('%d', status_code) END, name) AS type,
  count(*) AS errors,
  count(*) * 1.0 / sum(count(*)) OVER () AS share
FROM activity
WHERE success = 0
GROUP BY 1
ORDER BY errors DESC, type
