//! A log as the API gives it: two fields the program relies on, and everything else untouched.

use serde_json::{Map, Value};

use crate::time::{self, Timestamp};

/// One log of the list. Ids are opaque: they carry no order and no format to rely on.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The log's id.
    pub id: String,
    /// When the gateway logged the call, UTC.
    pub created_at: Timestamp,
    /// Every other field, as it came.
    pub fields: Map<String, Value>,
}

impl Entry {
    /// Takes an element of the list apart.
    ///
    /// # Errors
    /// Says what is missing where the element has no id or no instant: without them nothing can be read after it.
    pub fn from_json(element: Value) -> Result<Self, String> {
        let Value::Object(mut fields) = element else {
            return Err("an entry is not an object".into());
        };
        let Some(Value::String(id)) = fields.remove("id") else {
            return Err("an entry has no id".into());
        };
        let created_at = fields.remove("created_at").and_then(|instant| time::parse(instant.as_str()?));
        let created_at = created_at.ok_or_else(|| format!("entry {id} has no created_at that can be read"))?;
        Ok(Self { id, created_at, fields })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Entry;

    #[test]
    fn an_entry_needs_an_id_and_an_instant() {
        let check = |element, expected: &str| assert_eq!(Entry::from_json(element).unwrap_err(), expected);
        check(json!([]), "an entry is not an object");
        check(json!({ "created_at": "2026-10-06T09:15:22.417Z" }), "an entry has no id");
        check(json!({ "id": "a", "created_at": 1 }), "entry a has no created_at that can be read");
        let entry =
            Entry::from_json(json!({ "id": "a", "created_at": "2026-10-06T09:15:22.417Z", "step": 0 })).unwrap();
        assert_eq!((entry.id.as_str(), entry.fields.len()), ("a", 1));
    }
}
