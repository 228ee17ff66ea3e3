//! The built Worker that receives events in the Workers runtime, with the runtime's own D1, KV, queue and rate limit.

mod away;
mod bindings;
mod calls;
mod counted;
mod deployed;
mod faults;
mod keys;
mod parity;
mod queue;
mod requests;
mod retention;
pub mod runtime;

use aig_logs::{host::native::now, time};
use serde_json::{Value, json};

/// Events with ids of their own, of this minute.
fn events(count: usize) -> Vec<Value> {
    let at = time::text(now());
    let event = |n: usize| {
        json!({
            "id": format!("event {n}"), "timestamp": at, "event": "api.request", "userId": format!("user {}", n % 7),
            "performance": { "duration": 12.5, "statusCode": 200 }, "metadata": { "place": n, "quoted": "it's \"ä\"" },
        })
    };
    (0..count).map(event).collect()
}
