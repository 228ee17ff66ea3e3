//! Questions that BigQuery answers, with a reader's credential. The thread of the command signs in and asks; whoever answers
//! a request waits for it.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use http::{Method, StatusCode};
use serde_json::{Map, Value};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{
    api::Problem,
    cli::warehouse::reader::TableReader,
    error::CallError,
    host::{Host, native::now},
    query::{Known, NoAnswer, Sql, Table, What, Wrong, bigquery},
    time::Timestamp,
    wire::{Request, Response},
};

/// How long an answer is given again, without asking.
const KEPT: TimeDelta = TimeDelta::seconds(60);

/// The most lines of all answers that are kept.
const MOST_LINES: usize = 50_000;

/// Questions that BigQuery answers at once.
const MOST_AT_ONCE: usize = 16;

/// How long a question waits for its turn.
const LONGEST: Duration = Duration::from_secs(10);

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
pub struct WarehouseQuestions {
    waiting: mpsc::Sender<Waiting>,
    kept: Mutex<Vec<Kept>>,
}

impl WarehouseQuestions {
    /// BigQuery, and the questions that wait for [`answer`].
    pub fn new() -> (Self, mpsc::Receiver<Waiting>) {
        let (waiting, questions) = mpsc::channel(1);
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
        let busy = |_| CallError::Broken("other questions are being answered: ask again".into());
        let turn = timeout(LONGEST, self.waiting.reserve()).await.map_err(busy)?;
        turn.map_err(|_| gone())?.send(Waiting { sql: sql.clone(), answer });
        let (lines, bytes) = answered.await.map_err(|_| gone())??;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(Kept { at: now(), sql, lines: lines.clone() });
        while kept.iter().map(|answer| answer.lines.len()).sum::<usize>() > MOST_LINES {
            kept.remove(0);
        }
        Ok((lines, bytes))
    }
}

/// A refusal is told to whoever asks, with the way out: it does not pass by itself.
fn told(error: CallError) -> NoAnswer {
    match error {
        CallError::Denied { .. } => {
            log::warn!("asking BigQuery: {error}");
            Wrong::too_much("", error.to_string()).into()
        }
        CallError::Silent(_)
        | CallError::Refused(_)
        | CallError::Throttled { .. }
        | CallError::Broken(_)
        | CallError::TooLarge { .. } => NoAnswer::Away(error),
    }
}

/// Whether a request is no question, but changes something.
pub fn is_change(request: &Request) -> bool {
    let is_question = ["/query", "/metrics/", "/billing/"].iter().any(|path| request.uri().path().starts_with(path));
    match *request.method() {
        Method::GET | Method::HEAD | Method::OPTIONS => false,
        Method::POST => !is_question,
        _ => true,
    }
}

/// The answer to a request that changes something.
pub fn changes_nothing() -> Response {
    let detail = "this server answers questions from BigQuery, and takes and changes nothing: send it to the Worker, or to \
                  `aig-logs serve` without --from";
    Problem::new(StatusCode::FORBIDDEN, detail).response()
}

/// Asks BigQuery what waits, until nobody can ask any more.
pub async fn answer<H: Host>(reader: &TableReader<'_, H>, mut questions: mpsc::Receiver<Waiting>) {
    let questions = stream::poll_fn(|context| questions.poll_recv(context));
    let answered = questions.for_each_concurrent(MOST_AT_ONCE, async |Waiting { sql, mut answer }| {
        // A question that nobody waits for any more is not begun. BigQuery ends one that it has begun.
        let lines = tokio::select! {
            biased;
            () = answer.closed() => return,
            lines = reader.lines(&sql) => lines,
        };
        let _ = answer.send(lines);
    });
    answered.await;
}
