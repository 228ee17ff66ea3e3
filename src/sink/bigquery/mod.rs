//! Rows into BigQuery by `insertAll`: signed in, cut to size, every row's verdict read.
//!
//! Refused rows. `skipInvalidRows` is false: where the schema is wrong for some rows only, the pass stops, and good rows
//! of that batch must not be written again by each further pass. BigQuery's `stopped` rows are sent again. A refused row
//! becomes a dead letter, unless the table is to blame: a column is missing, or all of two or more rows are refused for
//! the same reason. A single refused row is a dead letter even if it was alone in its batch: it must not block the pass.
//! An answer that names one row keeps none: what it does not name, and what it names as `stopped` or for trouble of
//! BigQuery's own (`timeout`, `backendError`, quota), is sent again without the rows that are refused for good. A 400 that
//! is not Google's own error is halved like a 413; where not one of ten rows gets in by itself, or none at all and the
//! words are not Google's either, the address is wrong. Rows outside BigQuery's partition window are dead letters in any
//! number.

pub(crate) mod insert;
pub(crate) mod refusal;

use std::{cell::RefCell, collections::BTreeMap};

use self::insert::{Reply, RowFault};
use super::{Outcome, Rejected, Sink};
use crate::{
    config::{BigQuery, ServiceAccount},
    error::CallError,
    google::{self, Scope, Token},
    host::{Host, call},
    plan::batch::{self, Limits},
    record::{Cell, Record},
    wire::Response,
};

/// 500 rows as Google advises, and 9 MB of the 10 MB that a request may have.
/// cloud.google.com/bigquery/quotas, streaming inserts
const LIMITS: Limits = Limits { rows: 500, bytes: 9_000_000 };

/// Rows, from the first of a write on, that are refused alone, after which it is not they that are wrong.
const MANY: usize = 10;

/// The token in use. It outlives a pass, in memory only.
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
    /// A sink that signs in when it first writes.
    #[must_use]
    pub fn new(host: &'a H, table: &'a BigQuery, sign_in: &'a SignIn) -> Self {
        Self { host, table, sign_in }
    }

    /// A token that is still good, asking for one where there is none. `None` for an emulator without sign-in.
    async fn token(&self) -> Result<Option<Token>, CallError> {
        let Some(account) = &self.table.account else { return Ok(None) };
        let known = self.sign_in.0.borrow().clone().filter(|token| token.is_fresh(self.host.now()));
        if known.is_some() {
            return Ok(known);
        }
        let token = self.ask_for_token(account).await?;
        self.sign_in.0.replace(Some(token.clone()));
        Ok(Some(token))
    }

    async fn ask_for_token(&self, account: &ServiceAccount) -> Result<Token, CallError> {
        let unsigned = google::unsigned_assertion(account, Scope::Insert, self.host.now());
        let signature = self.host.sign(&account.key, unsigned.as_bytes()).await?;
        let request = google::token_request(account, &unsigned, &signature);
        call(self.host, &request, |response| google::read_token(response, self.host.now())).await
    }

    /// One insert into a table. A refused token is replaced once.
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
            "BigQuery refuses the token that Google has just handed out",
            "Check that GCP_TOKEN_URI is Google's own, and that BIGQUERY_EMULATOR_HOST is not set by mistake",
        ))
    }

    /// An insert of some of the rows.
    async fn offer(&self, table: &str, encoded: &[Vec<u8>], indices: &[usize]) -> Result<Reply, CallError> {
        let rows: Vec<_> = indices.iter().map(|index| encoded[*index].as_slice()).collect();
        match rows[..] {
            // It cannot get in; asking would only cost the upload.
            [row] if row.len() > LIMITS.bytes => {
                Ok(Reply::TooMuch { words: "it is too large for a request".into(), is_of_size: true })
            }
            _ => self.insert(table, &rows).await,
        }
    }

    /// An error where rows are refused for what the table lacks.
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

    fn batch(&self) -> usize {
        LIMITS.rows
    }

    async fn write(&self, rows: &[Record]) -> Result<Outcome, CallError> {
        let Some(table) = rows.first().map(|row| self.table.name_of(row.table)) else { return Ok(Outcome::default()) };
        let encoded: Result<Vec<_>, _> = rows.iter().map(insert::encode).collect();
        let encoded = encoded.map_err(|error| formless(&error))?;
        let sizes: Vec<_> = encoded.iter().map(|row| row.len() + 1).collect();
        // The rows of each request that is still to be made, the next one last.
        let ranges = batch::cut(&sizes, LIMITS);
        let mut requests: Vec<Vec<usize>> = ranges.into_iter().rev().map(Iterator::collect).collect();
        // Rows that were refused alone, from the first one on, and whether a refusal was not for their size.
        let (mut rejected, mut alone, mut is_doubtful) = (Vec::new(), 0, false);
        while let Some(mut indices) = requests.pop() {
            match (self.offer(table, &encoded, &indices).await?, &indices[..]) {
                (Reply::Taken, _) => {}
                // Each of these takes a row or more away, so there is an end to them.
                (Reply::Refused(faults), _) => {
                    self.check_table(table, &faults, rows, &indices)?;
                    rejected.extend(faults.iter().map(|fault| fault.rejected(indices[fault.index])));
                    faults.iter().rev().for_each(|fault| _ = indices.remove(fault.index));
                    requests.extend(Some(indices).filter(|indices| !indices.is_empty()));
                }
                (Reply::TooMuch { words, is_of_size }, &[index]) => {
                    let bytes = encoded[index].len();
                    let reason = format!("BigQuery does not take the row even alone, with its {bytes} bytes: {words}");
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

/// Not even single rows get in: that is the address, and no fault of the rows.
fn nothing_is_taken(rows: usize) -> CallError {
    let hint = "Check that BIGQUERY_EMULATOR_HOST is not set by mistake, and that no proxy stands between";
    let rows =
        if rows == 1 { "the one row that was sent".to_owned() } else { format!("{rows} rows, each sent by itself") };
    CallError::denied(format!("BigQuery takes none of {rows}"), hint)
}

fn formless(error: &serde_json::Error) -> CallError {
    CallError::Broken(format!("a row has no JSON form: {error}"))
}
