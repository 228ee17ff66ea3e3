//! Rows of both tables, as a test writes them down.

use aig_logs::time::{self, Timestamp};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use crate::events::world::{ADMIN, World};

/// An event or a log, with what questions can see of it.
#[derive(Debug, Clone)]
pub struct Row {
    pub is_log: bool,
    pub at: Timestamp,
    pub org: String,
    pub name: String,
    pub user: Option<String>,
    pub session: Option<String>,
    pub subject: Option<String>,
    pub success: Option<bool>,
    pub status: Option<i64>,
    pub duration: Option<f64>,
    pub quantity: Option<f64>,
    pub cost: Option<f64>,
    pub tokens_in: Option<i64>,
    /// The metadata's value of the key `team`; none: the key is absent.
    pub team: Option<Value>,
}

impl Row {
    /// An event without anything that it may lack.
    pub fn event(org: &str, at: &str, name: &str) -> Self {
        Self {
            is_log: false,
            at: time::parse(at).unwrap(),
            org: org.into(),
            name: name.into(),
            user: None,
            session: None,
            subject: None,
            success: None,
            status: None,
            duration: None,
            quantity: None,
            cost: None,
            tokens_in: None,
            team: None,
        }
    }

    /// A log without anything that it may lack.
    pub fn log(org: &str, at: &str) -> Self {
        Self { is_log: true, ..Self::event(org, at, "ai.request") }
    }
}

/// Writes rows into the tables.
pub fn write(connection: &Connection, rows: &[Row]) {
    let event = "INSERT INTO events_raw (org, created_at, id, name, user_id, session_id, subject, success, status_code, duration, \
                 quantity, cost, source, ingested_at, metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'http', ?, ?)";
    let log = "INSERT INTO aig_logs_raw (gateway, created_at, id, model, success, status_code, duration, cost, tokens_in, \
               ingested_at, metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let (mut event, mut log) = (connection.prepare(event).unwrap(), connection.prepare(log).unwrap());
    for (id, row) in rows.iter().enumerate() {
        let (at, id) = (time::text(row.at), format!("id{id}"));
        let mut metadata = row.team.as_ref().map_or(json!({}), |team| json!({ "team": team }));
        if row.is_log {
            metadata["org"] = row.org.as_str().into();
            if let Some(user) = &row.user {
                metadata["user_id"] = user.as_str().into();
            }
            let gateway = if row.at.timestamp() % 2 == 0 { "a" } else { "b" };
            log.execute(params![
                gateway,
                at,
                id,
                row.subject,
                row.success,
                row.status,
                row.duration,
                row.cost,
                row.tokens_in,
                at,
                metadata.to_string()
            ])
        } else {
            event.execute(params![
                row.org,
                at,
                id,
                row.name,
                row.user,
                row.session,
                row.subject,
                row.success,
                row.status,
                row.duration,
                row.quantity,
                row.cost,
                at,
                metadata.to_string()
            ])
        }
        .unwrap();
    }
}

/// A world with these rows.
pub fn world(rows: &[Row]) -> World {
    let world = World::new();
    write(&world.host.memory.connection, rows);
    world
}

/// The rows of the answer to a question, with the key of all orgs.
pub fn ask(world: &World, path: &str, question: &Value) -> Value {
    let (status, answer) = world.ask("POST", path, ADMIN, &question.to_string());
    assert_eq!(status, 200, "{answer} to {question}");
    answer["rows"].clone()
}
