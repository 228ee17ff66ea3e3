//! The `filters` parameter of the list API: one JSON array of conditions that must all hold.

use serde_json::Value;

use crate::simulator::time::parse_time;

const KEYS: &[&str] = &[
    "id",
    "created_at",
    "request_content_type",
    "response_content_type",
    "request_type",
    "success",
    "cached",
    "provider",
    "model",
    "model_type",
    "cost",
    "tokens",
    "tokens_in",
    "tokens_out",
    "duration",
    "feedback",
    "event_id",
    "metadata.key",
    "metadata.value",
    "authentication",
    "wholesale",
    "compatibilityMode",
    "dlp_action",
    "user_agent",
];

/// Conditions, and the part of them that is a span of time.
#[derive(Debug)]
pub(in crate::simulator) struct Filters {
    /// `created_at` lies strictly between the two; milliseconds since 1970.
    pub after: i64,
    pub before: i64,
    /// All others.
    pub conditions: Vec<Condition>,
}

#[derive(Debug)]
pub(in crate::simulator) struct Condition {
    key: String,
    operator: Operator,
    values: Vec<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Eq,
    Neq,
    Contains,
    Lt,
    Gt,
}

/// What the API's validator says of a wrong parameter, and where.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::simulator) struct Refused {
    pub message: String,
    pub path: Vec<String>,
}

impl Filters {
    pub fn none() -> Self {
        Self { after: i64::MIN, before: i64::MAX, conditions: Vec::new() }
    }

    /// Reads the parameter's text.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let refused = |found| Refused { message: format!("Expected array, received {found}"), path: path(&[]) };
        let value: Value = serde_json::from_str(text).map_err(|_| refused("string"))?;
        let elements = value.as_array().ok_or_else(|| refused(type_name(&value)))?;
        let mut filters = Self::none();
        for (index, element) in elements.iter().enumerate() {
            filters.add(Condition::parse(index, element)?, index)?;
        }
        Ok(filters)
    }

    pub fn match_entry(&self, entry: &Value) -> bool {
        self.conditions.iter().all(|condition| condition.holds(entry))
    }

    /// Spans of time narrow the search; the rest is checked entry by entry.
    fn add(&mut self, condition: Condition, index: usize) -> Result<(), Refused> {
        if condition.key != "created_at" {
            self.conditions.push(condition);
            return Ok(());
        }
        let invalid = || Refused { message: "Invalid date".into(), path: path(&[&index.to_string(), "value"]) };
        let times: Option<Vec<i64>> =
            condition.values.iter().map(|value| value.as_str().and_then(parse_time)).collect();
        let times = times.ok_or_else(invalid)?;
        let (first, last) = (times.iter().min(), times.iter().max());
        match (condition.operator, first, last) {
            (Operator::Gt, Some(first), _) => self.after = self.after.max(*first),
            (Operator::Lt, _, Some(last)) => self.before = self.before.min(*last),
            _ => self.conditions.push(condition),
        }
        Ok(())
    }
}

impl Condition {
    fn parse(index: usize, element: &Value) -> Result<Self, Refused> {
        let index = index.to_string();
        let at = |member: &str| path(&[&index, member]);
        let key = element["key"].as_str().filter(|key| KEYS.contains(key));
        let key = key.ok_or_else(|| invalid_enum(KEYS, &element["key"], at("key")))?;
        let operator = match element["operator"].as_str() {
            Some("eq") => Operator::Eq,
            Some("neq") => Operator::Neq,
            Some("contains") => Operator::Contains,
            Some("lt") => Operator::Lt,
            Some("gt") => Operator::Gt,
            _ => {
                let known = ["eq", "neq", "contains", "lt", "gt"];
                return Err(invalid_enum(&known, &element["operator"], at("operator")));
            }
        };
        let found = type_name(&element["value"]);
        let expected = || Refused { message: format!("Expected array, received {found}"), path: at("value") };
        let values = element["value"].as_array().ok_or_else(expected)?;
        Ok(Self { key: key.to_owned(), operator, values: values.clone() })
    }

    fn holds(&self, entry: &Value) -> bool {
        let found = lookup(entry, &self.key);
        let any = |compare: fn(&Value, &Value) -> bool| {
            found.iter().any(|found| self.values.iter().any(|value| compare(found, value)))
        };
        match self.operator {
            Operator::Eq => any(equal),
            Operator::Neq => !any(equal),
            Operator::Contains => any(|found, value| text(found).contains(&text(value))),
            Operator::Lt => any(|found, value| order(found, value).is_some_and(std::cmp::Ordering::is_lt)),
            Operator::Gt => any(|found, value| order(found, value).is_some_and(std::cmp::Ordering::is_gt)),
        }
    }
}

