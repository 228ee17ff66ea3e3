//! The messages of the queue in front of the database.
//!
//! The handler is exported by hand, and says of each message whether it is done. A message that is not comes again, later
//! each time. Cloudflare moves a message that has come too often into the queue's own dead letter queue.

use js_sys::{JSON, Reflect};
use log::Level;
use serde_json::json;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use super::{ENV, api, server};
use crate::{
    host::bound_kv::BoundKv,
    ingest::queued::{self, Message},
    time::Timestamp,
    worker::console,
};

/// The longest time until a message comes again, in seconds.
const LONGEST_DELAY: u32 = 600;

#[wasm_bindgen]
extern "C" {
    /// Messages that come together.
    pub type Batch;

    /// One message.
    type Delivery;

    #[wasm_bindgen(method, getter)]
    fn messages(this: &Batch) -> Vec<Delivery>;

    #[wasm_bindgen(method, getter)]
    fn id(this: &Delivery) -> String;

    #[wasm_bindgen(method, getter)]
    fn timestamp(this: &Delivery) -> js_sys::Date;

    /// How often it has come, from 1.
    #[wasm_bindgen(method, getter)]
    fn attempts(this: &Delivery) -> u32;

    #[wasm_bindgen(method, getter)]
    fn body(this: &Delivery) -> JsValue;

    #[wasm_bindgen(method, catch)]
    fn ack(this: &Delivery) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    fn retry(this: &Delivery, options: &JsValue) -> Result<(), JsValue>;
}

/// The handler of messages.
///
/// # Errors
/// If the runtime is not told what became of a message. It then brings the message again.
#[wasm_bindgen]
pub async fn queue(batch: Batch) -> Result<(), JsValue> {
    let mut failure: Option<String> = None;
    for delivery in batch.messages() {
        // After a failure the others would wait for the same answer.
        if failure.is_none() {
            failure = deliver(&delivery).await.err();
        }
        match &failure {
            None => delivery.ack()?,
            Some(_) => delivery.retry(&delay(delivery.attempts())?)?,
        }
    }
    if let Some(failure) = failure {
        console::write(Level::Error, "messages of the queue come again", json!({ "error": failure }));
    }
    Ok(())
}

async fn deliver(delivery: &Delivery) -> Result<(), String> {
    let api = api().map_err(|problem| problem.detail().to_owned())?;
    let kv = ENV.with(|env| BoundKv::bound(env, "STATE_KV")).ok_or_else(|| {
        "the KV namespace STATE_KV is not bound: add it to wrangler.toml, [[env.events.kv_namespaces]]".to_owned()
    })?;
    let body = delivery.body();
    // Another sender may have sent JSON in place of text.
    let text = body.as_string().or_else(|| JSON::stringify(&body).ok()?.as_string()).unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds since 1970")]
    let sent = Timestamp::from_timestamp_millis(delivery.timestamp().get_time() as i64).unwrap_or_default();
    let message = Message { id: delivery.id(), sent, text };
    let delivered = queued::deliver(&server(), &kv, api.settings(), message).await;
    delivered.map_err(|error| error.chain())
}

/// When a message comes again: after 1 s, 2 s, 4 s and so on.
fn delay(attempts: u32) -> Result<JsValue, JsValue> {
    let seconds = LONGEST_DELAY.min(1 << attempts.saturating_sub(1).min(10));
    let options = js_sys::Object::new();
    Reflect::set(&options, &"delaySeconds".into(), &seconds.into())?;
    Ok(options.into())
}
