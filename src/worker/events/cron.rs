//! Counts closed hours, and deletes events that are too old, when a cron trigger says so.

use log::Level;
use serde_json::json;
use wasm_bindgen::{JsError, JsValue, prelude::wasm_bindgen};

use super::{ENV, api, archive, server};
use crate::{
    error::CallError,
    host::Server,
    removal::retention::{Most, Retention, retain},
    rollup,
    worker::console,
};

/// What one invocation counts, and what it deletes: at one call a span and eight calls an hour of an org, it stays below
/// 1,000 calls. developers.cloudflare.com/workers/platform/limits
const MOST_SPANS: usize = 100;
const MOST: Most = Most { rows: 50_000, hours: 100 };

/// The handler of cron triggers.
///
/// # Errors
/// If a call failed. The next one goes on.
#[wasm_bindgen]
pub async fn scheduled(_event: JsValue) -> Result<(), JsError> {
    let api = api().map_err(|problem| JsError::new(problem.detail()))?;
    let (server, archive) = (server(), ENV.with(|env| archive::bound(env)));
    let (database, settings, now) = (server.database(), api.settings(), server.now());
    let counted = rollup::pass(database, &settings.org_metadata, settings.rollup_retention, now, MOST_SPANS).await;
    if let Ok(counted) = &counted
        && counted.spans > 0
    {
        let fields = json!({ "spans": counted.spans, "rows": counted.written });
        console::write(Level::Info, "counted closed hours", fields);
    }
    // What could not be counted keeps nobody from deleting what is counted.
    let counted = told(counted.map(|_| ()), "closed hours are not counted");
    let retention = Retention { events: settings.retention, counts: settings.rollup_retention };
    match retain(database, archive.as_ref(), now, retention, MOST).await {
        Ok(gone) if gone.rows > 0 => {
            let fields = json!({ "rows": gone.rows, "hours": gone.hours });
            console::write(Level::Info, "deleted events older than EVENT_RETENTION_DAYS", fields);
        }
        other => told(other.map(|_| ()), "events older than EVENT_RETENTION_DAYS stay")?,
    }
    counted
}

/// Logs a failure. Workers Free allows fewer calls; that is none, because the next invocation goes on.
fn told(done: Result<(), CallError>, problem: &str) -> Result<(), JsError> {
    match done {
        Ok(()) | Err(CallError::Refused(_)) => Ok(()),
        Err(error) => {
            console::write(Level::Error, problem, json!({ "error": error.to_string() }));
            Err(JsError::new(&format!("{problem}: the log says why")))
        }
    }
}
