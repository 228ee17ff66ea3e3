//! What the present day costs, as `aig-logs ask` answers it.

use serde_json::{Value, json};

use crate::{
    database::Database,
    query::{self, Asker, Known, shapes},
    rollup::Grain,
    time::{self, Timestamp, floor_ms},
};

/// USD of the events and logs of the day (UTC) that holds `now`; none: the database gives no answer.
pub async fn today(database: &impl Database, org_metadata: &str, now: Timestamp) -> Option<f64> {
    let now = floor_ms(now);
    let midnight = Grain::Day.floor(now);
    if midnight == now {
        return Some(0.0);
    }
    let question = json!({
        "start": time::text(midnight),
        "end": time::text(now),
        "dataset": "all",
        "metrics": ["cost"],
    });
    let Value::Object(members) = question else { return None };
    let question = query::read(members, &shapes::QUERY, Asker { org: None, now }).ok()?;
    let table = query::ask(database, &question, Known { org_metadata, logs: None, events: None }).await;
    let table = table.inspect_err(|error| log::warn!("the cost of today is not known: {error:?}")).ok()?;
    // The sum of no row is null.
    Some(table.rows.first().and_then(|row| row.first()).and_then(Value::as_f64).unwrap_or_default())
}
