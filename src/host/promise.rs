//! The answers of the Workers runtime: in time, and as values.

use std::{pin::pin, time::Duration};

use futures_util::future::{self, Either};
use js_sys::{JSON, Promise, futures::JsFuture};
use serde_json::Value;
use wasm_bindgen::{JsCast, JsValue};
use worker::Delay;

/// The answer to a call, if it comes in time.
///
/// # Errors
/// What the runtime says of the failure, or that no answer has come.
pub async fn answered(asked: Result<Promise, JsValue>, most: Duration) -> Result<JsValue, String> {
    let answer = within(asked, most).await?;
    answer.ok_or_else(|| format!("no answer within {} s", most.as_secs()))
}

/// The same. None: no answer has come in time.
///
/// # Errors
/// What the runtime says of the failure.
pub async fn within(asked: Result<Promise, JsValue>, most: Duration) -> Result<Option<JsValue>, String> {
    let asked = JsFuture::from(asked.map_err(|thrown| said(&thrown))?);
    match future::select(pin!(asked), pin!(Delay::from(most))).await {
        Either::Left((answer, _)) => answer.map(Some).map_err(|thrown| said(&thrown)),
        Either::Right(_) => Ok(None),
    }
}

/// An answer as JSON; null if it has no such form.
#[must_use]
pub fn value(answer: &JsValue) -> Value {
    let text = JSON::stringify(answer).ok().and_then(|text| text.as_string()).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// The runtime's message of an error, without the stack of JavaScript's calls.
#[must_use]
pub fn said(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<js_sys::Error>() {
        Some(error) => error.message().into(),
        None => format!("{thrown:?}"),
    }
}
