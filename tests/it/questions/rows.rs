//! Rows of both tables, as a test writes them down.

use aig_logs::{
    event::EVENTS,
    log::columns::LOGS,
    record::Record,
    time::{self, Timestamp},
};
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
    pub tokens_cached: Option<i64>,
    pub cached: Option<bool>,
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
            tokens_cached: None,
            cached: None,
            team: None,
        }
    }

    /// A log without anything that it may lack.
    pub fn log(org: &str, at: &str) -> Self {
        Self { is_log: true, ..Self::event(org, at, "ai.request") }
    }

    /// The gateway of a log.
    pub fn gateway(&self) -> &'static str {
        if self.at.timestamp() % 2 == 0 { "a" } else { "b" }
    }

    /// Its metadata.
    pub fn metadata(&self) -> Value {
        let mut metadata = self.team.as_ref().map_or(json!({}), |team| json!({ "team": team }));
        if self.is_log {
            metadata["org"] = self.org.as_str().into();
            if let Some(user) = &self.user {
                metadata["user_id"] = user.as_str().into();
            }
        }
        metadata
    }

    /// The row as a record that was read at an instant.
    pub fn record(&self, id: usize, ingested_at: Timestamp) -> Record {
        let mut record = json!({
            "created_at": time::text(self.at), "id": format!("id{id}"), "success": self.success,
            "status_code": self.status, "duration": self.duration, "cost": self.cost,
            "ingested_at": time::text(ingested_at), "metadata": self.metadata().to_string(),
        });
        let (table, of_table) = if self.is_log {
            let of_log = json!({
                "gateway": self.gateway(), "model": self.subject, "tokens_in": self.tokens_in,
                "input_cached_tokens": self.tokens_cached, "cached": self.cached,
            });
            (&LOGS, of_log)
        } else {
            let of_event = json!({
                "org": self.org, "name": self.name, "user_id": self.user, "session_id": self.session,
                "subject": self.subject, "quantity": self.quantity, "source": "http",
            });
            (&EVENTS, of_event)
        };
        let record_of_table = record.as_object_mut().unwrap();
        record_of_table.extend(of_table.as_object().unwrap().clone());
        record_of_table.retain(|_, value| !value.is_null());
        Record::from_json(table, record).unwrap()
    }
}

/// Writes rows into the tables.
pub fn write(connection: &Connection, rows: &[Row]) {
    rows.iter().enumerate().for_each(|(id, row)| write_row(connection, id, row));
}

/// Writes one row into its table.
fn write_row(connection: &Connection, id: usize, row: &Row) {
    let event = "INSERT INTO events_raw (org, created_at, id, name, user_id, session_id, subject, success, status_code, duration, \
                 quantity, cost, source, ingested_at, metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'http', ?, ?)";
    let log = "INSERT INTO aig_logs_raw (gateway, created_at, id, model, success, status_code, duration, cost, tokens_in, \
               input_cached_tokens, cached, ingested_at, metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let (at, id) = (time::text(row.at), format!("id{id}"));
    let written = if row.is_log {
        connection.prepare_cached(log).unwrap().execute(params![
            row.gateway(),
            at,
            id,
            row.subject,
            row.success,
            row.status,
            row.duration,
            row.cost,
            row.tokens_in,
            row.tokens_cached,
            row.cached,
            at,
            row.metadata().to_string()
        ])
    } else {
        connection.prepare_cached(event).unwrap().execute(params![
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
            row.metadata().to_string()
        ])
    };
    written.unwrap();
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
