//! One entry as the list API shows it, made from a number: a call to some model, with all that goes wrong in calls.

use chrono::{DateTime, SecondsFormat};
use rand::{Rng, SeedableRng, distributions::WeightedIndex, prelude::Distribution, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rand_distr::LogNormal;
use serde_json::{Map, Value, json};

use crate::simulator::chance::{mix, real, whole};

/// 2026-10-08, when ids changed from ULID to `UUIDv7`; milliseconds.
const UUIDS_SINCE: i64 = 1_791_417_600_000;

const TEAMS: &[&str] = &["search", "support", "billing", "growth", "research", "platform"];
const PLACES: &[(&str, &str)] = &[
    ("WEUR", "AMS"),
    ("WEUR", "FRA"),
    ("EEUR", "WAW"),
    ("ENAM", "IAD"),
    ("WNAM", "SJC"),
    ("APAC", "NRT"),
    ("OC", "SYD"),
];
const USER_AGENTS: &[&str] = &[
    "OpenAI/Python 2.8.0",
    "openai-node/6.9.1",
    "litellm/1.79.3",
    "ai-sdk/5.0.93",
    "python-httpx/0.28.1",
    "Go-http-client/2.0",
    "curl/8.15.0",
];
/// Statuses of failed calls; the more frequent more often.
const FAILURES: &[u16] = &[429, 429, 429, 500, 502, 503, 503, 529, 529, 400, 401];

/// What happened in one call.
struct Call {
    model: &'static Model,
    status: u16,
    cached: bool,
    streamed: bool,
    tokens_in: i64,
    tokens_out: i64,
    /// Milliseconds: the whole call, and until the first byte of the answer.
    duration: f64,
    latency: f64,
}

/// The entry of this instant (milliseconds since 1970) and seed: a typical call, or one that took `long_call`
/// milliseconds. Same numbers, same entry.
pub(in crate::simulator) fn render(created_at: i64, seed: u64, long_call: Option<i64>) -> Value {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut call = Call::draw(&mut rng);
    let mut began = created_at - whole(call.duration);
    if let Some(duration) = long_call {
        call.lengthen(real(duration));
        // That is what makes it late.
        began = created_at;
    }
    let mut fields = call.fields();
    fields.insert("id".into(), id(created_at, began, seed).into());
    fields.insert("created_at".into(), print_time(created_at).into());
    caller(&mut rng, &mut fields);
    rarities(&mut rng, &mut fields);
    Value::Object(fields)
}

/// The entry of a fallback: the next attempt of the call of another seed, with its event id and metadata.
pub(in crate::simulator) fn render_fallback(created_at: i64, seed: u64, first: u64) -> Value {
    let first = render(created_at, first, None);
    let mut entry = render(created_at, seed, None);
    for field in ["event_id", "metadata"] {
        entry[field] = first[field].clone();
    }
    entry["step"] = 1.into();
    entry
}

/// Whether a fallback follows the typical call of this seed: it failed, and has an event id that its attempts can share.
pub(in crate::simulator) fn falls_back(seed: u64) -> bool {
    let failed = Call::draw(&mut ChaCha8Rng::seed_from_u64(seed)).status != 200;
    failed && render(0, seed, None).get("event_id").is_some()
}

fn print_time(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Ids carry the instant at which the call began, so their order is not the order of `created_at`.
fn id(created_at: i64, began: i64, seed: u64) -> String {
    let began = began.max(0).unsigned_abs();
    let random = u128::from(mix(seed)) << 64 | u128::from(mix(!seed));
    if created_at < UUIDS_SINCE {
        return ulid::Ulid::from_parts(began, random).to_string();
    }
    let [bytes @ .., _, _, _, _, _, _] = random.to_be_bytes();
    uuid::Builder::from_unix_timestamp_millis(began, &bytes).into_uuid().to_string()
}

impl Call {
    fn draw(rng: &mut ChaCha8Rng) -> Self {
        let model = model(rng);
        let failed = rng.gen_bool(0.035);
        let cached = !failed && rng.gen_bool(0.12);
        let streamed = model.tokens.1 > 0.0 && rng.gen_bool(0.45);
        let tokens_in = whole(log_normal(rng, model.tokens.0, 0.9));
        let tokens_out = whole(log_normal(rng, model.tokens.1, 0.8));
        let first_byte = log_normal(rng, model.first_byte, 0.45);
        let rest = model.per_token * real(tokens_out) * log_normal(rng, 1.0, 0.25);
        let status = if failed { *FAILURES.choose(rng).unwrap_or(&500) } else { 200 };
        let (latency, duration) = match (cached, status) {
            (true, _) => (log_normal(rng, 9.0, 0.5), log_normal(rng, 14.0, 0.5)),
            (false, 200) if streamed => (first_byte, first_byte + rest),
            (false, 200) => ((first_byte + rest) * 0.98, first_byte + rest),
            (false, 500..) => (first_byte * 3.0, first_byte * 3.0),
            (false, _) => (first_byte * 0.3, first_byte * 0.3),
        };
        Self { model, status, cached, streamed, tokens_in, tokens_out, duration: duration.round(), latency }
    }

    /// Makes a good, streamed call of it that goes on for so many milliseconds, and says as much.
    fn lengthen(&mut self, duration: f64) {
        if self.model.per_token <= 0.0 {
            self.model = &MODELS[0];
        }
        let latency = self.model.first_byte.min(duration);
        let tokens_out = whole((duration - latency) / self.model.per_token);
        *self = Self { status: 200, cached: false, streamed: true, tokens_out, duration, latency, ..*self };
    }

    fn fields(&self) -> Map<String, Value> {
        let failed = self.status != 200;
        let media = if self.streamed && !failed { "text/event-stream" } else { "application/json" };
        let mut fields = object(json!({
            "provider": self.model.provider,
            "model": self.model.name,
            "model_type": self.model.kind,
            "path": self.model.path,
            "request_type": if self.streamed { "stream" } else { "http" },
            "request_content_type": "application/json",
            "response_content_type": media,
            "status_code": self.status,
            "success": !failed,
            "cached": self.cached,
            "duration": whole(self.duration),
            "step": 0,
            "timings": { "total": whole(self.duration), "latency": (self.latency.min(self.duration) * 10.0).round() / 10.0 },
            "tokens_in": null,
            "tokens_out": null,
        }));
        if !failed {
            fields.extend(object(json!({ "tokens_in": self.tokens_in, "tokens_out": self.tokens_out })));
            fields.insert("usage_metadata".into(), self.usage());
            fields.extend(self.cost().map(|cost| ("cost".into(), cost.into())));
        }
        fields
    }

    /// USD; what the cache answers costs nothing.
    fn cost(&self) -> Option<f64> {
        let (price_in, price_out) = self.model.price?;
        let cost = (real(self.tokens_in) * price_in + real(self.tokens_out) * price_out) / 1e6;
        Some(if self.cached { 0.0 } else { cost })
    }

    fn usage(&self) -> Value {
        let thinks = self.model.path == "responses";
        json!({
            "input_tokens": self.tokens_in,
            "output_tokens": self.tokens_out,
            "total_tokens": self.tokens_in + self.tokens_out,
            "input_cached_tokens": if self.tokens_in > 1_024 { self.tokens_in / 128 * 64 } else { 0 },
            "output_reasoning_tokens": if thinks { self.tokens_out * 2 / 3 } else { 0 },
        })
    }
}

/// Who called, and from where.
fn caller(rng: &mut ChaCha8Rng, fields: &mut Map<String, Value>) {
    let (region, colo) = PLACES.choose(rng).unwrap_or(&PLACES[0]);
    fields.insert("location".into(), json!({ "region": region, "colo": colo }));
    fields.insert("user_agent".into(), json!(USER_AGENTS.choose(rng)));
    fields.insert("byok".into(), rng.gen_bool(0.7).into());
    fields.insert("wholesale".into(), rng.gen_bool(0.1).into());
    if rng.gen_bool(0.4) {
        fields.insert("event_id".into(), format!("evt-{:08x}", rng.r#gen::<u32>()).into());
    }
    // A few hundred users, of whom some call far more often than others.
    let user = whole(log_normal(rng, 40.0, 1.2));
    let metadata = match rng.gen_range(0..10) {
        0 => return,
        1 => {
            json!({ "team": TEAMS.choose(rng), "user_id": format!("user-{user}"), "canary": true })
        }
        _ => json!({ "team": TEAMS.choose(rng), "user_id": user }),
    };
    // The REST API gives metadata as JSON text.
    fields.insert("metadata".into(), metadata.to_string().into());
}

/// Fields of few entries: own prices, feedback, findings; and fields that no schema names.
fn rarities(rng: &mut ChaCha8Rng, fields: &mut Map<String, Value>) {
    let custom = rng.gen_bool(0.01) && fields.get("cost").is_some_and(|cost| *cost != 0.0);
    fields.insert("custom_cost".into(), custom.into());
    if custom {
        fields.insert("cost".into(), 0.001.into());
    }
    let feedback = rng.gen_bool(0.01).then(|| if rng.gen_bool(0.7) { 1 } else { -1 });
    fields.insert("feedback".into(), feedback.into());
    fields.insert("score".into(), rng.gen_bool(0.005).then(|| rng.gen_range(0..=100)).into());
    let action = rng.gen_bool(0.01).then(|| if rng.gen_bool(0.8) { "FLAG" } else { "BLOCK" });
    fields.insert("dlp_action".into(), action.into());
    if action.is_some() {
        fields.insert("dlp_profiles".into(), json!([{ "profile": "credentials", "findings": 1 }]));
    }
    if rng.gen_bool(0.05) {
        fields.insert("guardrails".into(), json!({ "prompt": "allowed", "response": "allowed" }));
    }
}

fn model(rng: &mut ChaCha8Rng) -> &'static Model {
    let by_weight = WeightedIndex::new(MODELS.iter().map(|model| model.weight));
    by_weight.map_or(&MODELS[0], |by_weight| &MODELS[by_weight.sample(rng)])
}

/// A value around `median`, with a long tail; nothing around nothing.
fn log_normal(rng: &mut ChaCha8Rng, median: f64, spread: f64) -> f64 {
    LogNormal::new(median.ln(), spread).map_or(0.0, |distribution| distribution.sample(rng))
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

/// A provider's model as traffic sees it. Prices and speeds are plausible for 2026, not quoted.
#[derive(Debug)]
struct Model {
    provider: &'static str,
    name: &'static str,
    /// As the gateway's `model_type`.
    kind: &'static str,
    path: &'static str,
    /// Share of all calls, relative to the others.
    weight: f64,
    /// USD per million tokens in and out; the gateway knows no price when absent.
    price: Option<(f64, f64)>,
    /// Median tokens in and out of a call.
    tokens: (f64, f64),
    /// Median milliseconds until the first byte.
    first_byte: f64,
    /// Milliseconds per token out.
    per_token: f64,
}

const CHAT: &str = "chat/completions";
const TEXT: &str = "text-generation";

#[rustfmt::skip]
const MODELS: &[Model] = &[
    Model { provider: "openai", name: "gpt-4.1-mini", kind: TEXT, path: CHAT, weight: 24.0,
            price: Some((0.40, 1.60)), tokens: (620.0, 160.0), first_byte: 420.0, per_token: 9.0 },
    Model { provider: "openai", name: "gpt-4.1", kind: TEXT, path: CHAT, weight: 8.0,
            price: Some((2.0, 8.0)), tokens: (1_400.0, 320.0), first_byte: 640.0, per_token: 14.0 },
    Model { provider: "openai", name: "gpt-5-mini", kind: TEXT, path: "responses", weight: 10.0,
            price: Some((0.25, 2.0)), tokens: (900.0, 480.0), first_byte: 1_500.0, per_token: 8.0 },
    Model { provider: "openai", name: "text-embedding-3-small", kind: "text-embeddings", path: "embeddings", weight: 16.0,
            price: Some((0.02, 0.0)), tokens: (240.0, 0.0), first_byte: 130.0, per_token: 0.0 },
    Model { provider: "anthropic", name: "claude-sonnet-4-5", kind: TEXT, path: "v1/messages", weight: 12.0,
            price: Some((3.0, 15.0)), tokens: (2_600.0, 520.0), first_byte: 1_100.0, per_token: 15.0 },
    Model { provider: "anthropic", name: "claude-haiku-4-5", kind: TEXT, path: "v1/messages", weight: 8.0,
            price: Some((1.0, 5.0)), tokens: (1_100.0, 240.0), first_byte: 520.0, per_token: 7.0 },
    Model { provider: "google-ai-studio", name: "gemini-2.5-flash", kind: TEXT,
            path: "v1beta/models/gemini-2.5-flash:generateContent", weight: 9.0,
            price: Some((0.30, 2.50)), tokens: (1_300.0, 300.0), first_byte: 460.0, per_token: 5.0 },
    Model { provider: "workers-ai", name: "@cf/meta/llama-3.3-70b-instruct-fp8-fast", kind: TEXT,
            path: "@cf/meta/llama-3.3-70b-instruct-fp8-fast", weight: 6.0,
            price: Some((0.293, 2.253)), tokens: (540.0, 210.0), first_byte: 300.0, per_token: 11.0 },
    Model { provider: "groq", name: "openai/gpt-oss-120b", kind: TEXT, path: CHAT, weight: 3.0,
            price: Some((0.15, 0.75)), tokens: (800.0, 260.0), first_byte: 180.0, per_token: 2.2 },
    Model { provider: "deepseek", name: "deepseek-chat", kind: TEXT, path: CHAT, weight: 2.0,
            price: Some((0.28, 0.42)), tokens: (1_000.0, 380.0), first_byte: 900.0, per_token: 22.0 },
    Model { provider: "custom-inference", name: "qwen3-32b-instruct-awq", kind: TEXT, path: CHAT, weight: 2.0,
            price: None, tokens: (700.0, 200.0), first_byte: 240.0, per_token: 18.0 },
];

#[cfg(test)]
mod tests {
    use super::*;

    const OCTOBER: i64 = UUIDS_SINCE - 86_400_000;

    fn entries() -> Vec<Value> {
        (0..5_000).map(|seed| render(UUIDS_SINCE, mix(seed), None)).collect()
    }

    fn share(condition: impl Fn(&Value) -> bool) -> f64 {
        let entries = entries();
        real(entries.iter().filter(|entry| condition(entry)).count().try_into().unwrap()) / 5_000.0
    }

    #[test]
    fn the_same_numbers_give_the_same_entry() {
        assert_eq!(render(OCTOBER, 1, None), render(OCTOBER, 1, None));
        assert_ne!(render(OCTOBER, 1, None)["id"], render(OCTOBER, 2, None)["id"]);
        assert_eq!(render(OCTOBER, 1, None)["created_at"], "2026-10-07T00:00:00.000Z");
    }

    #[test]
    fn ids_changed_their_form() {
        let before = render(UUIDS_SINCE - 1, 1, None);
        assert_eq!(before["id"].as_str().unwrap().len(), 26);
        let since = render(UUIDS_SINCE, 1, None);
        let id = since["id"].as_str().unwrap();
        assert_eq!((id.len(), &id[14..15], id.to_lowercase()), (36, "7", id.to_owned()));
    }

    #[test]
    fn failed_calls_have_no_tokens_and_no_cost() {
        let entries = entries();
        let failed: Vec<&Value> = entries.iter().filter(|entry| entry["success"] == false).collect();
        assert!(failed.len() > 50);
        for entry in failed {
            assert!(entry["status_code"].as_i64().unwrap() >= 400 && entry["tokens_in"].is_null());
            assert!(entry.get("cost").is_none() && entry["cached"] == false);
        }
    }

    #[test]
    fn cached_calls_are_free_and_fast_but_count_tokens() {
        for entry in entries().iter().filter(|entry| entry["cached"] == true) {
            assert!(entry.get("cost").is_none_or(|cost| *cost == 0.0));
            assert!(entry["duration"].as_i64().unwrap() < 200 && entry["tokens_in"].is_i64());
        }
    }

    #[test]
    fn traffic_has_everything_that_traffic_has() {
        let near = |share: f64, expected: f64| {
            assert!((share / expected - 1.0).abs() < 0.4, "{share} {expected}");
        };
        near(share(|entry| entry["cached"] == true), 0.12);
        near(share(|entry| entry["success"] == false), 0.035);
        near(share(|entry| entry.get("metadata").is_none()), 0.1);
        near(share(|entry| entry["request_type"] == "stream"), 0.38);
        near(share(|entry| entry["success"] == true && entry.get("cost").is_none()), 0.02);
        let metadata = render(OCTOBER, 3, None)["metadata"].clone();
        assert!(serde_json::from_str::<Value>(metadata.as_str().unwrap()).unwrap().is_object());
    }

    #[test]
    fn a_long_call_streams_for_as_long_as_it_is_late() {
        for seed in 0..100 {
            let entry = render(OCTOBER, mix(seed), Some(600_000));
            assert_eq!((&entry["duration"], &entry["timings"]["total"]), (&json!(600_000), &json!(600_000)));
            assert_eq!((&entry["request_type"], &entry["status_code"]), (&json!("stream"), &json!(200)));
            assert!(entry["cached"] == false && entry["tokens_out"].as_i64() > Some(10_000), "{entry}");
            assert_eq!(&entry["id"].as_str().unwrap()[..10], &ulid(OCTOBER), "it began when it was created");
        }
    }

    /// The part of a ULID that says when.
    fn ulid(ms: i64) -> String {
        ulid::Ulid::from_parts(ms.unsigned_abs(), 0).to_string()[..10].to_owned()
    }

    #[test]
    fn durations_have_a_long_tail() {
        let mut durations: Vec<i64> = entries().iter().map(|entry| entry["duration"].as_i64().unwrap()).collect();
        durations.sort_unstable();
        let (p50, p95, p99) = (durations[2_500], durations[4_750], durations[4_950]);
        assert!(p50 > 300 && p95 > 3 * p50 && p99 > 6 * p50, "{p50} {p95} {p99}");
    }
}
