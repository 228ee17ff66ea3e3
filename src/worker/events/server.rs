//! What the runtime gives the API: its clock, its random numbers, its limit of requests, D1, and the queue in front of it.

use std::{cell::RefCell, time::Duration};

use js_sys::{Array, JSON, Promise, Reflect};
use serde_json::{Value, json};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use web_sys::WorkerGlobalScope;

use super::archive;
use crate::{
    database::{Database, Statement, d1::D1},
    error::CallError,
    host::{Host, Server, cloudflare::CloudflareHost, promise},
    ingest::queued,
    record::Record,
    removal::archive_note,
    time::{self, Timestamp},
};

/// Messages of one call, which may have 256 KB. developers.cloudflare.com/queues/platform/limits
const MESSAGES: usize = 2;

/// Random bytes that are drawn at once. Each event takes ten.
const DRAWN: usize = 1_024;

/// How long the limit of requests may take. It is counted beside the Worker, mostly in less than a millisecond.
const LIMIT_ANSWER: Duration = Duration::from_secs(1);

/// How long the queue may take for the messages of one call: as long as D1 for events.
const QUEUE_ANSWER: Duration = Duration::from_secs(30);

#[wasm_bindgen]
extern "C" {
    /// The runtime's limit of requests.
    #[derive(Debug)]
    type Limiter;

    /// The sending end of a queue.
    #[derive(Debug)]
    type Queue;

    #[wasm_bindgen(method, catch)]
    fn limit(this: &Limiter, options: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = sendBatch)]
    fn send_batch(this: &Queue, messages: &Array) -> Result<Promise, JsValue>;
}

/// The bindings of the Worker.
#[derive(Debug)]
pub struct EventServer {
    database: D1,
    limiter: Option<Limiter>,
    queue: Option<Queue>,
    has_archive: bool,
    /// Random bytes that are left of the last draw.
    random: RefCell<Vec<u8>>,
}

impl EventServer {
    /// What is bound.
    pub fn bound(env: &JsValue) -> Self {
        let binding = |name: &str| Reflect::get(env, &name.into()).ok().filter(|binding| !binding.is_undefined());
        Self {
            database: D1::bound(env, "EVENTS_DB"),
            limiter: binding("EVENTS_RATE_LIMIT").map(JsCast::unchecked_into),
            queue: binding("EVENTS_QUEUE").map(JsCast::unchecked_into),
            has_archive: archive::bound(env).is_some(),
            random: RefCell::default(),
        }
    }

    fn draw() -> Vec<u8> {
        let mut drawn = vec![0; DRAWN];
        let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
        let filled = scope.crypto().and_then(|crypto| crypto.get_random_values_with_u8_array(&mut drawn));
        // The runtime always has random numbers. Without them a key could be guessed.
        if filled.is_err() {
            wasm_bindgen::throw_str("the runtime gives no random numbers");
        }
        drawn
    }
}

impl Server for EventServer {
    type Database = D1;

    fn database(&self) -> &D1 {
        &self.database
    }

    fn now(&self) -> Timestamp {
        CloudflareHost::default().now()
    }

    fn fill(&self, bytes: &mut [u8]) {
        let mut left = self.random.borrow_mut();
        for byte in bytes {
            if left.is_empty() {
                *left = Self::draw();
            }
            *byte = left.pop().unwrap_or_default();
        }
    }

    fn complete_through(&self) -> Option<Timestamp> {
        self.queue.is_none().then(|| time::floor_ms(self.now()))
    }

    fn archive_note(&self, org: &str) -> Option<String> {
        self.has_archive.then(|| archive_note(org))
    }

    /// A limit that does not answer lets the request pass: events are worth more than the limit.
    async fn allows(&self, key: &str) -> bool {
        let Some(limiter) = &self.limiter else { return true };
        let asked = JSON::parse(&json!({ "key": key }).to_string()).and_then(|options| limiter.limit(&options));
        let outcome = promise::answered(asked, LIMIT_ANSWER).await.ok();
        let success = outcome.and_then(|outcome| Reflect::get(&outcome, &"success".into()).ok());
        success.and_then(|success| success.as_bool()).unwrap_or(true)
    }

    async fn keep(&self, events: Vec<Record>) -> Result<u64, CallError> {
        if let Some(queue) = &self.queue {
            send(queue, &events).await?;
            return Ok(events.len() as u64);
        }
        let done = self.database.run(vec![Statement::Write(events)]).await?;
        Ok(done.iter().map(|done| done.changed).sum())
    }
}

/// Sends events to the queue, as many as fit in each message. If a later message fails, the earlier ones are sent: the
/// sender sends all of them again, and the store keeps each once.
async fn send(queue: &Queue, events: &[Record]) -> Result<(), CallError> {
    for messages in queued::messages(events)?.chunks(MESSAGES) {
        // Text: the runtime would read JSON once more.
        let messages = messages.iter().map(|body| json!({ "body": body, "contentType": "text" }));
        let messages = JSON::parse(&messages.collect::<Value>().to_string())?;
        let sent = promise::answered(queue.send_batch(messages.unchecked_ref()), QUEUE_ANSWER).await;
        sent.map_err(|words| CallError::thrown(&words))?;
    }
    Ok(())
}
