//! The words of `aig-logs ask` as a question of the API.

use serde_json::{Map, Value, json};

use crate::{
    cli::{args::Ask, failure::Failure},
    query::is_field,
    time::{self, Timestamp},
};

/// Fields and metrics that only AI Gateway's logs have.
const OF_LOGS: [&str; 8] =
    ["provider", "model", "gateway", "tokensIn", "tokensOut", "tokensCached", "cached", "unpriced"];

/// How a condition compares: between its field and its value.
const OPERATIONS: [(&str, &str); 3] = [("!=", "neq"), ("=", "eq"), ("~", "contains")];

/// The members of the question.
pub fn members(arguments: &Ask, now: Timestamp) -> Result<Map<String, Value>, Failure> {
    let Ask { metrics, by, step, since, until, conditions, tz, dataset, asked } = arguments;
    let fields: Vec<_> = by.iter().map(|name| field(name)).collect();
    let filters = conditions.iter().map(|condition| filter(condition)).collect::<Result<Vec<_>, _>>()?;
    let compared = filters.iter().filter_map(|filter| filter["field"].as_str());
    let mut named = fields.iter().map(String::as_str).chain(compared).chain(metrics.iter().map(String::as_str));
    let usual = if named.any(|name| OF_LOGS.contains(&name)) { "logs" } else { "all" };
    let mut question = json!({
        "start": time::text(since.at(now)),
        "end": time::text(until.at(now)),
        "dataset": dataset.as_deref().unwrap_or(usual),
        "groupBy": step.iter().cloned().chain(fields).collect::<Vec<_>>(),
        "filters": filters,
        "timeZone": tz,
        "organizationId": asked.place.org,
        "limit": asked.limit,
    });
    if !metrics.is_empty() {
        question["metrics"] = json!(metrics);
    }
    // Of groups the largest are of interest, of steps the order of time.
    if step.is_none() && !by.is_empty() {
        question["orderBy"] = format!("-{}", metrics.first().map_or("count", String::as_str)).into();
    }
    Ok(if let Value::Object(members) = question { members } else { Map::new() })
}

/// A field by its name: a name that no field has is a key of the metadata.
pub fn field(name: &str) -> String {
    if is_field(name) || name.starts_with("metadata.") { name.to_owned() } else { format!("metadata.{name}") }
}

fn filter(condition: &str) -> Result<Value, Failure> {
    let first = OPERATIONS.iter().filter_map(|(mark, name)| Some((condition.find(mark)?, *mark, *name)));
    let found = first.min_by_key(|(at, mark, _)| (*at, std::cmp::Reverse(mark.len())));
    let Some((at, mark, operation)) = found else {
        let hint = "Write FIELD=VALUE, FIELD!=VALUE or FIELD~PART";
        return Err(Failure::denied("reading --where", format!("{condition} compares nothing"), hint));
    };
    let (name, text) = (field(&condition[..at]), &condition[at + mark.len()..]);
    let typed = serde_json::from_str(text).ok().filter(|value: &Value| value.is_number() || value.is_boolean());
    let values = match (name.as_str(), typed) {
        ("status" | "success", Some(typed)) => vec![typed],
        // In the metadata it may be either.
        (name, Some(typed)) if name.starts_with("metadata.") && operation != "contains" => vec![text.into(), typed],
        _ => vec![text.into()],
    };
    Ok(json!({ "field": name, "op": operation, "values": values }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{field, filter};

    #[test]
    fn names_and_conditions_are_read() {
        assert_eq!(["model", "team", "metadata.model"].map(field), ["model", "metadata.team", "metadata.model"]);
        let check = |condition: &str, name: &str, operation: &str, values: Value| {
            let expected = json!({ "field": name, "op": operation, "values": values });
            assert_eq!(filter(condition).unwrap(), expected, "{condition}");
        };
        check("user=5", "user", "eq", json!(["5"]));
        check("success=false", "success", "eq", json!([false]));
        check("status!=404", "status", "neq", json!([404]));
        check("team=5", "metadata.team", "eq", json!(["5", 5]));
        check("subject~a=b", "subject", "contains", json!(["a=b"]));
        assert!(filter("team").is_err());
    }
}
