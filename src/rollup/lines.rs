//! The statements that make lines of what is counted from other lines, in SQLite's dialect. A line is one group of a span. Its
//! level says by how many fields it groups, its place tells it from other lines of its org. `?1` is the beginning of the span,
//! `?2` its end.
//!
//! Lines are put together from lists of buckets, which is fast, or from parts: the sums of each line, and each of its buckets.
//! With parts no value is larger than the list of all buckets that a line has in the end.

use super::{Grain, Source, bucket};

/// The most groups of a name, or of a gateway, in an org and a span. The others, those with the fewest rows, become one line.
const MOST_GROUPS: u32 = 100;

/// The columns of a line that are sums and the like, but for its buckets: how each is made of others.
const MEASURES: [(&str, &str); 16] = [
    ("rest", "max"),
    ("events", "sum"),
    ("errors", "sum"),
    ("timed", "sum"),
    ("duration", "sum"),
    ("longest", "max"),
    ("quantity", "sum"),
    ("cost", "sum"),
    ("measured", "sum"),
    ("unpriced", "sum"),
    ("billed", "sum"),
    ("tokens_in", "sum"),
    ("tokens_out", "sum"),
    ("cached", "sum"),
    ("costless", "sum"),
    ("tokens_cached", "sum"),
];

/// The most bytes of a list of buckets of a line, in which a bucket may be there more than once. D1 takes values of 2 MB.
const MOST_LISTED: u32 = 1_000_000;

/// How often each bucket is there, of a list. A list of at most 50 durations may name a bucket more than once.
const OF_LIST: &str = "CASE WHEN timed > 50 THEN (\n  \
                       SELECT json_group_object(key, n) FROM (SELECT key, sum(value) AS n FROM json_each(buckets) GROUP BY key)\n\
                       ) ELSE buckets END";

/// How often each bucket is there, of the parts of a line.
const OF_PARTS: &str = "json_group_object(bucket, n) FILTER (WHERE bucket IS NOT NULL)";

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
    /// The statements that make them of other lines. Both run, and one of them finds lines: the first, which lists the buckets
    /// of all and is faster, unless a list would be too long.
    pub fn of(self, others: Self) -> [String; 2] {
        let (groups, condition) = self.grouping(others);
        let spaces = format!(
            "{},\nsize(is_usual) AS MATERIALIZED (\n  SELECT COALESCE(max(bytes), 0) <= {MOST_LISTED} FROM (\n    \
             SELECT sum(length(r.buckets)) AS bytes FROM rollups AS r WHERE {condition} GROUP BY {groups}\n  )\n)",
            orgs(others.source, others.grain)
        );
        let listed = format!(
            "  SELECT {groups}{}, '{{' || COALESCE({}, '') || '}}'\n  FROM size CROSS JOIN rollups AS r WHERE {condition} \
             AND is_usual GROUP BY {groups}",
            sums(""),
            bucket::members("r.buckets")
        );
        let parts = parts(&groups, "size CROSS JOIN rollups", &format!("{condition} AND NOT is_usual"));
        [self.insert_listed(&spaces, &listed), self.insert(&spaces, &parts)]
    }

    /// By what other lines `r` are grouped, and which they are.
    fn grouping(self, others: Self) -> (String, String) {
        let (source, grain) = (others.source.name(), others.grain.name());
        let org = if self.together == 1 { "''" } else { "r.org" };
        let groups = format!("{org}{}", listed(self.source.fields(self.level), ", r."));
        let condition = format!(
            "r.source = '{source}' AND r.grain = '{grain}' AND r.together = {} AND r.level = {} \
             AND r.org IN (SELECT org FROM places) AND r.start >= ?1 AND r.start < ?2",
            others.together, others.level
        );
        (groups, condition)
    }

    /// The statement that writes them, each of one group with a list of its buckets.
    pub fn insert_listed(self, spaces: &str, grouped: &str) -> String {
        let Self { source, grain, together, level } = self;
        let (listed, names) = (listed(source.fields(level), ", "), names(""));
        format!(
            "INSERT INTO rollups (source, grain, together, level, org, start, place{listed}{names}, buckets)\n\
             WITH RECURSIVE {spaces},\nlines(org{listed}{names}, buckets) AS (\n{grouped}\n)\n\
             SELECT '{}', '{}', {together}, {level}, org, ?1, row_number() OVER (){listed}{names}, {OF_LIST} FROM lines",
            source.name(),
            grain.name()
        )
    }

    /// The statement that writes them, of parts.
    pub fn insert(self, spaces: &str, parts: &str) -> String {
        let Self { source, grain, together, level } = self;
        let (listed, names) = (listed(source.fields(level), ", "), names(""));
        format!(
            "INSERT INTO rollups (source, grain, together, level, org, start, place{listed}{names}, buckets)\n\
             WITH RECURSIVE {spaces},\nparts(org{listed}{names}, bucket, n) AS (\n{parts}\n)\n\
             SELECT '{}', '{}', {together}, {level}, org, ?1, row_number() OVER (){listed}{}, {OF_PARTS}\n\
             FROM parts GROUP BY org{listed}",
            source.name(),
            grain.name(),
            sums("")
        )
    }
}

