//! The Workers: what the runtime calls, and their log. A feature of the crate says which of the two is built.

mod console;
#[cfg(feature = "poller")]
mod cron;
#[cfg(feature = "events")]
mod events;
#[cfg(feature = "poller")]
mod sinks;

use js_sys::{JSON, Reflect};
use wasm_bindgen::JsValue;
use worker::Env;

/// A variable or a secret. A number or a table in `wrangler.toml` is read as its JSON.
fn setting(env: &Env, name: &str) -> Option<String> {
    let value = Reflect::get(env, &JsValue::from(name)).ok().filter(|value| !value.is_undefined())?;
    value.as_string().or_else(|| JSON::stringify(&value).ok()?.as_string())
}
