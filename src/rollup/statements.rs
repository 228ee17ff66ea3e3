//! The statements that count a span, in SQLite's dialect. `?1` is its beginning, `?2` its end, and `?3` the path of the
//! metadata key that holds the org of a log.

use super::{Grain, Source, bucket, keys};
use crate::{
    database::Statement,
    query::names::{ORG_OF_LOG, USER_OF_LOG},
    record::Cell,
};

/// The fields by which events are counted, at the finest level.
const FIELDS_OF_EVENTS: [&str; 4] = ["name", "subject", "unit", "sku"];

/// The same of AI Gateway's logs.
const FIELDS_OF_LOGS: [&str; 5] = ["gateway", "model", "provider", "status_code", "success"];

/// The most groups of a name, or of a gateway, in an org and a span. Those with the fewest rows beyond it stand together.
const MOST_GROUPS: u32 = 100;

/// The columns of a line that are sums and the like, but for its buckets: how each is made of others.
const MEASURES: [(&str, &str); 10] = [
    ("rest", "max"),
    ("events", "sum"),
    ("errors", "sum"),
    ("timed", "sum"),
    ("duration", "sum"),
    ("longest", "max"),
    ("quantity", "sum"),
    ("cost", "sum"),
    ("tokens_in", "sum"),
    ("tokens_out", "sum"),
];

/// What each measure is of several rows.
const OF_EVENTS: &str = "0 AS rest, count(*) AS events, count(*) FILTER (WHERE r.success = 0) AS errors, \
                         count(r.duration) AS timed, sum(r.duration) AS duration, max(r.duration) AS longest, \
                         sum(r.quantity) AS quantity, sum(r.cost) AS cost, NULL AS tokens_in, NULL AS tokens_out";
const OF_LOGS: &str = "0 AS rest, count(*) AS events, count(*) FILTER (WHERE r.success = 0) AS errors, \
                       count(r.duration) AS timed, sum(r.duration) AS duration, max(r.duration) AS longest, \
                       NULL AS quantity, sum(r.cost) AS cost, sum(r.tokens_in) AS tokens_in, sum(r.tokens_out) AS tokens_out";

