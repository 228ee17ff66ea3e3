//! The parts of a log's metadata that nobody may read: keys that are dropped, and keys whose values are hashed. This
//! happens when an entry becomes a row, before any sink, dead letter or state gets it.
//!
//! Metadata is dropped and hashed when an entry becomes a row (`Entry::into_row`) or the text of a dead letter
//! (`Privacy::apply_to_text`). Nothing else keeps entries, so no sink, dead letter or state can hold more. A row that
//! is read back is not treated again, so a replay hashes nothing twice. Metadata that cannot be split into keys is left
//! out completely, because it may hold any of these keys.

use std::{collections::BTreeSet, fmt, mem};

use hmac::{Hmac, Mac};
use serde_json::{Map, Value};
use sha2::Sha256;

use crate::{foreign, log::raw};

/// The field of an entry that is treated. It is the only field that is known to be filled by users as they like.
const FIELD: &str = "metadata";

/// The number of bytes kept of a hash, as 32 digits. With 128 bits no two values of a table ever have the same hash.
const BYTES: usize = 16;

/// The treatment of each log's metadata; by default none.
#[derive(Debug, Clone, Default)]
pub struct Privacy {
    /// Keys that are removed with their values.
    pub dropped: BTreeSet<String>,
    /// Keys that stay, with a hash in place of the value.
    pub hashed: Option<Hashed>,
}

/// Keys whose values are hashed, and the secret of the hash.
#[derive(Clone)]
pub struct Hashed {
    keys: BTreeSet<String>,
    /// The state of the hash after the secret. Each value continues on a copy.
    mac: Hmac<Sha256>,
}