/// The values of an entry under a filter key: one, or for metadata any number.
fn lookup(entry: &Value, key: &str) -> Vec<Value> {
    let metadata = || {
        let text = entry["metadata"].as_str();
        text.map_or_else(|| entry["metadata"].clone(), |text| serde_json::from_str(text).unwrap_or_default())
    };
    match key {
        "tokens" => {
            let sum = |a: &Value, b: &Value| Some(a.as_i64()? + b.as_i64()?);
            vec![sum(&entry["tokens_in"], &entry["tokens_out"]).into()]
        }
        "metadata.key" => metadata().as_object().map_or_else(Vec::new, |map| map.keys().map(|k| json(k)).collect()),
        "metadata.value" => metadata().as_object().map_or_else(Vec::new, |map| map.values().cloned().collect()),
        "created_at" => vec![entry[key].as_str().and_then(parse_time).into()],
        _ => vec![entry[key].clone()],
    }
}

fn equal(found: &Value, value: &Value) -> bool {
    order(found, value).map_or_else(|| found == value, std::cmp::Ordering::is_eq)
}

fn order(found: &Value, value: &Value) -> Option<std::cmp::Ordering> {
    match (found, value) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        // Only created_at is a number asked for by text.
        (Value::Number(a), Value::String(b)) => a.as_i64()?.partial_cmp(&parse_time(b)?),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn json(text: &str) -> Value {
    text.into()
}

fn invalid_enum(known: &[&str], found: &Value, path: Vec<String>) -> Refused {
    let known = known.join("' | '");
    Refused { message: format!("Invalid enum value. Expected '{known}', received '{}'", text(found)), path }
}

fn path(members: &[&str]) -> Vec<String> {
    ["query", "filters"].iter().chain(members).map(ToString::to_string).collect()
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "undefined",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(filters: &Value, entry: &Value) -> bool {
        Filters::parse(&filters.to_string()).unwrap().match_entry(entry)
    }

    fn refusal(filters: &Value) -> String {
        Filters::parse(&filters.to_string()).unwrap_err().message
    }

    #[test]
    fn spans_of_time_narrow_the_search() {
        let filters = json!([
            { "key": "created_at", "operator": "gt", "value": ["1970-01-01T00:00:01.000Z"] },
            { "key": "created_at", "operator": "lt", "value": ["1970-01-01T00:00:02.0009Z"] },
        ]);
        let filters = Filters::parse(&filters.to_string()).unwrap();
        assert_eq!((filters.after, filters.before, filters.conditions.len()), (1_000, 2_000, 0));
    }

    #[test]
    fn all_conditions_must_hold() {
        let entry = json!({
            "created_at": "1970-01-01T00:00:01.000Z", "provider": "openai", "cost": 0.5, "success": true,
            "tokens_in": 3, "tokens_out": 4, "metadata": "{\"team\":\"search\"}",
        });
        let is = |key: &str, operator: &str, value: Value| {
            check(&json!([{ "key": key, "operator": operator, "value": [value] }]), &entry)
        };
        assert!(is("provider", "eq", json!("openai")));
        assert!(!is("provider", "neq", json!("openai")));
        assert!(is("provider", "contains", json!("open")));
        assert!(is("cost", "lt", json!(1)));
        assert!(!is("cost", "gt", json!(1)));
        assert!(is("success", "eq", json!(true)));
        assert!(is("tokens", "eq", json!(7)));
        assert!(is("metadata.key", "eq", json!("team")));
        assert!(is("metadata.value", "eq", json!("search")));
        assert!(is("created_at", "eq", json!("1970-01-01T00:00:01Z")));
        assert!(!is("created_at", "neq", json!("1970-01-01T00:00:01Z")));
        let both = json!([
            { "key": "provider", "operator": "eq", "value": ["openai", "groq"] },
            { "key": "cost", "operator": "gt", "value": [1] },
        ]);
        assert!(!check(&both, &entry));
    }

    #[test]
    fn the_validator_says_what_it_expected() {
        let element =
            |key: &str, operator: &str, value: Value| json!([{ "key": key, "operator": operator, "value": value }]);
        assert_eq!(refusal(&element("id", "eq", json!("a"))), "Expected array, received string");
        assert_eq!(refusal(&json!({ "key": "id" })), "Expected array, received object");
        assert!(refusal(&element("id", "gte", json!(["a"]))).ends_with("received 'gte'"));
        assert!(refusal(&element("kind", "eq", json!(["a"]))).ends_with("received 'kind'"));
        assert_eq!(refusal(&element("created_at", "gt", json!(["today"]))), "Invalid date");
    }
}
