//! What each value of a metadata key costs, on each day: the statements that count it.

use super::Source;
use crate::query::names::ORG_OF_LOG;

/// The most values of a key in an org and a day. Of a key with more, such as an id, nothing is counted.
const MOST_VALUES: u32 = 100;

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
    let columns =
        "day, org, key, place, value, model, provider, gateway, rest, events, errors, cost, tokens_in, tokens_out";
    let measures = "events, errors, cost, tokens_in, tokens_out";
    // As `->` gives it: texts are kept in one form.
    let value = "CASE m.type WHEN 'text' THEN json_quote(m.value) ELSE r.metadata -> m.fullkey END";
    let delete = "DELETE FROM rollup_keys WHERE day = ?1".into();
    let of_values = format!(
        "INSERT INTO rollup_keys ({columns})\nWITH RECURSIVE {spaces},\n\
         counted(org, key, value, model, provider, gateway, {measures}) AS MATERIALIZED (\n  \
         SELECT {ORG_OF_LOG}, m.key, {value}, {fields}, {sums}\n  \
         FROM (SELECT r.* {rows}) AS r CROSS JOIN json_each(r.metadata) AS m\n  \
         WHERE m.type <> 'null' AND m.key NOT GLOB '*[^A-Za-z0-9_.-]*' GROUP BY 1, 2, 3, 4, 5, 6\n),\n\
         many AS MATERIALIZED (\n  \
         SELECT org, key FROM counted GROUP BY org, key HAVING count(DISTINCT value) > {MOST_VALUES}\n)\n\
         SELECT ?1, org, key, row_number() OVER (PARTITION BY org, key ORDER BY value, model, provider, gateway), value, \
         model, provider, gateway, 0, {measures}\n\
         FROM counted WHERE (org, key) NOT IN (SELECT org, key FROM many)\nUNION ALL\n\
         SELECT ?1, org, key, 1, NULL, NULL, NULL, NULL, 1, 0, 0, NULL, NULL, NULL FROM many"
    );
    let of_none = format!(
        "INSERT INTO rollup_keys ({columns})\nWITH RECURSIVE {spaces},\nkeys AS MATERIALIZED (\n  \
         SELECT DISTINCT org, key, '$.\"' || key || '\"' AS path FROM rollup_keys WHERE day = ?1 AND rest = 0\n),\n\
         counted(org, key, model, provider, gateway, {measures}) AS (\n  \
         SELECT keys.org, keys.key, {fields}, {sums}\n  \
         FROM (SELECT r.*, {ORG_OF_LOG} AS owner {rows}) AS r JOIN keys ON keys.org = r.owner\n  \
         WHERE NULLIF(r.metadata -> keys.path, 'null') IS NULL GROUP BY 1, 2, 3, 4, 5\n)\n\
         SELECT ?1, org, key, 1000000 + row_number() OVER (PARTITION BY org, key ORDER BY model, provider, gateway), NULL, \
         model, provider, gateway, 0, {measures} FROM counted"
    );
    [delete, of_values, of_none]
}