impl Privacy {
    /// Treats the metadata among the fields of an entry. Metadata that cannot be split into keys is removed completely,
    /// because it may hold any of these keys.
    pub fn apply(&self, fields: &mut Map<String, Value>) {
        if !self.is_active() {
            return;
        }
        let Some(metadata) = fields.get_mut(FIELD) else { return };
        match metadata {
            Value::Null => {}
            Value::Object(members) => self.treat(members),
            // The API's schema says text.
            Value::String(text) => match raw::json(text).as_deref().map(raw::value) {
                Some(Value::Object(members)) if !self.names_any(&members) => {}
                Some(Value::Object(mut members)) => {
                    self.treat(&mut members);
                    *metadata = Value::Object(members);
                }
                Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) | None => {
                    *metadata = Value::Null;
                }
            },
            Value::Bool(_) | Value::Number(_) | Value::Array(_) => *metadata = Value::Null,
        }
    }

    /// Treats the metadata in the text of a log that cannot become a row. If the text cannot be split, nothing of it is
    /// left.
    #[must_use]
    pub fn apply_to_text(&self, text: &str) -> String {
        if !self.is_active() {
            return text.to_owned();
        }
        let Some(members) = raw::members(text) else { return String::new() };
        let mut fields = Map::new();
        for (name, value) in members {
            if let Value::String(name) = raw::value(name) {
                fields.insert(name, raw::value(value));
            }
        }
        self.apply(&mut fields);
        Value::Object(fields).to_string()
    }

    /// Whether anything is withheld.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !self.dropped.is_empty() || self.hashed.is_some()
    }

    /// Treats each field with one of the keys, at every level of nesting, in JSON within texts too. A text that begins
    /// as JSON does, cannot be read and names a key is removed completely.
    pub fn apply_deeply(&self, fields: &mut Map<String, Value>) {
        let treated = mem::take(fields).into_iter();
        fields.extend(treated.filter_map(|(name, value)| self.left(&[&name], value).map(|value| (name, value))));
    }

    /// What is left of a value that goes by these names, and of the fields within it.
    #[must_use]
    pub fn left(&self, names: &[&str], mut value: Value) -> Option<Value> {
        if names.iter().any(|name| self.dropped.contains(*name)) {
            return None;
        }
        match &self.hashed {
            Some(hashed) if names.iter().any(|name| hashed.keys.contains(*name)) => return Some(hashed.hash(&value)),
            Some(_) | None => self.treat_within(&mut value),
        }
        Some(value)
    }

    fn treat_within(&self, value: &mut Value) {
        match value {
            Value::Object(members) => self.apply_deeply(members),
            Value::Array(list) => list.iter_mut().for_each(|value| self.treat_within(value)),
            Value::String(text) if shown(text).starts_with(['{', '[', '"']) && self.may_hold(text) => {
                *value = raw::read(shown(text)).map_or(Value::Null, |mut inner| {
                    self.treat_within(&mut inner);
                    Value::String(inner.to_string())
                });
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Whether a text has one of the keys anywhere, or an escape that can stand for its letters.
    fn may_hold(&self, text: &str) -> bool {
        let hashed = self.hashed.iter().flat_map(|hashed| &hashed.keys);
        text.contains('\\') || self.dropped.iter().chain(hashed).any(|key| text.contains(key))
    }

    /// Lets another name stand for a key: what is withheld of the key is withheld of it, too.
    pub fn extend(&mut self, key: &str, other: &str) {
        let keys = [Some(&mut self.dropped), self.hashed.as_mut().map(|hashed| &mut hashed.keys)];
        for keys in keys.into_iter().flatten().filter(|keys| keys.contains(key)) {
            keys.insert(other.to_owned());
        }
    }

    fn names_any(&self, members: &Map<String, Value>) -> bool {
        let is_hashed = |key| self.hashed.as_ref().is_some_and(|hashed| hashed.keys.contains(key));
        members.keys().any(|key| self.dropped.contains(key) || is_hashed(key))
    }

    fn treat(&self, members: &mut Map<String, Value>) {
        for key in &self.dropped {
            members.remove(key);
        }
        let Some(hashed) = &self.hashed else { return };
        for key in &hashed.keys {
            if let Some(value) = members.get_mut(key) {
                *value = hashed.hash(value);
            }
        }
    }
}

/// A text without what nobody sees at its beginning: spaces, and marks that some programs write before JSON.
fn shown(text: &str) -> &str {
    text.trim_start_matches(|letter: char| letter.is_whitespace() || matches!(letter, '\u{feff}' | '\u{200b}'))
}

impl Hashed {
    /// Hashes the values of these keys with a secret.
    ///
    /// # Panics
    /// Never: the secret may have any length.
    #[must_use]
    pub fn new(keys: BTreeSet<String>, secret: &str) -> Self {
        foreign::hide(secret);
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mac = Hmac::new_from_slice(secret.as_bytes()).expect("a key of any length");
        Self { keys, mac }
    }

    /// HMAC-SHA256, in hexadecimal digits, of a text, or of the JSON of any other value. Equal values have equal
    /// hashes. Null stays null.
    fn hash(&self, value: &Value) -> Value {
        let mac = self.mac.clone();
        let mac = match value {
            Value::Null => return Value::Null,
            Value::String(text) => mac.chain_update(text),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                mac.chain_update(value.to_string())
            }
        };
        let bytes = mac.finalize().into_bytes();
        let number = bytes.iter().take(BYTES).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        Value::String(format!("{number:032x}"))
    }
}

impl fmt::Debug for Hashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hashed").field("keys", &self.keys).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Hashed, Privacy};

    const SECRET: &str = "a key of 20 letters.";

    fn privacy(dropped: &[&str], hashed: &[&str], secret: &str) -> Privacy {
        let set = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        let hashed = (!hashed.is_empty()).then(|| Hashed::new(set(hashed), secret));
        Privacy { dropped: set(dropped), hashed }
    }

    /// This metadata after the treatment.
    fn left(privacy: &Privacy, metadata: &Value) -> Value {
        let mut fields = json!({ "metadata": metadata, "event_id": "email" });
        privacy.apply(fields.as_object_mut().unwrap());
        assert_eq!(fields["event_id"], "email", "no other field is treated");
        fields["metadata"].take()
    }

    /// The hash of a value.
    fn hash(value: &Value, secret: &str) -> Value {
        left(&privacy(&[], &["user"], secret), &json!({ "user": value }))["user"].take()
    }

    /// `serde_json` has a feature that gives this name a meaning. With it, reading the text never ended.
    #[test]
    fn no_name_within_a_text_is_special() {
        let mut fields = json!({ "text": r#"{"$serde_json::private::RawValue":5,"email":1}"#, "list": [r#"{"\u0024serde_json::private::RawValue":null}"#] });
        privacy(&["email"], &[], SECRET).apply_deeply(fields.as_object_mut().unwrap());
        let expected = json!({
            "text": r#"{"$serde_json::private::RawValue":5}"#, "list": [r#"{"$serde_json::private::RawValue":null}"#],
        });
        assert_eq!(fields, expected);
    }

    #[test]
    fn keys_are_dropped_and_values_hashed_however_metadata_comes() {
        let privacy = privacy(&["email", "absent"], &["user_id", "user", "nowhere"], SECRET);
        let metadata =
            json!({ "email": "a@b", "user_id": "ada", "user": null, "Email": "kept", "team": { "email": 1 } });
        let expected = json!({
            "user_id": "974e82d3e35e3f42b7589be5ac8a9ecb", "user": null, "Email": "kept", "team": { "email": 1 },
        });
        assert_eq!(left(&privacy, &metadata), expected);
        assert_eq!(left(&privacy, &metadata.to_string().into()), expected);
        // Keys may be written with escapes, and twice: parsers do not agree on which value counts.
        let written = r#"{"user\u005fid":"bob","user_id":"ada","email":"a","\u0065mail":"b"}"#;
        let expected = json!({ "user_id": "974e82d3e35e3f42b7589be5ac8a9ecb" });
        assert_eq!(left(&privacy, &written.into()), expected);
        // If no key is named, not a letter changes.
        let written = r#"{"n": 1.50, "team":"b"}"#;
        assert_eq!(left(&privacy, &written.into()), written);
    }

    #[test]
    fn halves_of_letters_and_long_numbers_do_not_keep_keys_from_being_found() {
        let privacy = privacy(&["email"], &["user_id"], SECRET);
        let text = r#"{"email":"\ud83d","user_id":"ada","order":12345678901234567890123}"#;
        let expected = json!({ "user_id": "974e82d3e35e3f42b7589be5ac8a9ecb", "order": "12345678901234567890123" });
        assert_eq!(left(&privacy, &text.into()), expected);
    }

    #[test]
    fn the_text_of_a_log_that_is_no_row_is_treated_too() {
        let privacy = privacy(&["email"], &["user_id"], SECRET);
        let check = |text: &str, expected: &str| assert_eq!(privacy.apply_to_text(text), expected);
        check(
            r#"{"id":7,"metadata":{"email":"a@b","user_id":"ada","team":"\ud83d"}}"#,
            r#"{"id":7,"metadata":{"team":"\ufffd","user_id":"974e82d3e35e3f42b7589be5ac8a9ecb"}}"#.replace("\\ufffd", "\u{fffd}").as_str(),
        );
        check(r#"{"id":7,"m\u0065tadata":"{\"email\":1"}"#, r#"{"id":7,"metadata":null}"#);
        check(r#"{"id":7,"metadata":{"email":"a@b"}"#, "");
        let text = r#"{"id":7,"metadata":{"email":"a@b"}"#;
        assert_eq!(Privacy::default().apply_to_text(text), text);
    }

    #[test]
    fn metadata_without_keys_is_removed_as_a_whole() {
        let texts = ["ada", "", "[{\"email\":\"a@b\"}]", "\"{\\\"email\\\":1}\"", "7", "null", "{\"email\":\"a@b\""];
        let others = [json!(["ada"]), json!(7), json!(true), Value::Null];
        for metadata in texts.into_iter().map(Value::from).chain(others) {
            for privacy in [privacy(&["email"], &[], ""), privacy(&[], &["email"], SECRET)] {
                assert_eq!(left(&privacy, &metadata), Value::Null, "{metadata}");
            }
            assert_eq!(left(&Privacy::default(), &metadata), metadata);
        }
    }

    #[test]
    fn keys_are_found_at_every_level_and_in_texts() {
        let privacy = privacy(&["email"], &["user"], SECRET);
        let check = |given: Value, expected: Value| {
            let mut fields = json!({ "a": given });
            privacy.apply_deeply(fields.as_object_mut().unwrap());
            assert_eq!(fields, json!({ "a": expected }), "{given}");
        };
        let hash = "974e82d3e35e3f42b7589be5ac8a9ecb";
        check(json!([{ "email": 1, "b": { "user": "ada", "n": 1 } }]), json!([{ "b": { "user": hash, "n": 1 } }]));
        check(json!(r#" {"email":"a@b", "n": 1}"#), json!(r#"{"n":1}"#));
        check(json!(r#"[{"\u0065mail":"a@b","user":"ada"}]"#), json!(format!(r#"[{{"user":"{hash}"}}]"#)));
        // JSON in JSON, and a name twice.
        let inner = json!(r#"{"email":"a@b"}"#).to_string();
        check(json!(inner), json!(r#""{}""#));
        check(json!(r#"{"b":{"email":"a@b"},"b":1}"#), json!(r#"{"b":1}"#));
        // What cannot be read may hold any key that it names.
        check(json!(r#"{"email":"a@b"#), Value::Null);
        check(json!("[warning] no e-mail"), json!("[warning] no e-mail"));
        check(json!(r#"{"n": 1.50}"#), json!(r#"{"n": 1.50}"#));
        check(json!("the email of a user"), json!("the email of a user"));
    }

    /// Each hash is as Python's `hmac` and `openssl dgst -sha256 -hmac` compute it. The second one is also in RFC 4231.
    #[test]
    fn hashes_are_hmac_sha256_of_the_text_or_of_the_json() {
        let check = |value: Value, secret: &str, expected: &str| assert_eq!(hash(&value, secret), expected, "{value}");
        check(json!("ada"), SECRET, "974e82d3e35e3f42b7589be5ac8a9ecb");
        check(json!("what do ya want for nothing?"), "Jefe", "5bdcc146bf60754e6a042426089575c7");
        // A key longer than a block.
        check(json!("ada"), &"k".repeat(131), "124657439fba9cd4b3164f22e0c7b97c");
        check(json!("ada"), "another key for hashes", "41dad0d175797213cf83ea7770f392f6");
        check(json!("søk 🦀"), SECRET, "dbf26161367ad691ddf925049b74a162");
        check(json!(42), SECRET, "c6cea75129a32105ecc0f119536b44cd");
        check(json!("42"), SECRET, "c6cea75129a32105ecc0f119536b44cd");
        check(json!(0.5), SECRET, "10cd9027017f01c7636fe3e340dc1cd1");
        check(json!(true), SECRET, "7eebc1417c72ed5e49d5b8f6c3d5dc0f");
        check(json!({ "a": [1, null] }), SECRET, "906374fddd7ac81634ffb907960c7c22");
    }

    #[test]
    fn the_secret_does_not_show() {
        let shown = format!("{:?}", privacy(&["email"], &["user_id"], SECRET));
        assert!(shown.contains("user_id") && !shown.contains("letters") && !shown.contains("mac"), "{shown}");
    }
}
