//! The statements that count a span, in SQLite's dialect. `?1` is its beginning, `?2` its end, and `?3` the path of the
//! metadata key that holds the org of a log.

use super::{
    Grain, Source, bucket, keys,
    lines::{Lines, fold, listed, orgs},
};
use crate::{
    database::Statement,
    query::names::{COSTLESS, ORG_OF_LOG, USER_OF_LOG},
    record::Cell,
};

/// The fields by which events are counted, at the finest level.
const FIELDS_OF_EVENTS: [&str; 4] = ["name", "subject", "unit", "sku"];

/// The same of AI Gateway's logs.
const FIELDS_OF_LOGS: [&str; 5] = ["gateway", "model", "provider", "status_code", "success"];

/// The most rows of an hour whose buckets are listed one by one: the list of all of them is 1.2 MB, and D1 takes values of 2 MB.
const MOST_ROWS: u32 = 100_000;

/// What each measure is of several rows.
const OF_EVENTS: &str = "0 AS rest, count(*) AS events, count(*) FILTER (WHERE r.success = 0) AS errors, \
                         count(r.duration) AS timed, sum(r.duration) AS duration, max(r.duration) AS longest, \
                         sum(r.quantity) AS quantity, sum(r.cost) AS cost, count(r.quantity) AS measured, \
                         sum(r.quantity) FILTER (WHERE r.cost IS NULL) AS unpriced, \
                         sum(r.cost) FILTER (WHERE r.quantity IS NOT NULL) AS billed, NULL AS tokens_in, NULL AS tokens_out, \
                         NULL AS cached, NULL AS costless, NULL AS tokens_cached";
const OF_LOGS: &str = "0 AS rest, count(*) AS events, count(*) FILTER (WHERE r.success = 0) AS errors, \
                       count(r.duration) AS timed, sum(r.duration) AS duration, max(r.duration) AS longest, \
                       NULL AS quantity, sum(r.cost) AS cost, 0 AS measured, NULL AS unpriced, NULL AS billed, \
                       sum(r.tokens_in) AS tokens_in, sum(r.tokens_out) AS tokens_out, \
                       sum(r.cached) AS cached, sum({COSTLESS}) AS costless, sum(r.input_cached_tokens) AS tokens_cached";

impl Source {
    /// The fields by which a level groups, beside the org.
    pub(super) fn fields(self, level: u8) -> &'static [&'static str] {
        match (self, level) {
            (_, 1) => &[],
            (Self::Events, 2) => &FIELDS_OF_EVENTS[..1],
            (Self::Events, _) => &FIELDS_OF_EVENTS,
            (Self::Logs, 2) => &FIELDS_OF_LOGS[..3],
            (Self::Logs, _) => &FIELDS_OF_LOGS,
        }
    }

    /// The table of rows, and the column by which it is divided first: each org, or each gateway, has its rows together.
    pub(crate) fn table(self) -> (&'static str, &'static str) {
        match self {
            Self::Events => ("events_raw", "org"),
            Self::Logs => ("aig_logs_raw", "gateway"),
        }
    }

    /// The org and the user of a row.
    fn owner(self) -> (&'static str, &'static str) {
        match self {
            Self::Events => ("r.org", "r.user_id"),
            Self::Logs => (ORG_OF_LOG, USER_OF_LOG),
        }
    }

    /// Where each org, or each gateway, has its rows: each is found by one step in the key.
    pub(super) fn spaces(self) -> String {
        let (table, space) = self.table();
        format!(
            "spaces(space) AS MATERIALIZED (\n  SELECT min({space}) FROM {table}\n  UNION ALL\n  \
             SELECT (SELECT min({space}) FROM {table} WHERE {space} > space) FROM spaces WHERE space IS NOT NULL\n)"
        )
    }

    /// The rows of the span.
    pub(super) fn rows(self) -> String {
        let (table, space) = self.table();
        format!(
            "FROM spaces CROSS JOIN {table} AS r WHERE r.{space} = space AND r.created_at >= ?1 AND r.created_at < ?2"
        )
    }
}

