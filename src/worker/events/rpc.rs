//! The methods over a service binding. Another Worker of the account calls them without a key.
//!
//! `ingestEvent` and `ingestEvents` answer as the API does. `send` has the shape of a stream of Pipelines, and
//! `writeDataPoint` that of a dataset of Analytics Engine, so that a Worker which has used one of these keeps its code.
//! A call takes any number of events: D1 keeps all of them in one transaction. A failure is an error with the sentence
//! that the API would answer with.

use js_sys::{
    JSON, Promise,
    futures::{JsFuture, future_to_promise},
};
use log::Level;
use serde_json::json;
use wasm_bindgen::{JsError, JsValue, prelude::wasm_bindgen};

use super::{api, server};
use crate::{
    api::{Problem, told},
    event::{self, Members, Way},
    ingest::{Element, Taken, fields},
    log::raw,
    worker::console,
};

#[wasm_bindgen(module = "cloudflare:workers")]
extern "C" {
    #[wasm_bindgen(js_name = waitUntil)]
    fn wait_until(promise: &Promise);
}

/// `ingestEvent(event)`: the answer to one event.
#[wasm_bindgen(js_name = ingestEvent)]
pub fn ingest_event(event: JsValue) -> Promise {
    lasting(async move {
        let event = text(&event)?;
        answer(&take(Way::Rpc, vec![fields(&event)]).await?, true)
    })
}

/// `ingestEvents(events)`: the answer to a batch.
#[wasm_bindgen(js_name = ingestEvents)]
pub fn ingest_events(events: JsValue) -> Promise {
    lasting(async move {
        let text = text(&events)?;
        let events = listed(&text);
        if events.is_empty() {
            return Err(JsError::new("the list holds no event"));
        }
        answer(&take(Way::Rpc, events).await?, false)
    })
}

/// `send(events)`: a list, or one event.
#[wasm_bindgen]
pub fn send(events: JsValue) -> Promise {
    lasting(async move {
        let text = text(&events)?;
        quiet("send", &take(Way::Stream, listed(&text)).await?)
    })
}

/// `writeDataPoint(point)`.
#[wasm_bindgen(js_name = writeDataPoint)]
pub fn write_data_point(point: JsValue) -> Promise {
    lasting(async move {
        let text = text(&point)?;
        let fields = fields(&text).and_then(|point| event::of_point(&point.into()).map(Members::from));
        quiet("writeDataPoint", &take(Way::Point, vec![fields]).await?)
    })
}

/// A call that goes on to its end even if the caller does not wait for it.
fn lasting(work: impl Future<Output = Result<JsValue, JsError>> + 'static) -> Promise {
    let work = future_to_promise(async { work.await.map_err(JsValue::from) });
    let kept = JsFuture::from(work.clone());
    // The caller is told of an error; the runtime need not be told as well.
    wait_until(&future_to_promise(async {
        let _ = kept.await;
        Ok(JsValue::UNDEFINED)
    }));
    work
}

/// The JSON of what a caller gives.
fn text(given: &JsValue) -> Result<String, JsError> {
    let text = JSON::stringify(given).ok().and_then(|text| text.as_string());
    text.ok_or_else(|| JsError::new("give an event as an object that JSON can hold"))
}

/// The events of a list, or one event.
fn listed(text: &str) -> Vec<Element<'_>> {
    raw::elements(text).unwrap_or_else(|| vec![text]).into_iter().map(fields).collect()
}

async fn take(way: Way, events: Vec<Element<'_>>) -> Result<Taken, JsError> {
    let taken = api().map_err(|problem| error(&problem))?.take_bound(&server(), way, events).await;
    taken.map_err(|failure| error(&Problem::from(failure)))
}

/// The answer of the API, as an object.
fn answer(taken: &Taken, is_single: bool) -> Result<JsValue, JsError> {
    let answer = told(taken, is_single).map_err(|problem| error(&problem))?;
    let text = str::from_utf8(answer.body())?;
    JSON::parse(text).map_err(|_| JsError::new("the answer cannot be written"))
}

/// No answer. If some events are refused, the log tells the first reason: the caller would send all of them again.
fn quiet(method: &str, taken: &Taken) -> Result<JsValue, JsError> {
    told(taken, false).map_err(|problem| error(&problem))?;
    if let Some(first) = taken.refused.first() {
        let fields =
            json!({ "method": method, "refused": taken.refused.len(), "of": taken.ids.len(), "reason": first.reason });
        console::write(Level::Warn, "some events are refused", fields);
    }
    Ok(JsValue::UNDEFINED)
}

fn error(problem: &Problem) -> JsError {
    JsError::new(problem.detail())
}
