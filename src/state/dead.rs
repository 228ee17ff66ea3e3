//! Dead letters: rows that a sink refused for good, with its reasons.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{VERSION, of, versioned};
use crate::{
    error::Error,
    foreign::clean,
    plan::batch::{self, Limits},
    row::Row,
    sink::Rejected,
    time::{self, Timestamp},
};

/// What the keys of dead letters begin with: `dead:<gateway>:<pass instant>:<tag>-<n>`.
pub const DEAD: &str = "dead:";

/// KV takes values of up to 25 MiB; a row that BigQuery will not take may have 10 MB.
/// developers.cloudflare.com/kv/platform/limits
const MOST_DEAD_LETTERS: Limits = Limits { rows: 10_000, bytes: 20_000_000 };

/// One value that keeps dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetters {
    /// Its key.
    pub key: String,
    /// Number of rows.
    pub n: usize,
    /// Rows with their reasons, as JSON.
    pub value: String,
}

/// One row, and why the sink refused it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// The row as it was to be written.
    pub row: Row,
    /// The sink's words.
    pub reason: String,
}

impl DeadLetters {
    /// What is kept under `key` from now on.
    #[must_use]
    pub fn under(key: &str, letters: &[DeadLetter]) -> Self {
        let texts: Vec<_> = letters.iter().map(|letter| text(&letter.row, &letter.reason)).collect();
        Self { key: key.to_owned(), n: letters.len(), value: value(&texts) }
    }

    /// What listings show of it.
    #[must_use]
    pub fn metadata(&self) -> Value {
        json!({ "n": self.n })
    }
}

fn text(row: &Row, reason: &str) -> String {
    json!({ "id": row.id, "reason": clean(reason), "row": row }).to_string()
}

fn value(texts: &[String]) -> String {
    format!(r#"{{"rows":[{}],"v":{VERSION}}}"#, texts.join(","))
}

/// Keys and values that keep rows a sink will never take. The tag keeps two jobs that save in one millisecond apart;
/// there is more than one value only for what one cannot hold.
#[must_use]
pub fn dead_letters(gateway: &str, now: Timestamp, tag: u16, rejected: &[(Row, Rejected)]) -> Vec<DeadLetters> {
    let texts: Vec<_> = rejected.iter().map(|(row, rejected)| text(row, &rejected.reason)).collect();
    let sizes: Vec<_> = texts.iter().map(String::len).collect();
    let ranges = batch::cut(&sizes, MOST_DEAD_LETTERS).into_iter().zip(1..);
    let kept = ranges.map(|(range, n)| DeadLetters {
        key: format!("{DEAD}{gateway}:{}:{tag:04x}-{n}", time::text(now)),
        n: range.len(),
        value: value(&texts[range]),
    });
    kept.collect()
}

/// Reads the value under `key`.
///
/// # Errors
/// [`Error::State`] where it is not one this program knows, or one of its rows is not.
pub fn read_dead_letters(key: &str, text: &str) -> Result<Vec<DeadLetter>, Error> {
    #[derive(Deserialize)]
    struct Letters {
        rows: Vec<Letter>,
    }
    #[derive(Deserialize)]
    struct Letter {
        id: String,
        reason: String,
        row: Value,
    }
    let Letters { rows } = of(key, versioned(key, text)?)?;
    let letters = rows.into_iter().map(|Letter { id, reason, row }| {
        let row = Row::from_json(row);
        let row =
            row.map_err(|problem| Error::State { key: key.into(), problem: format!("has a row {id} that {problem}") });
        Ok(DeadLetter { row: row?, reason })
    });
    letters.collect()
}

/// The gateway in a key, and when the pass saved it.
#[must_use]
pub fn place_of(key: &str) -> Option<(&str, Timestamp)> {
    let (gateway, rest) = key.strip_prefix(DEAD)?.split_once(':')?;
    let (instant, _) = rest.rsplit_once(':')?;
    Some((gateway, time::parse(instant)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{entry::Entry, privacy::Privacy};

    fn at(text: &str) -> Timestamp {
        time::parse(text).unwrap()
    }

    fn row(id: &str, size: usize) -> Row {
        let entry = json!({ "id": id, "created_at": "2026-10-06", "path": "x".repeat(size), "cost": 0.1 });
        Row::new(Entry::from_json(entry).unwrap(), "main", at("2026-10-06"), &Privacy::default())
    }

    #[test]
    fn dead_letters_are_cut_to_what_a_value_holds() {
        let row = |id: &str, size| (row(id, size), Rejected { index: 0, reason: "invalid".into() });
        let rows = [row("a", 9_000_000), row("b", 9_000_000), row("c", 9_000_000)];
        let kept = dead_letters("main", at("2026-10-06"), 0x2a, &rows);
        let keys: Vec<_> = kept.iter().map(|letters| (letters.key.as_str(), letters.n)).collect();
        assert_eq!(
            keys,
            [("dead:main:2026-10-06T00:00:00.000Z:002a-1", 2), ("dead:main:2026-10-06T00:00:00.000Z:002a-2", 1)]
        );
        let value: Value = serde_json::from_str(&kept[1].value).unwrap();
        assert_eq!(
            (&value["v"], &value["rows"][0]["id"], &value["rows"][0]["reason"]),
            (&json!(1), &json!("c"), &json!("invalid"))
        );
        assert_eq!(dead_letters("main", at("2026-10-06"), 0, &[]), []);
    }

    #[test]
    fn what_was_kept_is_read_as_it_was() {
        let rejected = ["a", "b"].map(|id| (row(id, 3), Rejected { index: 0, reason: format!("{id} is \"bad\"") }));
        let [kept] = &dead_letters("main", at("2026-10-06T09:15:22.417Z"), 0, &rejected)[..] else {
            panic!("one value")
        };
        let letters = read_dead_letters(&kept.key, &kept.value).unwrap();
        let expected = rejected.map(|(row, Rejected { reason, .. })| DeadLetter { row, reason });
        assert_eq!(letters, expected);
        assert_eq!(DeadLetters::under(&kept.key, &letters), *kept);
        assert_eq!(kept.metadata(), json!({ "n": 2 }));
        assert_eq!(place_of(&kept.key), Some(("main", at("2026-10-06T09:15:22.417Z"))));
        assert_eq!(place_of("dead:main"), None);
    }

    #[test]
    fn a_value_that_is_not_known_is_told_with_its_key() {
        let check = |text: &str, words: &str| {
            let error = read_dead_letters("dead:x", text).unwrap_err().to_string();
            assert!(error.contains("dead:x") && error.contains(words), "{error}");
        };
        check("{}", "rows");
        check(r#"{"rows":[],"v":2}"#, "version 2");
        check(
            r#"{"rows":[{"id":"a","reason":"","row":{"id":"a","colour":1}}],"v":1}"#,
            "a row a that has a column colour",
        );
    }
}
