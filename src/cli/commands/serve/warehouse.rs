//! Questions that BigQuery answers, with a reader's credential. The thread of the command signs in and asks; whoever answers
//! a request waits for it.

use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use http::StatusCode;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot};

use crate::{
    api::Problem,
    cli::warehouse::reader::TableReader,
    error::CallError,
    host::{Host, native::now},
    query::{Known, NoAnswer, Sql, Table, What, Wrong, bigquery},
    time::Timestamp,
    wire::Response,
};

/// How long an answer is given again, without asking.
const KEPT: TimeDelta = TimeDelta::seconds(60);

/// The most answers that are kept: those of two pages. Each has 10,000 lines at most.
const MOST_KEPT: usize = 64;

/// Questions that BigQuery answers at once: those of a page, nearly.
const MOST_AT_ONCE: usize = 16;

/// The lines of an answer, and the bytes that BigQuery has read for it.
type Lines = (Vec<Map<String, Value>>, u64);

/// A question that waits for the thread of the command.
pub struct Waiting {
    sql: Sql,
    answer: oneshot::Sender<Result<Lines, CallError>>,
}

/// An answer that was given.
struct Kept {
    at: Timestamp,
    sql: Sql,
    lines: Vec<Map<String, Value>>,
}

/// BigQuery, as the server asks it.
pub struct Warehouse {
    waiting: mpsc::Sender<Waiting>,
    kept: Mutex<Vec<Kept>>,
}

impl Warehouse {
    /// BigQuery, and the questions that wait for [`answer`].
    pub fn new() -> (Self, mpsc::Receiver<Waiting>) {
        let (waiting, questions) = mpsc::channel(MOST_AT_ONCE);
        (Self { waiting, kept: Mutex::default() }, questions)
    }

    /// Answers what is asked. An answer that is kept reads no bytes.
    ///
    /// # Errors
    /// If it would read too much, or BigQuery does not answer.
    pub async fn answer(&self, what: What<'_>, known: Known<'_>) -> Result<Table, NoAnswer> {
        let sql = bigquery::statement(what, known.org_metadata)?;
        let (lines, bytes) = match self.kept(&sql) {
            Some(lines) => (lines, 0),
            None => self.ask(sql).await.map_err(told)?,
        };
        Ok(bigquery::answer(what, lines, known, bytes)?)
    }

    fn kept(&self, sql: &Sql) -> Option<Vec<Map<String, Value>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = now() - KEPT;
        kept.retain(|answer| answer.at > oldest);
        kept.iter().find(|answer| answer.sql == *sql).map(|answer| answer.lines.clone())
    }

    async fn ask(&self, sql: Sql) -> Result<Lines, CallError> {
        let gone = || CallError::Silent("the command that asks BigQuery has ended".into());
        let (answer, answered) = oneshot::channel();
        self.waiting.send(Waiting { sql: sql.clone(), answer }).await.map_err(|_| gone())?;
        let (lines, bytes) = answered.await.map_err(|_| gone())??;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            kept.remove(0);
        }
        kept.push(Kept { at: now(), sql, lines: lines.clone() });
        Ok((lines, bytes))
    }
}

/// A refusal is told to whoever asks, with the way out: it does not pass by itself.
fn told(error: CallError) -> NoAnswer {
    match error {
        CallError::Denied { .. } => Wrong::too_much("", error.to_string()).into(),
        CallError::Silent(_)
        | CallError::Refused(_)
        | CallError::Throttled { .. }
        | CallError::Broken(_)
        | CallError::TooLarge { .. } => NoAnswer::Away(error),
    }
}

/// The answer to a sender of events.
pub fn takes_no_events() -> Response {
    let detail = "this server answers questions from BigQuery, and takes no events: send them to the Worker, or to \
                  `aig-logs serve` without --from";
    Problem::new(StatusCode::FORBIDDEN, detail).response()
}

/// Asks BigQuery what waits, until nobody can ask any more.
pub async fn answer<H: Host>(reader: &TableReader<'_, H>, mut questions: mpsc::Receiver<Waiting>) {
    let questions = stream::poll_fn(|context| questions.poll_recv(context));
    let answered = questions.for_each_concurrent(MOST_AT_ONCE, async |Waiting { sql, mut answer }| {
        // A question that nobody waits for any more costs nothing further.
        let lines = tokio::select! {
            lines = reader.lines(&sql) => lines,
            () = answer.closed() => return,
        };
        if let Err(error) = &lines {
            log::warn!("asking BigQuery: {error}");
        }
        let _ = answer.send(lines);
    });
    answered.await;
}