impl Source {
    /// The fields by which a level groups, beside the org.
    fn fields(self, level: u8) -> &'static [&'static str] {
        match (self, level) {
            (_, 0 | 1) => &[],
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
    let orgs = orgs(source, grain);
    let of_span = "AND org IN (SELECT org FROM places)";
    let mut texts = Vec::new();
    if grain == Grain::Day {
        texts.push(format!(
            "WITH RECURSIVE {orgs}\nDELETE FROM rollup_users WHERE source = '{name}' {of_span} AND day = ?1"
        ));
    }
    texts.push(format!(
        "WITH RECURSIVE {orgs}\nDELETE FROM rollups WHERE source = '{name}' AND grain = '{length}' \
         AND level IN (0, 1, 2, 3) {of_span} AND start = ?1"
    ));
    let finest = source.fields(3);
    texts.push(match grain {
        Grain::Hour => insert(source, grain, 3, &source.spaces(), &of_rows(source), OF_BUCKETS),
        Grain::Day => {
            let hours = of_lines(source, Grain::Hour, 3, finest, "r.org");
            insert(source, grain, 3, &self::orgs(source, Grain::Hour), &hours, OF_OBJECTS)
        }
    });
    texts.extend(fold(source, grain));
    for level in [2, 1, 0] {
        let org = if level == 0 { "''" } else { "r.org" };
        let lines = of_lines(source, grain, level + 1, source.fields(level), org);
        texts.push(insert(source, grain, level, &orgs, &lines, OF_OBJECTS));
    }
    if grain == Grain::Day {
        texts.extend(users(source));
    }
    if (source, grain) == (Source::Logs, Grain::Day) {
        texts.extend(keys::count());
    }
    texts.push(format!(
        "INSERT OR REPLACE INTO rollup_spans (source, grain, start, state, rest) VALUES ('{name}', '{length}', ?1, 1, \
         (SELECT COALESCE(max(rest), 0) FROM rollups WHERE source = '{name}' AND grain = '{length}' AND level = 0 \
         AND org = '' AND start = ?1))"
    ));
    if grain == Grain::Hour {
        texts.push(format!(
            "UPDATE rollup_spans SET state = 0 WHERE source = '{name}' AND grain = 'day' \
             AND start = substr(?1, 1, 10) || 'T00:00:00.000Z' AND state = 1"
        ));
    }
    texts.into_iter().map(|text| with(text, values)).collect()
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

/// Names, each after a mark.
fn listed(names: &[&str], mark: &str) -> String {
    names.iter().fold(String::new(), |list, name| list + mark + name)
}

/// A statement with as many of the values as it names.
fn with(text: String, values: &[Cell; 3]) -> Statement {
    let named = (1..=values.len()).rev().find(|place| text.contains(&format!("?{place}"))).unwrap_or_default();
    Statement::Sql(text.into(), values[..named].to_vec())
}

/// The orgs that have lines, each found by one step in the key; and places, where all orgs together are one more.
fn orgs(source: Source, grain: Grain) -> String {
    let level = format!("source = '{}' AND grain = '{}' AND level = 3", source.name(), grain.name());
    format!(
        "orgs(org) AS MATERIALIZED (\n  SELECT min(org) FROM rollups WHERE {level}\n  UNION ALL\n  \
         SELECT (SELECT min(r.org) FROM rollups AS r WHERE r.{level} AND r.org > orgs.org) FROM orgs WHERE org IS NOT NULL\n),\n\
         places(org) AS MATERIALIZED (SELECT org FROM orgs WHERE org IS NOT NULL UNION ALL SELECT '')"
    )
}

/// The rows of a span, grouped to lines: their sums, and the list of their buckets.
fn of_rows(source: Source) -> String {
    let fields = listed(source.fields(3), ", r.");
    let measures = if source == Source::Events { OF_EVENTS } else { OF_LOGS };
    let (org, _) = source.owner();
    let bucket = bucket::sql("r.duration");
    format!(
        "  SELECT {org} AS org{fields}, {measures},\n  \
         json_group_array({bucket}) FILTER (WHERE r.duration IS NOT NULL) AS list\n  {}\n  GROUP BY {org}{fields}",
        source.rows()
    )
}

/// The lines of a span, of another grain or level, grouped to lines: their sums, and the list of their buckets.
fn of_lines(source: Source, grain: Grain, level: u8, fields: &[&str], org: &str) -> String {
    let (fields, sums) = (listed(fields, ", r."), sums("r."));
    format!(
        "  SELECT {org} AS org{fields}, {sums}, json_group_array(json(r.buckets)) AS list\n  FROM rollups AS r\n  \
         WHERE r.source = '{}' AND r.grain = '{}' AND r.level = {level} AND r.org IN (SELECT org FROM places) \
         AND r.start >= ?1 AND r.start < ?2\n  GROUP BY {org}{fields}",
        source.name(),
        grain.name()
    )
}

/// How often each bucket is in a list of buckets.
const OF_BUCKETS: &str = "(SELECT json_group_object(bucket, n) FROM (SELECT value AS bucket, count(*) AS n FROM json_each(list) GROUP BY value))";

/// The same of a list of objects with numbers of buckets.
const OF_OBJECTS: &str = "(SELECT json_group_object(bucket, n) FROM (SELECT b.key AS bucket, sum(b.value) AS n \
                          FROM json_each(list) AS l CROSS JOIN json_each(l.value) AS b GROUP BY b.key))";

/// The measures of several lines together.
fn sums(prefix: &str) -> String {
    MEASURES.map(|(name, how)| format!("{how}({prefix}{name}) AS {name}")).join(", ")
}

/// Writes grouped lines.
fn insert(source: Source, grain: Grain, level: u8, spaces: &str, grouped: &str, buckets: &str) -> String {
    let (listed, names) = (listed(source.fields(level), ", "), MEASURES.map(|(name, _)| name).join(", "));
    format!(
        "INSERT INTO rollups (source, grain, level, org, start, place{listed}, {names}, buckets)\n\
         WITH RECURSIVE {spaces},\ngrouped AS (\n{grouped}\n)\n\
         SELECT '{}', '{}', {level}, org, ?1, row_number() OVER (){listed}, {names}, {buckets} FROM grouped",
        source.name(),
        grain.name()
    )
}

/// The statements that put lines together, as `(other)`: those beyond the most frequent ones of the first field.
fn fold(source: Source, grain: Grain) -> [String; 2] {
    let (name, length, orgs, fields) = (source.name(), grain.name(), orgs(source, grain), source.fields(3));
    let (first, second, others) = (fields[0], fields[1], fields[1..].join(", "));
    let names = MEASURES.map(|(name, _)| name).join(", ");
    let ranked = format!(
        "WITH RECURSIVE {orgs},\nranked AS (\n  SELECT *, row_number() OVER (PARTITION BY org, {first} \
         ORDER BY events DESC, {others}, place) AS rank\n  FROM rollups WHERE source = '{name}' AND grain = '{length}' \
         AND level = 3 AND org IN (SELECT org FROM places) AND start = ?1 AND place > 0\n)"
    );
    let sums = sums("");
    let together = format!(
        "INSERT INTO rollups (source, grain, level, org, start, place, {first}, {second}, {names}, buckets)\n{ranked},\n\
         grouped AS (\n  SELECT org, {first}, {sums}, json_group_array(json(buckets)) AS list\n  FROM ranked \
         WHERE rank > {MOST_GROUPS} GROUP BY org, {first}\n)\n\
         SELECT '{name}', '{length}', 3, org, ?1, -row_number() OVER (), {first}, '(other)', {}, {OF_OBJECTS} FROM grouped",
        names.replacen("rest", "1", 1)
    );
    let single = format!(
        "{ranked}\nDELETE FROM rollups WHERE source = '{name}' AND grain = '{length}' AND level = 3 \
         AND org IN (SELECT org FROM places) AND start = ?1 \
         AND (org, place) IN (SELECT org, place FROM ranked WHERE rank > {MOST_GROUPS})"
    );
    [together, single]
}

/// The users of a day, and how many sessions there are.
fn users(source: Source) -> Vec<String> {
    let (name, spaces, rows, (org, user)) = (source.name(), source.spaces(), source.rows(), source.owner());
    let users = format!(
        "INSERT INTO rollup_users (source, org, day, user_id)\nWITH RECURSIVE {spaces}\n\
         SELECT DISTINCT '{name}', {org}, ?1, {user} {rows} AND {user} IS NOT NULL"
    );
    if source == Source::Logs {
        return vec![users];
    }
    let of_day = "source = 'events' AND grain = 'day'";
    vec![
        users,
        format!(
            "WITH RECURSIVE {}\nUPDATE rollups SET sessions = (SELECT count(DISTINCT r.session_id) FROM events_raw AS r \
             WHERE r.org = rollups.org AND r.created_at >= ?1 AND r.created_at < ?2) \
             WHERE {of_day} AND level = 1 AND org IN (SELECT org FROM places) AND start = ?1",
            orgs(source, Grain::Day)
        ),
        format!(
            "WITH RECURSIVE {spaces}\nUPDATE rollups SET sessions = (SELECT count(DISTINCT r.session_id) {rows}) \
             WHERE {of_day} AND level = 0 AND org = '' AND start = ?1"
        ),
    ]
}
