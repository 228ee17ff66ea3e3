//! The document that describes the API: it is whole, and each of its examples does what it says.

use rusqlite::params;
use serde_json::{Map, Value, json};

use super::world::{World, body_of, request};

fn document() -> Value {
    let response = World::new().send(request("GET", "/openapi.json", &[], ""));
    assert_eq!(response.status().as_u16(), 200, "it needs no key");
    assert_eq!(response.headers()["content-type"], "application/json");
    body_of(&response)
}

/// What a reference of the document stands for, or the value itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let Some(reference) = value["$ref"].as_str() else { return value };
    let found = document.pointer(reference.strip_prefix('#').unwrap());
    found.unwrap_or_else(|| panic!("{reference} is nowhere"))
}

/// Calls `look` with every object of a value.
fn every_object(value: &Value, look: &mut dyn FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            look(members);
            members.values().for_each(|value| every_object(value, look));
        }
        Value::Array(list) => list.iter().for_each(|value| every_object(value, look)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Every operation: its path, its method, and itself.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(move |(method, operation)| (path.clone(), method.to_uppercase(), operation.clone()))
    });
    of_path.collect()
}

/// What a value has that its schema does not allow: the words of JSON Schema that the document uses.
fn faults(document: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let schema = resolved(document, schema);
    let mut faults = Vec::new();
    let mut check = |holds: bool, what: &str| {
        if !holds {
            faults.push(format!("{place}: {what}: {value}"));
        }
    };
    let types: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().map(|name| name.as_str().unwrap()).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    let is_of = |name: &&str| match *name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{other} is no type"),
    };
    check(types.is_empty() || types.iter().any(is_of), "type");
    if let Some(names) = schema.get("enum") {
        check(names.as_array().unwrap().contains(value), "enum");
    }
    if let Some(pattern) = schema["pattern"].as_str() {
        assert_eq!(pattern, "^metadata\\..+");
        check(
            value.as_str().is_none_or(|text| text.strip_prefix("metadata.").is_some_and(|key| !key.is_empty())),
            "pattern",
        );
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        check(value.get(name.as_str().unwrap()).is_some() || !value.is_object(), "required");
    }
    if let Some(any) = schema["anyOf"].as_array() {
        check(any.iter().any(|one| self::faults(document, one, value, place).is_empty()), "anyOf");
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(name) {
            Some(of_member) => faults.extend(self::faults(document, of_member, member, &format!("{place}/{name}"))),
            None if schema["additionalProperties"] == false => faults.push(format!("{place}: {name} is not named")),
            None => {}
        }
    }
    for element in value.as_array().into_iter().flatten().filter(|_| schema.get("items").is_some()) {
        faults.extend(self::faults(document, &schema["items"], element, &format!("{place}/*")));
    }
    faults
}

#[test]
fn the_document_is_whole() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    every_object(&document, &mut |members| {
        if let Some(reference) = members.get("$ref") {
            resolved(&document, &json!({ "$ref": reference }));
        }
        if let Some(list) = members.get("enum") {
            assert!(list.as_array().is_some_and(|list| !list.is_empty()), "{list} is the name of a table");
        }
    });
    let operations = operations(&document);
    let mut ids: Vec<_> =
        operations.iter().map(|(.., operation)| operation["operationId"].clone().to_string()).collect();
    ids.sort();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count, "an operationId is there twice");
    for (path, method, operation) in &operations {
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{method} {path}");
        let named = operation["parameters"].as_array().into_iter().flatten().map(|it| resolved(&document, it));
        let open: Vec<_> = named.filter(|it| it["in"] == "path").map(|it| it["name"].as_str().unwrap()).collect();
        let expected: Vec<_> = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        assert_eq!(open, expected, "{method} {path}");
    }
    // What a question may name is there by name.
    let schemas = &document["components"]["schemas"];
    let names = |pointer: &str| schemas.pointer(pointer).unwrap().as_array().unwrap().clone();
    assert!(names("/Group/anyOf/0/enum").contains(&json!("month")));
    assert!(names("/Question/properties/metrics/items/enum").contains(&json!("tokensOut")));
    assert!(names("/Question/properties/dataset/enum").contains(&json!("logs")));
    assert!(!names("/Field/anyOf/0/enum").contains(&json!("plan")));
    assert!(names("/FieldOfFixed/anyOf/0/enum").contains(&json!("plan")));
}

