//! Records as the JSON values that [`upsert_of_json`](super::upsert_of_json) takes.

use serde::de::IgnoredAny;

use crate::{
    error::CallError,
    plan::batch::{self, Limits},
    record::{Cell, Kind, Record},
};

/// The most bytes of a value that D1 takes: 2 MB. developers.cloudflare.com/d1/platform/limits
const LARGEST_VALUE: usize = 2_000_000;

/// Records as lists of lists of cells: as few texts as D1 takes.
///
/// # Errors
/// [`CallError::Denied`] if one record alone is too large, or has a text in a column of JSON that is no JSON.
pub fn lists(records: &[Record]) -> Result<Vec<String>, CallError> {
    let texts = records.iter().map(list).collect::<Result<Vec<_>, _>>()?;
    // A comma for each, and the brackets around all.
    let sizes: Vec<_> = texts.iter().map(|text| text.len() + 1).collect();
    let limits = Limits { rows: usize::MAX, bytes: LARGEST_VALUE - 1 };
    if let Some(size) = sizes.iter().find(|size| **size > limits.bytes) {
        let problem = format!("a record has {size} bytes, and D1 takes {LARGEST_VALUE}");
        return Err(CallError::denied(problem, "Send it without its largest field"));
    }
    let ranges = batch::cut(&sizes, limits).into_iter();
    Ok(ranges.map(|range| format!("[{}]", texts[range].join(","))).collect())
}

