//! Deletes events that are too old, when a cron trigger says so.

use log::Level;
use serde_json::json;
use wasm_bindgen::{JsError, JsValue, prelude::wasm_bindgen};

use super::{ENV, api, archive, server};
use crate::{
    error::CallError,
    host::Server,
    removal::retention::{Most, retain},
    worker::console,
};

/// What one invocation does: at seven calls an hour of an org, it stays below 1,000 calls.
/// developers.cloudflare.com/workers/platform/limits
const MOST: Most = Most { rows: 50_000, hours: 120 };

/// The handler of cron triggers.
///
/// # Errors
/// If a call failed. The next one goes on.
#[wasm_bindgen]
pub async fn scheduled(_event: JsValue) -> Result<(), JsError> {
    let api = api().map_err(|problem| JsError::new(problem.detail()))?;
    let (server, archive) = (server(), ENV.with(|env| archive::bound(env)));
    match retain(server.database(), archive.as_ref(), server.now(), api.settings().retention, MOST).await {
        Ok(gone) if gone.rows > 0 => {
            let fields = json!({ "rows": gone.rows, "hours": gone.hours });
            console::write(Level::Info, "deleted events older than EVENT_RETENTION_DAYS", fields);
        }
        // Workers Free allows fewer calls. The next invocation goes on.
        Ok(_) | Err(CallError::Refused(_)) => {}
        Err(error) => {
            console::write(
                Level::Error,
                "events older than EVENT_RETENTION_DAYS stay",
                json!({ "error": error.to_string() }),
            );
            return Err(JsError::new("events older than EVENT_RETENTION_DAYS stay: the log says why"));
        }
    }
    Ok(())
}
