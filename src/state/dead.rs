//! Dead letters: rows that a sink will never take, with its reasons.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{VERSION, of, versioned};
use crate::{
    error::Error,
    event::EVENTS,
    foreign::clean,
    log::columns::LOGS,
    plan::batch::{self, Limits},
    record::Record,
    time::{self, Timestamp},
};

/// The prefix of the keys of dead letters: `dead:<gateway>:<pass instant>:<tag>-<n>`.
pub const DEAD: &str = "dead:";

/// The prefix of the keys of discarded letters, in place of [`DEAD`]. Only their ids and instants are kept.
pub const DISCARDED: &str = "discarded:";

/// What stands in a key in place of the gateway for events. No gateway has this id.
pub const OF_EVENTS: &str = "@events";

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

/// One log that no sink takes, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// What is kept of it.
    pub body: Body,
    /// The sink's words, or why no row can be made of it.
    pub reason: String,
}

/// What is kept of a dead letter.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// The row as it was to be written.
    Row(Record),
    /// The text of a log that cannot become a row.
    Text {
        /// Its id, or the one that stands in for it.
        id: String,
        /// When the gateway logged the call, UTC, where that can be read.
        created_at: Option<Timestamp>,
        /// The text.
        text: String,
    },
    /// A row that this program cannot read.
    Unknown {
        /// Its id, where it has one.
        id: String,
        /// The row as it was stored.
        row: Value,
        /// Why it cannot be read.
        problem: String,
    },
}

impl DeadLetter {
    /// The letter of a row that a sink has refused.
    #[must_use]
    pub fn of_row(row: Record, reason: String) -> Self {
        Self { body: Body::Row(row), reason }
    }

    /// The letter of a log that cannot become a row.
    #[must_use]
    pub fn of_text(id: String, created_at: Option<Timestamp>, text: String, reason: String) -> Self {
        Self { body: Body::Text { id, created_at, text }, reason }
    }

    /// The log's id.
    #[must_use]
    pub fn id(&self) -> &str {
        match &self.body {
            Body::Row(row) => row.id(),
            Body::Text { id, .. } | Body::Unknown { id, .. } => id,
        }
    }

    /// When the gateway logged the call, UTC, where that is known.
    #[must_use]
    pub fn created_at(&self) -> Option<Timestamp> {
        match &self.body {
            Body::Row(row) => Some(row.at()),
            Body::Text { created_at, .. } => *created_at,
            Body::Unknown { row, .. } => row["created_at"].as_str().and_then(time::parse),
        }
    }

    /// The text of a log that cannot become a row; empty if there is a row.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.body {
            Body::Text { text, .. } => text,
            Body::Row(_) | Body::Unknown { .. } => "",
        }
    }

    /// As it stands in a stored value.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match &self.body {
            Body::Row(row) => json!({ "id": row.id(), "reason": clean(&self.reason), "row": row }),
            Body::Text { id, created_at, text } => {
                json!({ "id": id, "reason": clean(&self.reason), "created_at": created_at.map(time::text), "text": text })
            }
            Body::Unknown { id, row, problem: _ } => json!({ "id": id, "reason": clean(&self.reason), "row": row }),
        }
    }
}

impl DeadLetters {
    /// What is kept under `key` from now on.
    #[must_use]
    pub fn under(key: &str, letters: &[DeadLetter]) -> Self {
        let texts: Vec<_> = letters.iter().map(|letter| letter.to_json().to_string()).collect();
        Self { key: key.to_owned(), n: letters.len(), value: value(&texts) }
    }

    /// The ids and instants that are kept of the letters under `key` after an operator has discarded them.
    #[must_use]
    pub fn discarded(key: &str, letters: &[DeadLetter]) -> Option<Self> {
        let left = |letter: &DeadLetter| {
            DeadLetter::of_text(letter.id().to_owned(), letter.created_at(), String::new(), String::new())
        };
        let letters: Vec<_> = letters.iter().map(left).collect();
        Some(Self::under(&format!("{DISCARDED}{}", key.strip_prefix(DEAD)?), &letters))
    }

    /// What listings show of it.
    #[must_use]
    pub fn metadata(&self) -> Value {
        json!({ "n": self.n })
    }
}

