//! What `aig-logs help` tells beside the commands.

use crate::{cli::vars::help, config::Destination};

/// What to type first.
pub const EXAMPLES: &str = "\
Examples:
  aig-logs demo                          see it work, with nothing configured
  aig-logs demo --faults 7               the same while everything fails
  aig-logs simulate --vars sim.vars      a simulated Cloudflare and BigQuery
  aig-logs run --vars sim.vars           copy from there until Ctrl-C
  aig-logs setup                         make everything that a Worker needs
  aig-logs run --sink bigquery           copy into BigQuery
  aig-logs forward --dry-run | jq .cost  look at rows without writing
  aig-logs status                        how far the copy is, and what fails
  aig-logs verify --from yesterday       prove that every log is delivered
  aig-logs explain ID                    what became of one log or event
  aig-logs doctor                        check the set-up, and how to fix it
  aig-logs settings                      the settings that hold here
  aig-logs serve --demo                  the events API with simulated events
  aig-logs serve                         take events into aig-logs.sqlite
  aig-logs keys create --org ORG --scopes ingest,query    a key for them
  aig-logs ask --by model cost count     what each model costs
  aig-logs query                         the named questions
  aig-logs report --by team              what the last month cost, to mail
  aig-logs doctor --events               check what receives events
  aig-logs send events.ndjson            send the events of a file
  aig-logs dead-letters list             rows that the sink will never take
  aig-logs alerts list                   budgets, and what is spent of them
  aig-logs sql                           the SQL of table and views
  aig-logs estimate --logs-per-month N   what a month takes and costs
  aig-logs looker                        a view in Looker Studio";

const EXIT_CODES: &str = "\
0  done, or more to read with nothing wrong
1  failed, and may pass by itself: the next run goes on
2  somebody must act: the message says how. Also a wrong option

verify and query --fail-if end with 2 if something is missing, or if the
condition holds. doctor ends with the number of failed checks, 100 at most.
After Ctrl-C or SIGTERM a pass finishes the write in hand, and saves.";

const DATES: &str = "\
Every option that takes an instant reads these forms. They are UTC, unless a
zone stands there.

  2026-11-01                  the midnight with which that day begins
  2026-11-01T10:00            with or without seconds
  2026-11-01T10:00Z           the same
  2026-11-01T10:00:00+02:00   eight o'clock UTC
  now                         the present
  today, yesterday            the last midnight, and the one before it
  7d, 24h, 90m, 1h 30m, 2w    so long ago; -7d is the same

The end of a range is not in the range: --from yesterday --to today is one day.
A start in the future is refused, and so is an end that does not lie after the
start. backfill also refuses an end in the future.

run --every takes a duration, such as 60s or 5m, or a number of seconds.";

const STATE: &str = "\
The state remembers how far the copy is, and what was counted. It is a SQLite
file: that of the sink, or else aig-logs-state.sqlite. --state FILE names
another.

--state kv is the state of a deployed Worker, in Workers KV. status, verify,
explain and dead-letters read it with CF_KV_STATE_ID, CF_KV_IDS_ID and a token
with the permission Workers KV Storage Read; verify --repair and dead-letters
replay need Edit.

One program at a time moves the cursors of a state. run --takeover takes over
from another run.";

/// Something to read about.
pub struct Topic {
    /// What follows `aig-logs help`.
    pub name: &'static str,
    /// What it is about, in one line.
    pub about: &'static str,
    /// The text.
    pub text: fn() -> String,
}

/// All topics.
pub const TOPICS: [Topic; 6] = [
    Topic { name: "dates", about: "how instants, ranges and durations are typed", text: || DATES.to_owned() },
    Topic { name: "examples", about: "what to type first", text: || EXAMPLES.to_owned() },
    Topic { name: "exit-codes", about: "what the exit code says", text: || EXIT_CODES.to_owned() },
    Topic { name: "settings", about: "every setting and its meaning", text: help::table },
    Topic { name: "sinks", about: "where rows go", text: sinks },
    Topic { name: "state", about: "where it is remembered how far the copy is", text: || STATE.to_owned() },
];

/// The topics, a line for each.
pub fn list() -> String {
    let lines = TOPICS.iter().map(|topic| format!("  {:<12}{}", topic.name, topic.about));
    format!("Topics:\n{}\n\n`aig-logs help TOPIC` prints one.", lines.collect::<Vec<_>>().join("\n"))
}

fn sinks() -> String {
    format!(
        "\
--sink says where rows go: {}.
Without it they go into aig-logs.sqlite in this folder. More than one --sink
gives each row to all of them; a row counts as delivered after all have it.

  sqlite[:PATH]   a SQLite file with table, views and state
  bigquery        the table of GCP_BQ_PROJECT, GCP_BQ_DATASET and GCP_BQ_TABLE;
                  `aig-logs sql --apply` makes it
  d1              Cloudflare's database CF_D1_DATABASE_ID
  ndjson[:PATH]   one JSON object a line, to a file or to the standard output

ask and query read a sink, and sql, doctor and estimate are about one.",
        Destination::FORMS
    )
}

#[cfg(test)]
mod tests {
    use super::{TOPICS, list};

    #[test]
    fn every_topic_is_listed_and_80_columns_wide() {
        for topic in &TOPICS {
            assert!(list().contains(&format!("  {}", topic.name)), "{}", topic.name);
            for line in (topic.text)().lines() {
                assert!(line.chars().count() <= 80, "{}: {line}", topic.name);
            }
        }
    }
}
