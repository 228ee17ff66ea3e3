//! The statements that make lines of what is counted from other lines, in SQLite's dialect. `?1` is the beginning of the span,
//! `?2` its end.

use super::{Grain, Source, bucket};

/// The most groups of a name, or of a gateway, in an org and a span. The others, those with the fewest rows, become one line.
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

/// How often each bucket is in a list of buckets.
pub(super) const OF_LIST: &str = "(SELECT json_group_object(bucket, n) FROM (SELECT value AS bucket, count(*) AS n \
                       FROM json_each('[' || COALESCE(list, '') || ']') GROUP BY value))";

/// The same of a list of members, each a bucket and a number.
const OF_MEMBERS: &str = "(SELECT json_group_object(bucket, n) FROM (SELECT key AS bucket, sum(value) AS n \
                          FROM json_each('{' || COALESCE(list, '') || '}') GROUP BY key))";

/// Lines of one grain and level.
#[derive(Clone, Copy)]
pub(super) struct Lines {
    pub source: Source,
    pub grain: Grain,
    /// 1: of all orgs together.
    pub together: u8,
    pub level: u8,
}

impl Lines {
    /// The statement that makes them of other lines.
    pub fn of(self, others: Self) -> String {
        let (source, grain) = (others.source.name(), others.grain.name());
        let (fields, sums) = (listed(self.source.fields(self.level), ", r."), sums("r."));
        let org = if self.together == 1 { "''" } else { "r.org" };
        let grouped = format!(
            "  SELECT {org} AS org{fields}, {sums}, {} AS list\n  FROM rollups AS r\n  \
             WHERE r.source = '{source}' AND r.grain = '{grain}' AND r.together = {} AND r.level = {} \
             AND r.org IN (SELECT org FROM places) AND r.start >= ?1 AND r.start < ?2\n  GROUP BY {org}{fields}",
            bucket::members("r.buckets"),
            others.together,
            others.level
        );
        self.insert(&orgs(others.source, others.grain), &grouped, OF_MEMBERS)
    }

    /// The statement that writes them, as `grouped` gives them.
    pub fn insert(self, spaces: &str, grouped: &str, buckets: &str) -> String {
        let Self { source, grain, together, level } = self;
        let (listed, names) = (listed(source.fields(level), ", "), MEASURES.map(|(name, _)| name).join(", "));
        format!(
            "INSERT INTO rollups (source, grain, together, level, org, start, place{listed}, {names}, buckets)\n\
             WITH RECURSIVE {spaces},\ngrouped AS (\n{grouped}\n)\n\
             SELECT '{}', '{}', {together}, {level}, org, ?1, row_number() OVER (){listed}, {names}, {buckets} FROM grouped",
            source.name(),
            grain.name()
        )
    }
}

/// The measures of several lines together.
fn sums(prefix: &str) -> String {
    MEASURES.map(|(name, how)| format!("{how}({prefix}{name}) AS {name}")).join(", ")
}

/// The statements that put lines together, as `(other)`: of each org and value of the first field those beyond the most
/// frequent ones. Their places are below zero.
pub(super) fn fold(source: Source, grain: Grain) -> [String; 2] {
    let (name, length, orgs, fields) = (source.name(), grain.name(), orgs(source, grain), source.fields(3));
    let (first, second, others) = (fields[0], fields[1], fields[1..].join(", "));
    let names = MEASURES.map(|(name, _)| name).join(", ");
    let finest = format!(
        "source = '{name}' AND grain = '{length}' AND together = 0 AND level = 3 AND org IN (SELECT org FROM places) \
         AND start = ?1"
    );
    let ranked = format!(
        "WITH RECURSIVE {orgs},\nmany AS MATERIALIZED (\n  SELECT org, {first} FROM rollups WHERE {finest} AND place > 0\n  \
         GROUP BY org, {first} HAVING count(*) > {MOST_GROUPS}\n),\n\
         ranked AS (\n  SELECT *, row_number() OVER (PARTITION BY org, {first} ORDER BY events DESC, {others}, place) AS rank\n  \
         FROM rollups WHERE {finest} AND place > 0 AND (org, {first}) IN (SELECT org, {first} FROM many)\n)"
    );
    let (sums, members) = (sums(""), bucket::members("buckets"));
    let together = format!(
        "INSERT INTO rollups (source, grain, together, level, org, start, place, {first}, {second}, {names}, buckets)\n{ranked},\n\
         grouped AS (\n  SELECT org, {first}, {sums}, {members} AS list\n  FROM ranked \
         WHERE rank > {MOST_GROUPS} GROUP BY org, {first}\n)\n\
         SELECT '{name}', '{length}', 0, 3, org, ?1, -row_number() OVER (), {first}, '(other)', {}, {OF_MEMBERS} FROM grouped",
        names.replacen("rest", "1", 1)
    );
    let single = format!(
        "{ranked}\nDELETE FROM rollups WHERE {finest} \
         AND (org, place) IN (SELECT org, place FROM ranked WHERE rank > {MOST_GROUPS})"
    );
    [together, single]
}

/// The orgs that have lines, each found by one step in the key; and places, where all orgs together are one more.
pub(super) fn orgs(source: Source, grain: Grain) -> String {
    let finest = format!("source = '{}' AND grain = '{}' AND together = 0 AND level = 3", source.name(), grain.name());
    format!(
        "orgs(org) AS MATERIALIZED (\n  SELECT min(org) FROM rollups WHERE {finest}\n  UNION ALL\n  \
         SELECT (SELECT min(r.org) FROM rollups AS r WHERE r.{finest} AND r.org > orgs.org) FROM orgs WHERE org IS NOT NULL\n),\n\
         places(org) AS MATERIALIZED (SELECT org FROM orgs WHERE org IS NOT NULL UNION SELECT '')"
    )
}

/// Names, each after a mark.
pub(super) fn listed(names: &[&str], mark: &str) -> String {
    names.iter().fold(String::new(), |list, name| list + mark + name)
}
