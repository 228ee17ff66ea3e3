//! What each value of a metadata key costs, on each day: the statements that count it.

use super::{Grain, Source, lines::orgs};
use crate::query::names::ORG_OF_LOG;

/// The most values of a key in an org and a day. Of a key with more, such as an id, nothing is counted.
const MOST_VALUES: u32 = 100;

/// The most keys of an org and a day whose values are counted, the most frequent ones. A log of AI Gateway has five at most.
const MOST_KEYS: u32 = 20;

/// Whether values of a key are counted: its letters stand for themselves in JSON.
#[must_use]
pub fn is_countable(key: &str) -> bool {
    key.bytes().all(|letter| letter.is_ascii_alphanumeric() || b"_.-".contains(&letter))
}

/// The statements that count the keys of a day anew: `?1` is its beginning, `?2` its end, `?3` the path of the key that holds
/// the org.
pub(super) fn count() -> [String; 3] {
    let (spaces, rows) = (Source::Logs.spaces(), Source::Logs.rows());
    let fields = "r.model, r.provider, r.gateway";
    let sums = "count(*), count(*) FILTER (WHERE r.success = 0), sum(r.cost), sum(r.tokens_in), sum(r.tokens_out)";
    let columns = "day, together, org, key, place, value, model, provider, gateway, rest, events, errors, cost, tokens_in, tokens_out";
    let measures = "events, errors, cost, tokens_in, tokens_out";
    // As `->` gives it: texts are kept in one form.
    let value = "CASE m.type WHEN 'text' THEN json_quote(m.value) ELSE r.metadata -> m.fullkey END";
    let of_values = format!(
        "INSERT INTO rollup_keys ({columns})\nWITH RECURSIVE {spaces},\n\
         counted(org, key, value, model, provider, gateway, {measures}) AS MATERIALIZED (\n  \
         SELECT {ORG_OF_LOG}, m.key, {value}, {fields}, {sums}\n  \
         FROM (SELECT r.* {rows}) AS r CROSS JOIN json_each(r.metadata) AS m\n  \
         WHERE m.type <> 'null' AND m.key NOT GLOB '*[^A-Za-z0-9_.-]*' GROUP BY 1, 2, 3, 4, 5, 6\n),\n\
         many AS MATERIALIZED (\n  \
         SELECT org, key FROM (\n    SELECT org, key, count(DISTINCT value) AS n, \
         row_number() OVER (PARTITION BY org ORDER BY sum(events) DESC, key) AS place FROM counted GROUP BY org, key\n  \
         ) WHERE n > {MOST_VALUES} OR place > {MOST_KEYS}\n)\n\
         SELECT ?1, 0, org, key, row_number() OVER (PARTITION BY org, key ORDER BY value, model, provider, gateway), value, \
         model, provider, gateway, 0, {measures}\n\
         FROM counted WHERE (org, key) NOT IN (SELECT org, key FROM many)\nUNION ALL\n\
         SELECT ?1, 0, org, key, 1, NULL, NULL, NULL, NULL, 1, 0, 0, NULL, NULL, NULL FROM many"
    );
    let of_none = format!(
        "INSERT INTO rollup_keys ({columns})\nWITH RECURSIVE {spaces},\nkeys AS MATERIALIZED (\n  \
         SELECT DISTINCT org, key, '$.\"' || key || '\"' AS path FROM rollup_keys \
         WHERE day = ?1 AND together = 0 AND rest = 0\n),\n\
         counted(org, key, model, provider, gateway, {measures}) AS (\n  \
         SELECT keys.org, keys.key, {fields}, {sums}\n  \
         FROM (SELECT r.*, {ORG_OF_LOG} AS owner {rows}) AS r JOIN keys ON keys.org = r.owner\n  \
         WHERE NULLIF(r.metadata -> keys.path, 'null') IS NULL GROUP BY 1, 2, 3, 4, 5\n)\n\
         SELECT ?1, 0, org, key, 1000000 + row_number() OVER (PARTITION BY org, key ORDER BY model, provider, gateway), NULL, \
         model, provider, gateway, 0, {measures} FROM counted"
    );
    [of_values, of_none, together(columns, measures)]
}

/// The statement that adds the lines of all orgs together. An org without the key has logs that lack it.
fn together(columns: &str, measures: &str) -> String {
    let orgs = orgs(Source::Logs, Grain::Day);
    format!(
        "INSERT INTO rollup_keys ({columns})\nWITH RECURSIVE {orgs},\nkeys AS MATERIALIZED (\n  \
         SELECT key, max(rest) AS rest FROM rollup_keys WHERE day = ?1 AND together = 0 GROUP BY key\n),\n\
         lines AS (\n  SELECT key, value, model, provider, gateway, {measures} FROM rollup_keys\n  \
         WHERE day = ?1 AND together = 0\n  UNION ALL\n  \
         SELECT keys.key, NULL, r.model, r.provider, r.gateway, r.events, r.errors, r.cost, r.tokens_in, r.tokens_out\n  \
         FROM keys CROSS JOIN orgs CROSS JOIN rollups AS r\n  \
         WHERE r.source = 'logs' AND r.grain = 'day' AND r.together = 0 AND r.level = 2 AND r.org = orgs.org \
         AND r.start = ?1 AND NOT EXISTS (\n    SELECT 1 FROM rollup_keys AS k \
         WHERE k.day = ?1 AND k.together = 0 AND k.org = r.org AND k.key = keys.key\n  )\n)\n\
         SELECT ?1, 1, '', key, row_number() OVER (PARTITION BY key ORDER BY value, model, provider, gateway), value, model, \
         provider, gateway, 0, sum(events), sum(errors), sum(cost), sum(tokens_in), sum(tokens_out)\n\
         FROM lines JOIN keys USING (key) WHERE rest = 0 GROUP BY key, value, model, provider, gateway\nUNION ALL\n\
         SELECT ?1, 1, '', key, 1, NULL, NULL, NULL, NULL, 1, 0, 0, NULL, NULL, NULL FROM keys WHERE rest = 1"
    )
}
