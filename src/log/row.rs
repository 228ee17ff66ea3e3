//! The row of an entry: a record of the table of logs.

use std::mem;

use serde_json::{Map, Value};

use crate::{
    log::{
        columns::{FIELDS, LOGS, Origin, cell},
        entry::{Entry, Fields},
        privacy::Privacy,
    },
    record::{Cell, Kind, Record},
    time::Timestamp,
};

impl Entry {
    /// Makes the row of an entry, without the parts that `privacy` withholds. Nothing else makes rows of entries. This
    /// never fails: a field of the wrong type stays in `extra`, and its column is null.
    #[must_use]
    pub fn into_row(self, gateway: &str, ingested_at: Timestamp, privacy: &Privacy) -> Record {
        let Self { mut id, created_at, fields, unread: _ } = self;
        let Fields { mut cells, misfits, mut others } = fields;
        others.extend(misfits);
        privacy.apply(&mut others);
        for ((column, origin), cell) in FIELDS.iter().zip(&mut cells) {
            match *origin {
                Origin::Id => *cell = Cell::Text(mem::take(&mut id)),
                Origin::CreatedAt => *cell = Cell::Instant(created_at),
                Origin::IngestedAt => *cell = Cell::Instant(ingested_at),
                Origin::Gateway => *cell = Cell::Text(gateway.to_owned()),
                Origin::Field => {}
                Origin::Metadata => *cell = take(&mut others, column.name, column.kind),
                Origin::Member(object, name) => *cell = take_member(&mut others, object, name, column.kind),
                Origin::Rest => *cell = rest(mem::take(&mut others)),
            }
        }
        Record { table: &LOGS, cells }
    }
}

/// Moves a field into a cell. A field of another kind than the column stays where it is.
fn take(fields: &mut Map<String, Value>, name: &str, kind: Kind) -> Cell {
    let Some(value) = fields.get_mut(name) else { return Cell::Null };
    match cell(value.take(), kind) {
        Ok(cell) => {
            fields.remove(name);
            cell
        }
        Err(misfit) => {
            *value = misfit;
            Cell::Null
        }
    }
}

fn take_member(fields: &mut Map<String, Value>, object: &str, name: &str, kind: Kind) -> Cell {
    let Some(Value::Object(members)) = fields.get_mut(object) else { return Cell::Null };
    let cell = take(members, name, kind);
    if members.is_empty() {
        fields.remove(object);
    }
    cell
}