/// The statements that count a span anew, in their order. They belong in one transaction.
pub(super) fn count(source: Source, grain: Grain, values: &[Cell; 3]) -> Vec<Statement> {
    let (name, length) = (source.name(), grain.name());
    let mut texts = clear(source, grain);
    let each = |level| Lines { source, grain, together: 0, level };
    let all = |level| Lines { together: 1, ..each(level) };
    match grain {
        Grain::Hour => texts.extend(of_rows(each(3))),
        Grain::Day => texts.extend(each(3).of(Lines { grain: Grain::Hour, ..each(3) })),
    }
    texts.extend(fold(source, grain));
    texts.extend(each(2).of(each(3)));
    texts.extend(each(1).of(each(2)));
    match grain {
        Grain::Hour => texts.extend(all(2).of(each(2))),
        Grain::Day => texts.extend(all(3).of(each(3)).into_iter().chain(all(2).of(all(3)))),
    }
    texts.extend(all(1).of(all(2)));
    if grain == Grain::Day {
        texts.extend(users(source));
    }
    if (source, grain) == (Source::Logs, Grain::Day) {
        texts.extend(keys::count());
    }
    texts.push(format!(
        "INSERT OR REPLACE INTO rollup_spans (source, grain, start, state, rest) VALUES ('{name}', '{length}', ?1, 1, \
         (SELECT COALESCE(max(rest), 0) FROM rollups WHERE source = '{name}' AND grain = '{length}' AND together = 1 \
         AND level = 1 AND org = '' AND start = ?1))"
    ));
    if grain == Grain::Hour {
        texts.push(format!(
            "UPDATE rollup_spans SET state = 0 WHERE source = '{name}' AND grain = 'day' \
             AND start = substr(?1, 1, 10) || 'T00:00:00.000Z' AND state = 1"
        ));
    }
    texts.into_iter().map(|text| with(text, values)).collect()
}

/// The statements that delete the lines of spans.
fn clear(source: Source, grain: Grain) -> Vec<String> {
    let (name, length, orgs) = (source.name(), grain.name(), orgs(source, grain));
    let mut texts = Vec::new();
    if grain == Grain::Day {
        // An org may have users here, and no line yet: its rows came after their hour was counted.
        texts.push(format!(
            "WITH RECURSIVE owners(org) AS (\n  SELECT min(org) FROM rollup_users WHERE source = '{name}'\n  UNION ALL\n  \
             SELECT (SELECT min(org) FROM rollup_users WHERE source = '{name}' AND org > owners.org) FROM owners \
             WHERE org IS NOT NULL\n)\nDELETE FROM rollup_users WHERE source = '{name}' \
             AND org IN (SELECT org FROM owners WHERE org IS NOT NULL) AND day >= ?1 AND day < ?2"
        ));
    }
    texts.push(format!(
        "WITH RECURSIVE {orgs}\nDELETE FROM rollups WHERE source = '{name}' AND grain = '{length}' \
         AND together IN (0, 1) AND level IN (1, 2, 3) AND org IN (SELECT org FROM places) AND start >= ?1 AND start < ?2"
    ));
    if (source, grain) == (Source::Logs, Grain::Day) {
        texts.push("DELETE FROM rollup_keys WHERE day >= ?1 AND day < ?2".into());
    }
    texts
}

/// The statements that delete all that is counted of spans. They belong in one transaction.
pub(super) fn forget(source: Source, grain: Grain, values: &[Cell; 3]) -> Vec<Statement> {
    let spans = format!(
        "DELETE FROM rollup_spans WHERE source = '{}' AND grain = '{}' AND start >= ?1 AND start < ?2",
        source.name(),
        grain.name()
    );
    clear(source, grain).into_iter().chain([spans]).map(|text| with(text, values)).collect()
}

/// The statement that notes that a span is not counted, although those around it may be.
pub(super) fn postpone(source: Source, grain: Grain, values: &[Cell; 3]) -> Statement {
    let (name, length) = (source.name(), grain.name());
    let text = format!(
        "INSERT OR IGNORE INTO rollup_spans (source, grain, start, state, rest) VALUES ('{name}', '{length}', ?1, 0, 0)"
    );
    with(text, values)
}

/// The statement that notes that no span from one instant to another has rows. It notes nothing if a row has come meanwhile.
pub(super) fn count_empty(source: Source, grain: Grain, since: &str, until: &str) -> Statement {
    let (name, length, spaces, rows) = (source.name(), grain.name(), source.spaces(), source.rows());
    let text = format!(
        "INSERT OR REPLACE INTO rollup_spans (source, grain, start, state, rest)\nWITH RECURSIVE {spaces},\n\
         starts(start) AS (\n  SELECT ?1\n  UNION ALL\n  \
         SELECT strftime('%Y-%m-%dT%H:%M:%fZ', start, '+1 {length}') FROM starts\n  \
         WHERE strftime('%Y-%m-%dT%H:%M:%fZ', start, '+1 {length}') < ?2\n)\n\
         SELECT '{name}', '{length}', start, 1, 0 FROM starts WHERE NOT EXISTS (SELECT 1 {rows})"
    );
    Statement::Sql(text.into(), [since, until].map(|instant| Cell::Text(instant.into())).into())
}

