//! Writes rows into BigQuery by `insertAll`. It signs in, cuts batches to size, and reads the verdict on every row.
//!
//! `skipInvalidRows` is false: if the schema is wrong for some rows only, the pass stops, and later passes must not
//! write the good rows of that batch again and again. So an answer that names one row means that no row is kept.
//!
//! - A refused row becomes a dead letter, even if it was alone in its batch: it must not block the pass.
//! - The table is to blame if a column is missing, or if two or more rows are all refused for the same reason. Then the
//!   pass stops.
//! - Rows outside BigQuery's partition window are always dead letters, whatever their number.
//! - Rows that the answer does not name, or names as `stopped` or for trouble of BigQuery (`timeout`, `backendError`,
//!   quota), are sent again without the refused rows.
//! - After a 413, or a 400 that is not Google's own error, the batch is halved. The address is wrong if none of the
//!   first ten rows is taken alone, or if no row is taken and the words are not Google's.

pub(crate) mod insert;
pub(crate) mod refusal;

use std::{cell::RefCell, collections::BTreeMap};

use self::insert::{Reply, RowFault};
use super::{Outcome, Rejected, Sink};
use crate::{
    config::{BigQuery, ServiceAccount},
    error::CallError,
    event::EVENTS,
    google::{self, Scope, Token},
    host::{Host, call},
    log::columns::LEDGER,
    plan::batch::{self, Limits},
    record::{Cell, Record, Table},
    wire::{Request, Response},
};

/// 500 rows, as Google advises, and 9 MB of the 10 MB that a request may have.
/// cloud.google.com/bigquery/quotas, streaming inserts
const LIMITS: Limits = Limits { rows: 500, bytes: 9_000_000 };

/// If so many rows, from the first row of a write on, are refused alone, the rows are not to blame.
const MANY: usize = 10;

/// The request for a token, with an assertion that the host has signed. `google::read_token` reads the answer.
pub(crate) async fn token_request<H: Host>(
    host: &H,
    account: &ServiceAccount,
    scope: Scope,
) -> Result<Request, CallError> {
    let unsigned = google::unsigned_assertion(account, scope, host.now());
    let signature = host.sign(&account.key, unsigned.as_bytes()).await?;
    Ok(google::token_request(account, &unsigned, &signature))
}

/// The token in use. It outlives a pass, but only in memory.
#[derive(Debug, Default)]
pub struct SignIn(RefCell<Option<Token>>);

/// A table in BigQuery, reached through a host.
#[derive(Debug)]
pub struct BigQuerySink<'a, H> {
    host: &'a H,
    table: &'a BigQuery,
    sign_in: &'a SignIn,
}

impl<'a, H: Host> BigQuerySink<'a, H> {
    /// A sink that signs in at its first write.
    #[must_use]
    pub fn new(host: &'a H, table: &'a BigQuery, sign_in: &'a SignIn) -> Self {
        Self { host, table, sign_in }
    }

    /// A valid token; a new one if there is none. `None` for an emulator without sign-in.
    async fn token(&self) -> Result<Option<Token>, CallError> {
        let Some(account) = &self.table.account else { return Ok(None) };
        let known = self.sign_in.0.borrow().clone().filter(|token| token.is_fresh(self.host.now()));
        if known.is_some() {
            return Ok(known);
        }
        let request = token_request(self.host, account, Scope::Insert).await?;
        let token = call(self.host, &request, |response| google::read_token(response, self.host.now())).await?;
        self.sign_in.0.replace(Some(token.clone()));
        Ok(Some(token))
    }

    /// Makes one insert into a table. A refused token is replaced once.
    async fn insert(&self, table: &str, rows: &[&[u8]]) -> Result<Reply, CallError> {
        for _ in 0..2 {
            let mut request = insert::insert(self.table, table, rows);
            if let Some(token) = self.token().await? {
                token.secret.authorize(&mut request);
            }
            let read = |response: &Response| insert::read(response, rows.len(), self.table);
            if let Some(verdict) = call(self.host, &request, read).await? {
                return Ok(verdict);
            }
            self.sign_in.0.replace(None);
        }
        Err(CallError::denied(
            "BigQuery refuses the token that Google has just issued",
            "Check that GCP_TOKEN_URI is Google's own, and that BIGQUERY_EMULATOR_HOST is not set by mistake",
        ))
    }

