-- The raw table: one line per log and write. Read it through the view aig_logs, which shows each log once.
-- `aig-logs sql` puts the names from the settings in place of ${...}.
CREATE TABLE IF NOT EXISTS `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.${GCP_BQ_TABLE}` (
  id STRING OPTIONS (description = "Log id, an opaque text: a ULID before October 2026, a UUIDv7 since"),
  created_at TIMESTAMP OPTIONS (description = "When the gateway logged the call, UTC"),
  provider STRING OPTIONS (description = "Provider, for example openai"),
  model STRING OPTIONS (description = "Model as the gateway names it"),
  model_type STRING OPTIONS (description = "Kind of model, for example text-generation"),
  success BOOL OPTIONS (description = "Whether the call succeeded"),
  status_code INT64 OPTIONS (description = "HTTP status of the provider's answer"),
  cached BOOL OPTIONS (description = "Whether the answer came from the gateway's cache"),
  duration FLOAT64 OPTIONS (description = "Whole call, milliseconds"),
  tokens_in INT64 OPTIONS (description = "Prompt tokens; null where the provider reports none"),
  tokens_out INT64 OPTIONS (description = "Completion tokens; null where the provider reports none"),
  cost FLOAT64 OPTIONS (description = "Cloudflare's estimate, USD; null where the price is not known"),
  request_type STRING OPTIONS (description = "Kind of request as the gateway names it"),
  request_content_type STRING OPTIONS (description = "Media type of the request body"),
  response_content_type STRING OPTIONS (description = "Media type of the answer's body"),
  path STRING OPTIONS (description = "Path called at the provider"),
  step INT64 OPTIONS (description = "Position of the attempt in a chain of fallbacks, from 0"),
  ingested_at TIMESTAMP OPTIONS (description = "When this program read the log, UTC"),
  gateway STRING OPTIONS (description = "Gateway id"),
  custom_cost BOOL OPTIONS (description = "Whether the caller set the price"),
  metadata JSON OPTIONS (description = "The caller's metadata, for example team and user"),
  event_id STRING OPTIONS (description = "The caller's cf-aig-event-id"),
  input_cached_tokens INT64 OPTIONS (description = "Prompt tokens that the provider had cached"),
  output_reasoning_tokens INT64 OPTIONS (description = "Completion tokens spent on reasoning"),
  latency FLOAT64 OPTIONS (description = "Until the first byte of the answer, milliseconds (timings.latency)"),
  region STRING OPTIONS (description = "Cloudflare region that served the call"),
  colo STRING OPTIONS (description = "Cloudflare data centre that served the call"),
  user_agent STRING OPTIONS (description = "The caller's user agent"),
  feedback INT64 OPTIONS (description = "Human feedback: -1, 0 or 1"),
  score FLOAT64 OPTIONS (description = "Evaluation score"),
  dlp_action STRING OPTIONS (description = "Data loss prevention: FLAG or BLOCK"),
  byok BOOL OPTIONS (description = "Whether the caller's own provider key was used"),
  wholesale BOOL OPTIONS (description = "Whether Cloudflare billed the call (unified billing)"),
  extra JSON OPTIONS (description = "Every field of the log that has no column, or not of the column's type")
)
PARTITION BY DATE(created_at)
CLUSTER BY provider, model, success, id
OPTIONS (description = "Logs of Cloudflare AI Gateway, one line per log and write; read the view aig_logs");