/// The statement that finds the first row from `?1` on and before `?2`.
pub(super) fn first_row(source: Source) -> String {
    let (table, space) = source.table();
    format!(
        "WITH RECURSIVE {}\nSELECT min((SELECT min(created_at) FROM {table} WHERE {space} = space AND created_at >= ?1 \
         AND created_at < ?2)) AS at FROM spaces",
        source.spaces()
    )
}

/// The statement that finds the last row before `?1`.
pub(super) fn last_row(source: Source) -> String {
    let (table, space) = source.table();
    format!(
        "WITH RECURSIVE {}\nSELECT max((SELECT max(created_at) FROM {table} WHERE {space} = space AND created_at < ?1)) \
         AS at FROM spaces",
        source.spaces()
    )
}

/// A statement with as many of the values as it names.
fn with(text: String, values: &[Cell; 3]) -> Statement {
    let named = (1..=values.len()).rev().find(|place| text.contains(&format!("?{place}"))).unwrap_or_default();
    Statement::Sql(text.into(), values[..named].to_vec())
}

/// The statements that make the finest lines of an hour from its rows. The first one lists the bucket of each row. The second
/// one groups by bucket as well, which takes more than twice the time, because most lines have a few rows. It is for an hour
/// with so many rows that a list of all their buckets could be larger than a value of D1.
fn of_rows(lines: Lines) -> [String; 2] {
    let source = lines.source;
    let (rows, bucket) = (source.rows().replacen("FROM", "FROM size CROSS JOIN", 1), bucket::sql("r.duration"));
    let groups = format!("{}{}", source.owner().0, listed(source.fields(3), ", r."));
    let measures =
        if source == Source::Events { OF_EVENTS.to_owned() } else { OF_LOGS.replace("{COSTLESS}", COSTLESS) };
    let spaces = format!(
        "{},\nsize(is_usual) AS MATERIALIZED (\n  SELECT count(*) <= {MOST_ROWS} FROM (SELECT 1 {} LIMIT {MOST_ROWS} + 1)\n)",
        source.spaces(),
        source.rows()
    );
    let listed = format!(
        "  SELECT {groups}, {measures}, json_group_object({bucket}, 1) FILTER (WHERE r.duration IS NOT NULL)\n  \
         {rows} AND is_usual\n  GROUP BY {groups}"
    );
    let parts = format!(
        "  SELECT {groups}, {measures}, {bucket} AS bucket, count(*)\n  {rows} AND NOT is_usual\n  GROUP BY {groups}, bucket"
    );
    [lines.insert_listed(&spaces, &listed), lines.insert(&spaces, &parts)]
}

/// The users of a day, what they did, and how many sessions there are.
fn users(source: Source) -> Vec<String> {
    let (name, spaces, rows, (org, user)) = (source.name(), source.spaces(), source.rows(), source.owner());
    let measured = match source {
        Source::Events => "sum(r.quantity), sum(r.cost), NULL, NULL",
        Source::Logs => "NULL, sum(r.cost), sum(r.tokens_in), sum(r.tokens_out)",
    };
    let users = format!(
        "INSERT INTO rollup_users (source, org, day, named, user_id, events, errors, quantity, cost, tokens_in, tokens_out)\n\
         WITH RECURSIVE {spaces}\nSELECT '{name}', {org}, ?1, {user} IS NOT NULL, COALESCE({user}, ''), count(*), \
         count(*) FILTER (WHERE r.success = 0), {measured} {rows}\nGROUP BY {org}, {user}"
    );
    if source == Source::Logs {
        return vec![users];
    }
    // Of each org, and of all together, whose line is found by its whole key.
    let sessions = format!(
        "WITH RECURSIVE {spaces},\n{},\n\
         sessions(org, id) AS MATERIALIZED (SELECT DISTINCT r.org, r.session_id {rows}),\n\
         counts(together, org, sessions) AS MATERIALIZED (\n  SELECT 0, org, count(id) FROM sessions GROUP BY org\n  UNION ALL\n  \
         SELECT 1, '', count(DISTINCT id) FROM sessions\n)\n\
         UPDATE rollups SET sessions = (SELECT c.sessions FROM counts AS c WHERE c.together = rollups.together \
         AND c.org = rollups.org) WHERE source = 'events' AND grain = 'day' AND together IN (0, 1) AND level = 1 \
         AND org IN (SELECT org FROM places) AND start = ?1",
        orgs(source, Grain::Day)
    );
    vec![users, sessions]
}