/// The cells of a record. JSON stands in the list as it is, so that its quotes are not escaped once more.
fn list(record: &Record) -> Result<String, CallError> {
    let mut list = Vec::from(*b"[");
    for (column, cell) in record.table.columns.iter().zip(&record.cells) {
        if list.len() > 1 {
            list.push(b',');
        }
        let written = match (column.kind, cell) {
            (_, Cell::Bool(truth)) => serde_json::to_writer(&mut list, &u8::from(*truth)),
            (Kind::Json, Cell::Text(json)) => serde_json::from_str(json).map(|_: IgnoredAny| {
                list.extend_from_slice(json.as_bytes());
            }),
            (_, cell) => serde_json::to_writer(&mut list, cell),
        };
        written.map_err(|error| {
            let problem = format!("the column {} cannot be written: {error}", column.name);
            CallError::denied(problem, "Send it without this field")
        })?;
    }
    list.push(b']');
    String::from_utf8(list).map_err(|_| CallError::denied("a record is no UTF-8", "Send it as UTF-8"))
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use serde_json::{Value, json};

    use super::*;
    use crate::{database::upsert_of_json, event::EVENTS, sink::sql::SQLITE};

    fn event(id: &str, others: Value) -> Record {
        let mut written = json!({
            "org": "acme", "created_at": "2026-11-01T00:00:00.000Z", "id": id, "name": "n", "source": "http",
            "ingested_at": "2026-11-01T00:00:00.000Z",
        });
        let Value::Object(others) = others else { panic!("no object") };
        written.as_object_mut().unwrap().extend(others);
        Record::from_json(&EVENTS, written).unwrap()
    }

    /// The values that SQLite has of a column after these lists were written, as it tells their types and texts.
    fn kept(records: &[Record], column: &str) -> Vec<(String, Option<String>)> {
        let file = Connection::open_in_memory().unwrap();
        for script in SQLITE.iter().filter(|script| script.name == "1_events_raw.sql") {
            file.execute_batch(script.text).unwrap();
        }
        for list in lists(records).unwrap() {
            file.execute(&upsert_of_json(&EVENTS), [list]).unwrap();
        }
        let select = format!("SELECT typeof({column}), CAST({column} AS TEXT) FROM events_raw ORDER BY id");
        let mut statement = file.prepare(&select).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn each_kind_of_value_is_kept_as_itself() {
        let check = |column: &str, value: Value, kind: &str, text: &str| {
            let kept = kept(&[event("a", json!({ column: value }))], column);
            assert_eq!(kept, [(kind.to_owned(), Some(text.to_owned()))], "{column}");
        };
        check("success", json!(true), "integer", "1");
        check("success", json!(false), "integer", "0");
        check("status_code", json!(9_007_199_254_740_993_i64), "integer", "9007199254740993");
        check("duration", json!(0.1), "real", "0.1");
        check("cost", json!(2.0), "real", "2.0");
        check("user_id", json!("7"), "text", "7");
        check("user_id", json!("null"), "text", "null");
        check("user_id", json!("it's \"ä\"\n🦀"), "text", "it's \"ä\"\n🦀");
        check("created_at", json!("2026-11-01T01:00:00+01:00"), "text", "2026-11-01T00:00:00.000Z");
        check(
            "metadata",
            json!(r#"{"a":"it's \"x\"","n":1.50,"l":[1,null]}"#),
            "text",
            r#"{"a":"it's \"x\"","n":1.50,"l":[1,null]}"#,
        );
        assert_eq!(kept(&[event("a", json!({}))], "metadata"), [("null".to_owned(), None)]);
        assert_eq!(kept(&[event("a", json!({ "metadata": "null" }))], "metadata"), [("null".to_owned(), None)]);
    }

    /// Numbers of every size, as money and durations are, and any others.
    #[test]
    fn floats_are_kept_to_their_last_bit() {
        let mut bits: u64 = 1;
        let mut next = || {
            // Knuth's generator: any sequence of numbers would do.
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f64::from_bits(bits)
        };
        let any = std::iter::from_fn(|| Some(next())).filter(|float| float.is_finite());
        let small = (1..20_000).map(|n| f64::from(n) * 0.000_000_37 + 1.0 / f64::from(n));
        let floats: Vec<f64> = any.take(20_000).chain(small).collect();
        let events: Vec<_> =
            (0..).zip(&floats).map(|(n, float)| event(&format!("{n:05}"), json!({ "cost": float }))).collect();
        let file = Connection::open_in_memory().unwrap();
        file.execute_batch(SQLITE.iter().find(|script| script.name == "1_events_raw.sql").unwrap().text).unwrap();
        for list in lists(&events).unwrap() {
            file.execute(&upsert_of_json(&EVENTS), [list]).unwrap();
        }
        let mut statement = file.prepare("SELECT cost FROM events_raw ORDER BY id").unwrap();
        let kept: Vec<f64> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let different: Vec<_> =
            floats.iter().zip(&kept).filter(|(one, other)| one.to_bits() != other.to_bits()).collect();
        assert!(different.is_empty(), "{} of {}: {:?}", different.len(), floats.len(), &different[..1]);
    }

    #[test]
    fn what_one_value_cannot_hold_is_cut_and_one_that_is_too_large_is_refused() {
        let large = |id: &str, size: usize| event(id, json!({ "error": "x".repeat(size) }));
        let records = [large("a", 900_000), large("b", 900_000), large("c", 900_000), large("d", 10)];
        let lists = lists(&records).unwrap();
        assert_eq!(lists.len(), 2);
        assert!(lists.iter().all(|list| list.len() <= LARGEST_VALUE));
        assert_eq!(kept(&records, "id").len(), 4);
        // Exactly what fits, and one byte more.
        let room = LARGEST_VALUE - super::lists(&[large("a", 0)]).unwrap()[0].len();
        assert_eq!(super::lists(&[large("a", room)]).unwrap()[0].len(), LARGEST_VALUE);
        let refused = super::lists(&[large("a", room + 1)]);
        assert!(matches!(refused, Err(CallError::Denied { .. })), "{refused:?}");
    }

    #[test]
    fn text_that_is_no_json_in_a_column_of_json_is_refused_by_its_name() {
        let refused = lists(&[event("a", json!({ "metadata": "{" }))]).unwrap_err().to_string();
        assert!(refused.contains("metadata"), "{refused}");
    }
}