/// The names of the measures, each after a comma.
fn names(prefix: &str) -> String {
    listed(&MEASURES.map(|(name, _)| name), &format!(", {prefix}"))
}

/// The measures of several parts together. `rest` is put in place of the measure of that name, unless it is empty.
fn sums(rest: &str) -> String {
    let sum = |(name, how): &(&str, &str)| match *name {
        "rest" if !rest.is_empty() => format!(", {rest}"),
        _ => format!(", {how}({name})"),
    };
    MEASURES.iter().map(sum).collect()
}

/// The parts of lines `r` of a table: the sums of each, and how often each bucket is in those of a group.
fn parts(groups: &str, table: &str, condition: &str) -> String {
    let (sums, none) = (names("r."), ", NULL".repeat(MEASURES.len()));
    format!(
        "  SELECT {groups}{sums}, NULL, NULL FROM {table} AS r WHERE {condition}\n  UNION ALL\n  \
         SELECT {groups}{none}, m.key, sum(m.value) FROM {table} AS r CROSS JOIN json_each(r.buckets) AS m\n  \
         WHERE {condition} GROUP BY {groups}, m.key"
    )
}

/// The statements that put lines together, as `(other)`: of each org and value of the first field those beyond the most
/// frequent ones. Their places are below zero. The first adds them up, and only then the second deletes the single ones.
pub(super) fn fold(source: Source, grain: Grain) -> [String; 2] {
    let (name, length, orgs, fields) = (source.name(), grain.name(), orgs(source, grain), source.fields(3));
    let (first, second, others) = (fields[0], fields[1], fields[1..].join(", "));
    let finest = format!(
        "source = '{name}' AND grain = '{length}' AND together = 0 AND level = 3 AND org IN (SELECT org FROM places) \
         AND start = ?1"
    );
    let ranked = format!(
        "WITH RECURSIVE {orgs},\nmany AS MATERIALIZED (\n  SELECT org, {first} FROM rollups WHERE {finest} AND place > 0\n  \
         GROUP BY org, {first} HAVING count(*) > {MOST_GROUPS}\n),\n\
         ranked AS MATERIALIZED (\n  SELECT *, row_number() OVER (PARTITION BY org, {first} ORDER BY events DESC, {others}, place) AS rank\n  \
         FROM rollups WHERE {finest} AND place > 0 AND (org, {first}) IN (SELECT org, {first} FROM many)\n)"
    );
    let (names, sums) = (names(""), sums("1"));
    let parts = parts(&format!("r.org, r.{first}"), "ranked", &format!("r.rank > {MOST_GROUPS}"));
    let together = format!(
        "INSERT INTO rollups (source, grain, together, level, org, start, place, {first}, {second}{names}, buckets)\n{ranked},\n\
         parts(org, {first}{names}, bucket, n) AS (\n{parts}\n)\n\
         SELECT '{name}', '{length}', 0, 3, org, ?1, -row_number() OVER (), {first}, '(other)'{sums}, {OF_PARTS}\n\
         FROM parts GROUP BY org, {first}"
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
