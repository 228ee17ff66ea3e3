-- The table of events: one line for each event and write. Read it through the view events, which shows each event once.
-- `aig-logs sql --events` prints it, and makes it with --apply. Without rows it costs nothing.
CREATE TABLE IF NOT EXISTS `${GCP_BQ_PROJECT}.${GCP_BQ_DATASET}.events_raw` (
  org STRING OPTIONS (description = "Org, the tenant that it belongs to"),
  created_at TIMESTAMP OPTIONS (description = "When it happened, UTC"),
  id STRING OPTIONS (description = "Event id, an opaque text"),
  name STRING OPTIONS (description = "What happened, for example api.request"),
  user_id STRING OPTIONS (description = "User"),
  session_id STRING OPTIONS (description = "Session of the user"),
  subject STRING OPTIONS (description = "What it happened to: an endpoint, a tool, a model"),
  success BOOL OPTIONS (description = "Whether it succeeded"),
  status_code INT64 OPTIONS (description = "HTTP status"),
  duration FLOAT64 OPTIONS (description = "How long it took, milliseconds"),
  quantity FLOAT64 OPTIONS (description = "How much was used, in units"),
  unit STRING OPTIONS (description = "Unit of quantity"),
  sku STRING OPTIONS (description = "What was used, as it is sold"),
  cost FLOAT64 OPTIONS (description = "What it cost, USD"),
  error STRING OPTIONS (description = "Why it failed"),
  source STRING OPTIONS (description = "How it came in, for example http"),
  ingested_at TIMESTAMP OPTIONS (description = "When it was received, UTC"),
  metadata JSON OPTIONS (description = "What else the sender tells of it"),
  extra JSON OPTIONS (description = "What was sent that has no column, or not of the column's type")
)
PARTITION BY DATE(created_at)
CLUSTER BY org, name, user_id, id
OPTIONS (description = "Events of applications, one line for each event and write; read the view events");
