//! `GET /openapi.json`: the API as `OpenAPI` 3.1. The paths are those of the table of routes, and what a question may name
//! is what the tables of names hold. Only words and examples are written down beside them.

use serde_json::{Map, Value, json};

use super::{key::Scope, route::ROUTES};
use crate::query::{
    Unit,
    names::{Dataset, FIELDS, METRICS},
    shapes,
};

/// Summary, body, example and answer of each route, by its method and path.
const OPERATIONS: &str = include_str!("operations.json");

/// Everything else: the schemas that operations name. A list of names in capitals stands for one of a table.
const DOCUMENT: &str = include_str!("document.json");

/// The document.
#[must_use]
pub fn document() -> Value {
    let operations: Map<String, Value> = serde_json::from_str(OPERATIONS).unwrap_or_default();
    let mut paths: Map<String, Value> = Map::new();
    for (method, pattern, action) in &ROUTES {
        let written = operations.get(&format!("{method} {pattern}")).unwrap_or(&Value::Null);
        let path = path(pattern, written);
        let members = paths.entry(path).or_insert_with(|| json!({}));
        members[method.as_str().to_ascii_lowercase()] = operation(action.scope(), written);
    }
    let mut document = whole();
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    document["paths"] = paths.into();
    document
}

/// The path of a route, whose last part may have a name.
fn path(pattern: &str, written: &Value) -> String {
    let name = written["parameters"][0].as_str().unwrap_or_default();
    pattern.replace("{}", &format!("{{{name}}}"))
}

fn operation(scope: Option<Scope>, written: &Value) -> Value {
    let schema =
        |name: &Value| json!({ "$ref": format!("#/components/schemas/{}", name.as_str().unwrap_or_default()) });
    let mut operation = json!({ "operationId": written["operationId"], "summary": written["summary"] });
    operation["security"] = if scope.is_some() { json!([{ "key": [] }]) } else { json!([]) };
    if let Some(scope) = scope {
        operation["x-scope"] = scope.name().into();
    }
    if let Some(names) = written["parameters"].as_array() {
        let parameter =
            |name: &Value| json!({ "$ref": format!("#/components/parameters/{}", name.as_str().unwrap_or_default()) });
        operation["parameters"] = names.iter().map(parameter).collect();
    }
    if !written["body"].is_null() {
        let types = written["types"].as_array().cloned().unwrap_or_else(|| vec!["application/json".into()]);
        let mut content = Map::new();
        for name in types.iter().filter_map(Value::as_str) {
            // A line of NDJSON is no example of a whole body.
            let of_type = if name == "application/json" {
                json!({ "schema": schema(&written["body"]), "example": written["example"] })
            } else {
                json!({ "schema": { "type": "string", "description": "An event a line" } })
            };
            content.insert(name.into(), of_type);
        }
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    let mut done = json!({ "description": "Done" });
    if !written["answer"].is_null() {
        done["content"]["application/json"]["schema"] = schema(&written["answer"]);
        if written["csv"] == true {
            done["content"]["text/csv"]["schema"] = json!({ "type": "string" });
        }
    }
    operation["responses"] =
        json!({ written["status"].to_string(): done, "default": { "$ref": "#/components/responses/Problem" } });
    operation
}

/// The document without paths.
fn whole() -> Value {
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap_or_default();
    fill(&mut document);
    let schemas = &mut document["components"]["schemas"];
    let mut fixed = schemas["Question"].clone();
    remove(&mut fixed, "metrics");
    // Fields that only some of these questions have.
    let further: Vec<_> = shapes::PERFORMANCE.further.iter().chain(shapes::USAGE.further).collect();
    for name in ["Field", "Group"] {
        let mut of_fixed = schemas[name].clone();
        let names = of_fixed["anyOf"][0]["enum"].as_array_mut();
        if let Some(names) = names {
            names.extend(further.iter().map(|name| Value::from(**name)));
        }
        schemas[format!("{name}OfFixed")] = of_fixed;
        let reference = format!("#/components/schemas/{name}");
        replace(&mut fixed, &reference, &format!("{reference}OfFixed"));
    }
    let mut cohorts = fixed.clone();
    remove(&mut cohorts, "groupBy");
    cohorts["properties"]["period"] = json!({ "enum": [Unit::Day.name(), Unit::Week.name()] });
    cohorts["required"] = json!(["start", "end", "period"]);
    schemas["FixedQuestion"] = fixed;
    schemas["Cohorts"] = cohorts;
    document
}

/// Puts the names of tables in their places.
fn fill(value: &mut Value) {
    let fields = || FIELDS.iter().map(|field| field.name);
    let units = || Unit::ALL.iter().map(|unit| unit.name());
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let names: Vec<_> = match value.as_str().filter(|_| name == "enum") {
                    Some("FIELDS") => fields().collect(),
                    Some("GROUPS") => units().chain(fields()).collect(),
                    Some("METRICS") => METRICS.iter().map(|metric| metric.name).collect(),
                    Some("DATASETS") => Dataset::ALL.iter().map(|dataset| dataset.name()).collect(),
                    Some("SCOPES") => Scope::ALL.iter().map(|scope| scope.name()).collect(),
                    Some(_) | None => {
                        fill(value);
                        continue;
                    }
                };
                *value = names.into();
            }
        }
        Value::Array(list) => list.iter_mut().for_each(fill),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn remove(schema: &mut Value, property: &str) {
    schema["properties"].as_object_mut().and_then(|properties| properties.remove(property));
}

fn replace(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text == from => to.clone_into(text),
        Value::Object(members) => members.values_mut().for_each(|value| replace(value, from, to)),
        Value::Array(list) => list.iter_mut().for_each(|value| replace(value, from, to)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let operations: Map<String, Value> = serde_json::from_str(OPERATIONS).unwrap();
        let mut routes: Vec<_> = ROUTES.iter().map(|(method, path, _)| format!("{method} {path}")).collect();
        routes.sort();
        assert_eq!(operations.keys().collect::<Vec<_>>(), routes.iter().collect::<Vec<_>>());
        let document = document();
        for (method, pattern, _) in &ROUTES {
            let path = path(pattern, &operations[&format!("{method} {pattern}")]);
            let operation = &document["paths"][&path][method.as_str().to_ascii_lowercase()];
            assert!(operation["operationId"].is_string() && !path.contains("{}"), "{method} {path}");
        }
    }
}