    /// Inserts some of the rows.
    async fn offer(&self, table: &str, encoded: &[Vec<u8>], indices: &[usize]) -> Result<Reply, CallError> {
        let rows: Vec<_> = indices.iter().map(|index| encoded[*index].as_slice()).collect();
        match rows[..] {
            // BigQuery cannot take such a row: a request would only cost the upload.
            [row] if row.len() > LIMITS.bytes => {
                Ok(Reply::TooMuch { words: "it is too large for a request".into(), is_of_size: true })
            }
            _ => self.insert(table, &rows).await,
        }
    }

    /// Returns an error if the table is the reason why rows are refused.
    fn check_table(&self, table: &str, refused: &[RowFault], rows: &[Record], sent: &[usize]) -> Result<(), CallError> {
        let mut of_gateways = BTreeMap::new();
        for index in sent {
            let gateway = if let Some(Cell::Text(gateway)) = rows[*index].cell("gateway") { gateway } else { "" };
            *of_gateways.entry(gateway).or_insert(0) += 1;
        }
        let most = of_gateways.into_values().max().unwrap_or(0);
        let Some(fault) = insert::common(refused, sent.len(), most) else { return Ok(()) };
        let BigQuery { project, dataset, .. } = self.table;
        let message = format!("the table {project}.{dataset}.{table} refuses the rows: {}", fault.outline());
        let hint = "Run `aig-logs sql --apply`: it adds the missing columns. BigQuery needs some minutes to see a new \
                    schema. Check GCP_BQ_TABLE too";
        Err(CallError::denied(message, hint))
    }
}

impl<H: Host> Sink for BigQuerySink<'_, H> {
    fn name(&self) -> &'static str {
        "BigQuery"
    }

    /// The dataset has no table of events, and none of the ledger: rows of insertAll replace no other.
    fn keeps(&self, table: &Table) -> bool {
        ![EVENTS.name, LEDGER.name].contains(&table.name)
    }

    fn batch(&self) -> usize {
        LIMITS.rows
    }

    async fn write(&self, rows: &[Record]) -> Result<Outcome, CallError> {
        let Some(table) = rows.first().map(|row| self.table.name_of(row.table)) else { return Ok(Outcome::default()) };
        let encoded: Result<Vec<_>, _> = rows.iter().map(insert::encode).collect();
        let encoded = encoded.map_err(|error| formless(&error))?;
        let sizes: Vec<_> = encoded.iter().map(|row| row.len() + 1).collect();
        // The rows of each request still to be made. The next request is the last one here.
        let ranges = batch::cut(&sizes, LIMITS);
        let mut requests: Vec<Vec<usize>> = ranges.into_iter().rev().map(Iterator::collect).collect();
        // The number of rows refused alone, from the first one on, and whether a refusal was not for the size.
        let (mut rejected, mut alone, mut is_doubtful) = (Vec::new(), 0, false);
        while let Some(mut indices) = requests.pop() {
            match (self.offer(table, &encoded, &indices).await?, &indices[..]) {
                (Reply::Taken, _) => {}
                // Each refusal removes at least one row, so the loop ends.
                (Reply::Refused(faults), _) => {
                    self.check_table(table, &faults, rows, &indices)?;
                    rejected.extend(faults.iter().map(|fault| fault.rejected(indices[fault.index])));
                    faults.iter().rev().for_each(|fault| _ = indices.remove(fault.index));
                    requests.extend(Some(indices).filter(|indices| !indices.is_empty()));
                }
                (Reply::TooMuch { words, is_of_size }, &[index]) => {
                    let bytes = encoded[index].len();
                    let reason = format!("BigQuery refuses the row even alone, with its {bytes} bytes: {words}");
                    rejected.push(Rejected { index, reason });
                    is_doubtful |= !is_of_size;
                    alone += usize::from(bytes <= LIMITS.bytes);
                    if alone == MANY && alone == index + 1 {
                        return Err(nothing_is_taken(alone));
                    }
                }
                (Reply::TooMuch { .. }, _) => {
                    let second = indices.split_off(indices.len() / 2);
                    requests.extend([second, indices]);
                }
            }
        }
        if is_doubtful && rejected.len() == rows.len() {
            return Err(nothing_is_taken(rows.len()));
        }
        Ok(Outcome { known: Vec::new(), rejected })
    }
}

/// Not even single rows are taken: the address is wrong, and not the rows.
fn nothing_is_taken(rows: usize) -> CallError {
    let hint = "Check that BIGQUERY_EMULATOR_HOST is not set by mistake, and that no proxy is in between";
    let rows =
        if rows == 1 { "the only row that was sent".to_owned() } else { format!("{rows} rows, each sent alone") };
    CallError::denied(format!("BigQuery refuses {rows}"), hint)
}

fn formless(error: &serde_json::Error) -> CallError {
    CallError::Broken(format!("a row has no JSON form: {error}"))
}