fn value(texts: &[String]) -> String {
    format!(r#"{{"rows":[{}],"v":{VERSION}}}"#, texts.join(","))
}

/// The keys and values of dead letters. The tag makes the keys differ if two jobs save in the same millisecond. There
/// are several values only if one value cannot hold all rows.
#[must_use]
pub fn dead_letters(gateway: &str, now: Timestamp, tag: u16, letters: &[DeadLetter]) -> Vec<DeadLetters> {
    let texts: Vec<_> = letters.iter().map(|letter| letter.to_json().to_string()).collect();
    let sizes: Vec<_> = texts.iter().map(String::len).collect();
    let ranges = batch::cut(&sizes, MOST_DEAD_LETTERS).into_iter().zip(1..);
    let kept = ranges.map(|(range, n)| DeadLetters {
        key: format!("{DEAD}{gateway}:{}:{tag:04x}-{n}", time::text(now)),
        n: range.len(),
        value: value(&texts[range]),
    });
    kept.collect()
}

/// Reads the value under `key`. A row in it that cannot be read hides none of the others.
///
/// # Errors
/// [`Error::State`] where the value is not one this program knows.
pub fn read_dead_letters(key: &str, text: &str) -> Result<Vec<DeadLetter>, Error> {
    #[derive(Deserialize)]
    struct Letters {
        rows: Vec<Value>,
    }
    let Letters { rows } = of(key, versioned(key, text)?)?;
    Ok(rows.into_iter().map(letter).collect())
}

fn letter(mut stored: Value) -> DeadLetter {
    let member = |name: &str| stored[name].as_str().map(str::to_owned);
    let (id, reason) = (member("id").unwrap_or_default(), member("reason").unwrap_or_default());
    if let Some(text) = member("text") {
        let created_at = stored["created_at"].as_str().and_then(time::parse);
        return DeadLetter::of_text(id, created_at, text, reason);
    }
    let row = stored.get_mut("row").map_or(Value::Null, Value::take);
    // Every event has an org, and no log has one.
    let table = if row.get("org").is_some() { &EVENTS } else { &LOGS };
    let body =
        Record::from_json(table, row.clone()).map_or_else(|problem| Body::Unknown { id, row, problem }, Body::Row);
    DeadLetter { body, reason }
}

/// The gateway in a key, and when the pass saved it.
#[must_use]
pub fn place_of(key: &str) -> Option<(&str, Timestamp)> {
    let (gateway, rest) = key.strip_prefix(DEAD).or_else(|| key.strip_prefix(DISCARDED))?.split_once(':')?;
    let (instant, _) = rest.rsplit_once(':')?;
    Some((gateway, time::parse(instant)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{entry::Entry, privacy::Privacy};

    fn at(text: &str) -> Timestamp {
        time::parse(text).unwrap()
    }

    fn row(id: &str, size: usize) -> Record {
        let entry = json!({ "id": id, "created_at": "2026-10-06", "path": "x".repeat(size), "cost": 0.1 });
        Entry::from_json(entry).unwrap().into_row("main", at("2026-10-06"), &Privacy::default())
    }

    fn text(id: &str, created_at: Option<Timestamp>) -> Body {
        Body::Text { id: id.into(), created_at, text: "{\"id\":7,\"n\":1e400}".into() }
    }

    #[test]
    fn dead_letters_are_cut_to_what_a_value_holds() {
        let row = |id: &str, size| DeadLetter { body: Body::Row(row(id, size)), reason: "invalid".into() };
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
        let bodies =
            [Body::Row(row("a", 3)), Body::Row(row("b", 3)), text("c", Some(at("2026-10-06"))), text("d", None)];
        let letters = bodies.map(|body| DeadLetter { body, reason: "it is \"bad\"".into() });
        let [kept] = &dead_letters("main", at("2026-10-06T09:15:22.417Z"), 0, &letters)[..] else {
            panic!("one value")
        };
        assert_eq!(read_dead_letters(&kept.key, &kept.value).unwrap(), letters);
        assert_eq!(DeadLetters::under(&kept.key, &letters), *kept);
        assert_eq!(kept.metadata(), json!({ "n": 4 }));
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
    }

    #[test]
    fn a_damaged_letter_hides_none_of_the_others_and_is_kept() {
        let good = DeadLetter { body: Body::Row(row("b", 3)), reason: "invalid".into() };
        let damaged = r#"{"id":"a","reason":"invalid","row":{"id":"a","colour":1}}"#;
        let value = format!(r#"{{"rows":[{damaged},7,{}],"v":1}}"#, good.to_json());
        let letters = read_dead_letters("dead:x", &value).unwrap();
        let Body::Unknown { id, problem, .. } = &letters[0].body else { panic!("not unknown") };
        assert_eq!(id, "a");
        assert!(problem.contains("has a column colour"), "{problem}");
        assert_eq!((letters.len(), &letters[2]), (3, &good));
        let kept = DeadLetters::under("dead:x", &letters);
        assert_eq!(read_dead_letters("dead:x", &kept.value).unwrap(), letters);
    }
}
