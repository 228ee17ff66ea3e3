-- Every column that the table of the TypeScript program lacks; a table of 1_table.sql lacks none. It adds and removes
-- nothing else: rows stay, and have null in the new columns. So stays the one row of nulls that the old
-- CREATE TABLE ... AS SELECT left; the view does not show it.
ALTER TABLE `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.${GCP_BQ_TABLE}`
  ADD COLUMN IF NOT EXISTS gateway STRING OPTIONS (description = "Gateway id"),
  ADD COLUMN IF NOT EXISTS custom_cost BOOL OPTIONS (description = "Whether the caller set the price"),
  ADD COLUMN IF NOT EXISTS metadata JSON OPTIONS (description = "The caller's metadata, for example team and user"),
  ADD COLUMN IF NOT EXISTS event_id STRING OPTIONS (description = "The caller's cf-aig-event-id"),
  ADD COLUMN IF NOT EXISTS input_cached_tokens INT64 OPTIONS (description = "Prompt tokens that the provider had cached"),
  ADD COLUMN IF NOT EXISTS output_reasoning_tokens INT64 OPTIONS (description = "Completion tokens spent on reasoning"),
  ADD COLUMN IF NOT EXISTS latency FLOAT64 OPTIONS (description = "Until the first byte of the answer, milliseconds (timings.latency)"),
  ADD COLUMN IF NOT EXISTS region STRING OPTIONS (description = "Cloudflare region that served the call"),
  ADD COLUMN IF NOT EXISTS colo STRING OPTIONS (description = "Cloudflare data centre that served the call"),
  ADD COLUMN IF NOT EXISTS user_agent STRING OPTIONS (description = "The caller's user agent"),
  ADD COLUMN IF NOT EXISTS feedback INT64 OPTIONS (description = "Human feedback: -1, 0 or 1"),
  ADD COLUMN IF NOT EXISTS score FLOAT64 OPTIONS (description = "Evaluation score"),
  ADD COLUMN IF NOT EXISTS dlp_action STRING OPTIONS (description = "Data loss prevention: FLAG or BLOCK"),
  ADD COLUMN IF NOT EXISTS byok BOOL OPTIONS (description = "Whether the caller's own provider key was used"),
  ADD COLUMN IF NOT EXISTS wholesale BOOL OPTIONS (description = "Whether Cloudflare billed the call (unified billing)"),
  ADD COLUMN IF NOT EXISTS extra JSON OPTIONS (description = "Every field of the log that has no column, or not of the column's type");