/// A server with what the examples name: a key to revoke, and a user to erase.
fn world() -> World {
    let world = World::new();
    let (at, connection) = ("2026-11-29T11:58:00.000Z", &world.host.memory.connection);
    let key = "INSERT INTO api_keys (hash, prefix, org, scopes, origins, created_at) VALUES ('x', 'aig_12345678', 'acme', 'query', '[]', ?1)";
    connection.execute(key, [at]).unwrap();
    let event = "INSERT INTO events_raw (org, created_at, id, name, user_id, duration, quantity, sku, unit, cost, source, ingested_at, metadata) \
                 VALUES ('org_456', ?1, 'a', 'x', 'user_123', 7.5, 3, 'ai-text', 'tokens', 0.5, 'http', ?1, '{\"team\":\"search\"}')";
    connection.execute(event, params![at]).unwrap();
    let list =
        r#"{"rows":[{"organizationId":"org_456","sku":"ai-text","unit":"tokens","since":"2026-11-01","price":1}]}"#;
    assert_eq!(world.ask("PUT", "/prices", super::world::ADMIN, list).0, 204);
    assert_eq!(world.ask("PUT", "/orgs", super::world::ADMIN, r#"{"rows":[{"organizationId":"a"}]}"#).0, 204);
    world
}

#[test]
fn every_example_of_the_document_does_what_it_says() {
    let document = document();
    for (path, method, operation) in operations(&document) {
        let what = format!("{method} {path}");
        let (mut address, mut query, mut headers) = (path.clone(), Vec::new(), Vec::new());
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let parameter = resolved(&document, parameter);
            let (name, example) = (parameter["name"].as_str().unwrap(), &parameter["example"]);
            assert_eq!(faults(&document, &parameter["schema"], example, name), [] as [String; 0]);
            let example = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
            match parameter["in"].as_str().unwrap() {
                "path" => address = address.replace(&format!("{{{name}}}"), &example),
                "query" => query.push(format!("{name}={example}")),
                "header" => headers.push((name.to_owned(), example)),
                other => panic!("{other}"),
            }
        }
        if !query.is_empty() {
            address = format!("{address}?{}", query.join("&"));
        }
        let of_body = &operation["requestBody"]["content"]["application/json"];
        let body = if of_body.is_null() { String::new() } else { of_body["example"].to_string() };
        if !of_body.is_null() {
            assert_eq!(faults(&document, &of_body["schema"], &of_body["example"], &what), [] as [String; 0]);
        }
        let (status, done) =
            operation["responses"].as_object().unwrap().iter().find(|(name, _)| *name != "default").unwrap();
        let accepted: &[Option<&str>] = if operation["security"] == json!([]) {
            &[None]
        } else {
            &[None, Some("ingest"), Some("query"), Some("admin")]
        };
        for scope in accepted {
            let world = world();
            let mut headers = headers.clone();
            if let Some(scope) = scope {
                headers.push(("authorization".into(), format!("Bearer {}", world.key("*", &[scope]))));
            }
            let given: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let response = world.send(request(&method, &address, &given, body.clone()));
            let (got, answer) = (response.status().as_u16().to_string(), body_of(&response));
            let is_allowed = operation["x-scope"].as_str() == *scope;
            let refused = if scope.is_none() { "401" } else { "403" };
            assert_eq!(got, if is_allowed { status.as_str() } else { refused }, "{what} with {scope:?}: {answer}");
            let schema = if is_allowed {
                &done["content"]["application/json"]["schema"]
            } else {
                &document["components"]["schemas"]["Problem"]
            };
            assert_eq!(schema.is_null(), answer.is_null(), "{what}");
            assert_eq!(faults(&document, schema, &answer, &what), [] as [String; 0]);
            if is_allowed && !done["content"]["text/csv"].is_null() {
                let given: Vec<_> = given.iter().copied().chain([("accept", "text/csv")]).collect();
                let response = world.send(request(&method, &address, &given, body.clone()));
                assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/csv"), "{what}");
            }
        }
    }
}