/// The fields that no column took, without nulls, as JSON text.
fn rest(mut fields: Map<String, Value>) -> Cell {
    fields.retain(|_, value| !value.is_null());
    if fields.is_empty() { Cell::Null } else { Cell::Text(Value::Object(fields).to_string()) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        log::{columns::LOGS, entry::Entry, privacy::Privacy},
        record::{Cell, Record},
        time,
    };

    /// The row of an element of the list, with nothing withheld.
    fn made_of(element: Value) -> Record {
        let ingested_at = time::parse("2026-10-06T09:16:00Z").unwrap();
        Entry::from_json(element).unwrap().into_row("main", ingested_at, &Privacy::default())
    }

    /// The row of an entry with these fields, without the four columns that every row has.
    fn row(fields: &Value) -> Value {
        let mut entry = json!({ "id": "a", "created_at": "2026-10-06T09:15:22.417Z" });
        entry.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let mut row = serde_json::to_value(made_of(entry)).unwrap();
        for column in ["id", "created_at", "ingested_at", "gateway"] {
            assert!(row.as_object_mut().unwrap().remove(column).is_some(), "{column}");
        }
        row
    }

    fn check(fields: &Value, expected: &Value) {
        assert_eq!(row(fields), *expected, "{fields}");
    }

    #[test]
    fn every_field_of_the_list_finds_its_column() {
        let page: Value = serde_json::from_str(include_str!("../../tests/fixtures/list.json")).unwrap();
        let rows: Vec<_> = page["result"].as_array().unwrap().iter().map(row).collect();
        let first = json!({
            "provider": "openai", "model": "gpt-4.1-mini", "model_type": "text-generation", "success": true,
            "status_code": 200, "cached": false, "duration": 1384.0, "tokens_in": 412, "tokens_out": 96,
            "cost": 0.000_318, "request_type": "http", "request_content_type": "application/json",
            "response_content_type": "application/json", "path": "chat/completions", "step": 0, "custom_cost": false,
            "metadata": r#"{"team":"search","user_id":42,"canary":true}"#, "event_id": "evt-7f3a",
            "input_cached_tokens": 128, "output_reasoning_tokens": 0, "latency": 311.5, "region": "WEUR",
            "colo": "AMS", "user_agent": "example-client/1.4", "byok": false, "wholesale": false,
            "extra": r#"{"timings":{"total":1384},"usage_metadata":{"input_tokens":412,"output_tokens":96,"total_tokens":508}}"#,
        });
        let second = json!({
            "provider": "anthropic", "model": "claude-example", "success": false, "status_code": 529, "cached": false,
            "duration": 205.0, "path": "v1/messages", "step": 1,
        });
        assert_eq!(rows, [first, second]);
    }

    #[test]
    fn zero_stays_zero_and_null_is_absent() {
        check(
            &json!({ "cost": 0, "tokens_in": 0, "step": 0, "score": 0.0 }),
            &json!({ "cost": 0.0, "tokens_in": 0, "step": 0, "score": 0.0 }),
        );
        check(&json!({ "cost": null, "metadata": null, "new_field": null, "location": null }), &json!({}));
        check(&json!({ "success": false, "feedback": -1 }), &json!({ "success": false, "feedback": -1 }));
    }

    #[test]
    fn what_does_not_fit_its_column_stays_in_extra() {
        check(&json!({ "tokens_in": "many" }), &json!({ "extra": r#"{"tokens_in":"many"}"# }));
        check(&json!({ "tokens_in": 1.5 }), &json!({ "extra": r#"{"tokens_in":1.5}"# }));
        check(&json!({ "tokens_in": 412.0 }), &json!({ "tokens_in": 412 }));
        check(
            &json!({ "tokens_in": 18_446_744_073_709_551_615_u64 }),
            &json!({ "extra": r#"{"tokens_in":18446744073709551615}"# }),
        );
        check(&json!({ "success": "yes" }), &json!({ "extra": r#"{"success":"yes"}"# }));
        check(&json!({ "byok": 1, "wholesale": 0 }), &json!({ "byok": true, "wholesale": false }));
        check(&json!({ "byok": 2 }), &json!({ "extra": r#"{"byok":2}"# }));
        check(&json!({ "provider": 7 }), &json!({ "extra": r#"{"provider":7}"# }));
        check(&json!({ "timings": [1] }), &json!({ "extra": r#"{"timings":[1]}"# }));
        check(&json!({ "timings": { "latency": "fast" } }), &json!({ "extra": r#"{"timings":{"latency":"fast"}}"# }));
        check(&json!({ "guardrails": { "hate": 1 } }), &json!({ "extra": r#"{"guardrails":{"hate":1}}"# }));
    }

    #[test]
    fn metadata_is_json_however_it_comes() {
        check(&json!({ "metadata": { "team": "a" } }), &json!({ "metadata": r#"{"team":"a"}"# }));
        check(&json!({ "metadata": r#"{"n": 1.50}"# }), &json!({ "metadata": r#"{"n": 1.50}"# }));
        check(&json!({ "metadata": "team a" }), &json!({ "extra": r#"{"metadata":"team a"}"# }));
        check(&json!({ "metadata": "" }), &json!({ "extra": r#"{"metadata":""}"# }));
    }

    #[test]
    fn every_column_survives_being_written_and_read_back() {
        let page: Value = serde_json::from_str(include_str!("../../tests/fixtures/list.json")).unwrap();
        let mut entries = page["result"].as_array().unwrap().clone();
        // Fields that the fixture lacks, and values at the limits of a column.
        let full = json!({
            "tokens_in": i64::MIN, "tokens_out": 9_007_199_254_740_993_i64, "step": 1_i64 << 53, "cost": 0.1 + 0.2,
            "score": 1e-320, "duration": 1e300, "model": "a \"quoted\"\n\u{0} ünïcode 🦀 text", "feedback": -1,
            "dlp_action": "FLAG", "metadata": "{\"n\": 1.50}", "timings": { "latency": -0.0 }, "new": [null, 1.0],
            "created_at": "2026-10-06T09:15:22.417123Z", "id": "\n",
        });
        entries.push(full.as_object().unwrap().iter().fold(entries[0].clone(), |mut entry, (name, value)| {
            entry[name] = value.clone();
            entry
        }));
        let mut seen = [false; LOGS.columns.len()];
        for entry in entries {
            let row = made_of(entry);
            let text = serde_json::to_string(&row).unwrap();
            let read = Record::from_json(&LOGS, serde_json::from_str(&text).unwrap()).unwrap();
            assert_eq!(read, row, "{text}");
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
            for (seen, cell) in seen.iter_mut().zip(&row.cells) {
                *seen |= *cell != Cell::Null;
            }
        }
        let unseen = LOGS.columns.iter().zip(seen).filter(|(_, seen)| !seen).map(|(column, _)| column.name);
        assert_eq!(unseen.collect::<Vec<_>>(), [""; 0], "columns that no entry here has");
    }

    #[test]
    fn a_row_that_is_not_as_it_was_written_is_refused() {
        let check = |changed: Value, words: &str| {
            let mut row = json!({ "id": "a", "created_at": "2026-10-06T09:15:22.417Z", "cost": 0.5 });
            row.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
            let error = Record::from_json(&LOGS, row).unwrap_err();
            assert!(error.contains(words), "{error}");
        };
        check(json!({ "colour": "red" }), "column colour");
        check(json!({ "cost": "0.5" }), "in cost");
        check(json!({ "tokens_in": 1.5 }), "in tokens_in");
        check(json!({ "created_at": "yesterday" }), "in created_at");
        check(json!({ "id": null }), "no id");
        assert!(Record::from_json(&LOGS, json!([])).is_err());
    }

    #[test]
    fn an_integer_beyond_2_to_the_53_is_written_as_text() {
        check(&json!({ "tokens_in": 9_007_199_254_740_993_i64 }), &json!({ "tokens_in": "9007199254740993" }));
    }
}
