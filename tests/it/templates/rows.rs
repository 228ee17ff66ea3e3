//! Rows of the view `activity`, made up at random and written into the tables.

use aig_logs::time::{self, Timestamp};
use chrono::TimeDelta;
use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rusqlite::{Connection, params};
use serde_json::{Map, Value, json};

use crate::events::world::World;

/// The present of every test.
pub const NOW: &str = "2026-11-29T12:00:00Z";

/// An event or a log, in common columns.
#[derive(Debug, Clone)]
pub struct Row {
    pub is_log: bool,
    pub at: Timestamp,
    /// When it came.
    pub came: Timestamp,
    pub org: String,
    pub name: String,
    pub user: Option<String>,
    pub session: Option<String>,
    pub subject: Option<String>,
    pub success: Option<bool>,
    pub status: Option<i64>,
    pub duration: Option<f64>,
    pub quantity: Option<f64>,
    pub unit: Option<String>,
    pub sku: Option<String>,
    pub cost: Option<f64>,
    pub tokens_in: Option<i64>,
    pub tokens_out: Option<i64>,
    pub provider: Option<String>,
    pub error: Option<String>,
    pub id: String,
    pub metadata: Map<String, Value>,
}

impl Row {
    /// The text of an instant.
    pub fn time(&self) -> String {
        time::text(self.at)
    }

    /// The text of a key of the metadata.
    pub fn text(&self, key: &str) -> Option<String> {
        let value = self.metadata.get(key)?;
        value.as_str().map_or_else(|| (!value.is_null()).then(|| value.to_string()), |text| Some(text.to_owned()))
    }
}

/// One of these texts, or none.
fn some(chance: &mut ChaCha8Rng, texts: &[&str]) -> Option<String> {
    chance.gen_bool(0.8).then(|| (*texts.choose(chance).unwrap()).to_owned())
}

fn number<T: Copy>(chance: &mut ChaCha8Rng, numbers: &[T]) -> Option<T> {
    chance.gen_bool(0.8).then(|| *numbers.choose(chance).unwrap())
}

/// Rows of the two months before the present, most of them of the last day. Their numbers have sums that floats hold.
pub fn random(seed: u64, count: usize) -> Vec<Row> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|place| row(&mut chance, place)).collect()
}

fn row(chance: &mut ChaCha8Rng, place: usize) -> Row {
    let minutes = *[60, 24 * 60, 7 * 24 * 60, 62 * 24 * 60].choose(chance).unwrap();
    let ago = TimeDelta::milliseconds(chance.gen_range(-60_000..minutes * 60_000));
    let is_log = chance.gen_bool(0.3);
    let names =
        ["api.request", "auth_ssh_failure", "auth.login_success", "tool_success", "mcp.tool_called", "authored"];
    let mut metadata = Map::new();
    for (key, values) in [
        ("project_id", json!(["p1", "p2", null, 7])),
        ("cost_type", json!(["compute", null])),
        ("ip_address", json!(["192.0.2.1", "192.0.2.2"])),
        ("team", json!(["search", "a \"b\"", 5])),
    ] {
        if chance.gen_bool(0.8) {
            metadata.insert(key.into(), values.as_array().unwrap().choose(chance).unwrap().clone());
        }
    }
    let at = time::parse(NOW).unwrap() - ago;
    let subjects = ["GET /a", "POST /a", "GET /b c", "run_query", "é"];
    Row {
        is_log,
        at,
        came: at + TimeDelta::seconds(*[0, 1, 59, 4_000].choose(chance).unwrap()),
        org: (*["acme", "other"].choose(chance).unwrap()).into(),
        name: if is_log { "ai.request".into() } else { (*names.choose(chance).unwrap()).into() },
        user: some(chance, &["u1", "u2", "u3", "u4"]),
        session: some(chance, &["s1", "s2", "s3", "s4", "s5"]).filter(|_| !is_log),
        subject: some(chance, if is_log { &["m1", "m2"] } else { &subjects }),
        success: number(chance, &[true, false, true]),
        status: number(chance, &[200, 404, 500, 503]),
        duration: number(chance, &[5.0, 250.5, 700.0, 1_500.0, 2_500.25, 9_000.0]),
        quantity: number(chance, &[1.0, 1_500.0, 0.5]).filter(|_| !is_log),
        unit: some(chance, &["tokens", "bytes"]).filter(|_| !is_log),
        sku: some(chance, &["text", "storage"]).filter(|_| !is_log),
        cost: number(chance, &[0.25, 1.0, 0.5]),
        tokens_in: number(chance, &[10, 200]).filter(|_| is_log),
        tokens_out: number(chance, &[1, 20]).filter(|_| is_log),
        provider: some(chance, &["openai", "workers-ai"]).filter(|_| is_log),
        error: some(chance, &["timed out", "no such table"]).filter(|_| !is_log),
        id: format!("id{place}"),
        metadata,
    }
}

/// A world with these rows.
pub fn world(rows: &[Row]) -> World {
    let world = World::new();
    world.host.now.set(time::parse(NOW).unwrap());
    write(&world.host.memory.connection, rows);
    world
}

/// Writes rows into the tables.
pub fn write(connection: &Connection, rows: &[Row]) {
    for row in rows {
        let mut metadata = row.metadata.clone();
        if row.is_log {
            metadata.insert("org".into(), row.org.as_str().into());
            metadata.insert("user_id".into(), json!(row.user));
            let log = "INSERT INTO aig_logs_raw (gateway, created_at, id, provider, model, success, status_code, duration, cost, \
                       tokens_in, tokens_out, ingested_at, metadata) VALUES ('g', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
            let values = params![
                row.time(),
                row.id,
                row.provider,
                row.subject,
                row.success,
                row.status,
                row.duration,
                row.cost,
                row.tokens_in,
                row.tokens_out,
                time::text(row.came),
                Value::Object(metadata).to_string()
            ];
            connection.prepare_cached(log).unwrap().execute(values).unwrap();
        } else {
            let event = "INSERT INTO events_raw (org, created_at, id, name, user_id, session_id, subject, success, status_code, \
                         duration, quantity, unit, sku, cost, error, source, ingested_at, metadata) \
                         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'http', ?, ?)";
            let values = params![
                row.org,
                row.time(),
                row.id,
                row.name,
                row.user,
                row.session,
                row.subject,
                row.success,
                row.status,
                row.duration,
                row.quantity,
                row.unit,
                row.sku,
                row.cost,
                row.error,
                time::text(row.came),
                Value::Object(metadata).to_string()
            ];
            connection.prepare_cached(event).unwrap().execute(values).unwrap();
        }
    }
}
