//! A point of Analytics Engine, `{blobs, doubles, indexes}`, becomes an event. The six shapes of seed 003 are told apart
//! by its own rules: a kind stands in the first blob, a cost has `cost` in the third one, and a request begins with its
//! method. Any other point is an event with the first blob as its name.

use serde_json::{Map, Value, json};

use super::place::Place::{self, Field, Member};

/// The fields of a point, with the names of their values.
const LISTS: [(&str, &str); 3] = [("blobs", "blob"), ("doubles", "double"), ("indexes", "index")];

/// The first blobs that name a kind.
const KINDS: [&str; 4] = ["ai-usage", "error", "user-event", "resource"];

/// The lists of a point.
struct Lists<'a>([&'a [Value]; 3]);

impl Lists<'_> {
    fn blob(&self, place: usize) -> &str {
        self.0[0].get(place).and_then(Value::as_str).unwrap_or_default()
    }

    fn index(&self) -> &str {
        self.0[2].first().and_then(Value::as_str).unwrap_or_default()
    }
}

/// One kind of point.
struct Shape {
    /// The name of its event.
    event: &'static str,
    is_failure: bool,
    is: fn(&Lists<'_>) -> bool,
    /// Where the blobs, doubles and indexes go; none: the value only tells the kind. A value that has no place, or
    /// whose place has another value, goes into the metadata as `blob5`, `double4`, `index2`.
    places: [&'static [Option<Place>]; 3],
}

const fn metadata(name: &'static str) -> Place {
    Member("metadata", name)
}

const COUNT: Option<Place> = Some(metadata("count"));

/// In the order in which they are tried.
const SHAPES: [Shape; 6] = [
    Shape {
        event: "project.cost",
        is_failure: false,
        // The index tells a project named as a kind is from a kind whose third blob is "cost" by chance.
        is: |point| point.blob(2) == "cost" && (point.index() == point.blob(0) || !KINDS.contains(&point.blob(0))),
        places: [
            &[Some(metadata("project_id")), Some(metadata("cost_type")), None],
            &[Some(Field("cost")), COUNT],
            &[Some(metadata("project_id"))],
        ],
    },
    Shape {
        event: "ai.usage",
        is_failure: false,
        is: |point| point.blob(0) == "ai-usage" && point.blob(2) == "tokens",
        places: [
            &[None, Some(metadata("model")), Some(Member("usage", "unit"))],
            &[Some(Member("usage", "quantity")), Some(Field("cost")), COUNT],
            &[Some(metadata("model"))],
        ],
    },
    Shape {
        event: "error",
        is_failure: true,
        is: |point| point.blob(0) == "error",
        places: [
            &[None, Some(metadata("error_type")), Some(metadata("path"))],
            &[COUNT],
            &[Some(metadata("error_type"))],
        ],
    },
    Shape {
        event: "user.event",
        is_failure: false,
        is: |point| point.blob(0) == "user-event",
        places: [&[None, Some(Field("subject")), Some(Field("userId"))], &[COUNT], &[Some(Field("userId"))]],
    },
    Shape {
        event: "resource.used",
        is_failure: false,
        is: |point| point.blob(0) == "resource",
        places: [
            &[None, Some(Member("usage", "sku")), Some(metadata("project_id"))],
            &[Some(Member("usage", "quantity")), COUNT],
            &[Some(metadata("project_id"))],
        ],
    },
    Shape {
        event: "api.request",
        is_failure: false,
        is: |point| is_method(point.blob(0)) && point.blob(1).starts_with('/'),
        places: [
            &[
                Some(metadata("method")),
                Some(metadata("path")),
                Some(Field("status_code")),
                Some(metadata("environment")),
            ],
            &[Some(Field("duration")), COUNT, Some(metadata("bytes"))],
            &[Some(metadata("ray")), Some(metadata("user_agent"))],
        ],
    },
];

/// A point of any other kind.
const OTHER: [&[Option<Place>]; 3] = [&[Some(Field("event"))], &[], &[]];

fn is_method(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|letter| letter.is_ascii_uppercase() || letter == b'-')
}

/// The fields of an event that was sent as a point of Analytics Engine: `{blobs, doubles, indexes}`. What else
/// the point has is in the field `point`.
///
/// # Errors
/// If it is no point: why, as a sentence.
pub fn of_point(point: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    let list = |(name, _)| match point.get(name) {
        None | Some(Value::Null) => Ok(&[][..]),
        Some(Value::Array(list)) => Ok(list.as_slice()),
        Some(_) => Err(format!("{name} of the point is no list")),
    };
    let lists = Lists([list(LISTS[0])?, list(LISTS[1])?, list(LISTS[2])?]);
    let shape = SHAPES.iter().find(|shape| (shape.is)(&lists));
    if shape.is_none() && lists.blob(0).is_empty() {
        return Err("the point has no text as its first blob, which would be the name of the event".into());
    }
    let mut fields = Map::new();
    if let Some(shape) = shape {
        fields.insert("event".into(), shape.event.into());
        if shape.is_failure {
            fields.insert("success".into(), false.into());
        }
    }
    let places = shape.map_or(OTHER, |shape| shape.places);
    for (((_, prefix), list), places) in LISTS.into_iter().zip(lists.0).zip(places) {
        for (index, value) in list.iter().enumerate().filter(|(_, value)| !value.is_null()) {
            let is_put = match places.get(index) {
                Some(None) => true,
                Some(Some(place)) => put(&mut fields, *place, value),
                None => false,
            };
            if !is_put {
                member(&mut fields, "metadata", &format!("{prefix}{}", index + 1), value);
            }
        }
    }
    for (name, value) in point.iter().filter(|(name, _)| LISTS.iter().all(|(list, _)| name != list)) {
        member(&mut fields, "point", name, value);
    }
    Ok(fields)
}

/// Puts a value into its place. Whether the place has this value now.
fn put(fields: &mut Map<String, Value>, place: Place, value: &Value) -> bool {
    match place {
        Field("status_code") => {
            let Some(status) = value.as_str().and_then(|text| text.parse::<u16>().ok()) else { return false };
            fields.insert("status_code".into(), status.into());
            true
        }
        Field(name) => fields.entry(name).or_insert_with(|| value.clone()) == value,
        Member(object, name) => member(fields, object, name, value),
    }
}

fn member(fields: &mut Map<String, Value>, object: &str, name: &str, value: &Value) -> bool {
    match fields.entry(object).or_insert_with(|| json!({})) {
        Value::Object(members) => members.entry(name).or_insert_with(|| value.clone()) == value,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::of_point;

    fn check(point: &Value, expected: &Value) {
        assert_eq!(Value::Object(of_point(point.as_object().unwrap()).unwrap()), *expected, "{point}");
    }

    /// Checks the name of a point's event.
    fn check_name(blobs: [&str; 3], index: &str, name: &str) {
        let point = json!({ "blobs": blobs, "doubles": [1, 1], "indexes": [index] });
        assert_eq!(of_point(point.as_object().unwrap()).unwrap()["event"], name, "{point}");
    }

    #[test]
    fn a_project_may_be_named_as_a_kind() {
        for kind in ["ai-usage", "error", "user-event", "resource"] {
            check_name([kind, "ai", "cost"], kind, "project.cost");
        }
        check_name(["user-event", "click", "cost"], "cost", "user.event");
        check_name(["resource", "cpu", "cost"], "cost", "resource.used");
        check_name(["error", "E", "cost"], "E", "error");
        check_name(["shop", "ai", "cost"], "acme", "project.cost");
        check_name(["ai-usage", "m", "seconds"], "m", "ai-usage");
        check_name(["GET", "users", "200"], "r", "GET");
        check_name(["get", "/users", "200"], "r", "get");
        check_name(["M-SEARCH", "/users", "200"], "r", "api.request");
    }

    #[test]
    fn a_value_without_a_place_is_in_the_metadata() {
        check(
            &json!({
                "blobs": ["GET", "/", "teapot", "test", "fifth", ["s"], null], "doubles": [1, 2, 3, 4],
                "indexes": ["r", "u", "third"], "timestamp": 7,
            }),
            &json!({
                "event": "api.request", "duration": 1,
                "metadata": {
                    "method": "GET", "path": "/", "blob3": "teapot", "environment": "test", "blob5": "fifth",
                    "blob6": ["s"], "count": 2, "bytes": 3, "double4": 4, "ray": "r", "user_agent": "u",
                    "index3": "third",
                },
                "point": { "timestamp": 7 },
            }),
        );
        // An index that repeats a blob is not kept twice; another one is.
        check(
            &json!({ "blobs": ["user-event", "click", "u"], "indexes": ["acme"] }),
            &json!({ "event": "user.event", "subject": "click", "userId": "u", "metadata": { "index1": "acme" } }),
        );
    }
}
