//! Rows into BigQuery by `insertAll`: signed in, cut to size, every row's verdict read.

use std::{cell::RefCell, ops::Range};

use super::{
    Outcome, Rejected, Sink,
    insert::{self, Fault, Verdict},
};
use crate::{
    config::{BigQuery, ServiceAccount},
    error::CallError,
    google::{self, Scope, Token},
    host::{Host, call},
    plan::batch::{self, Limits},
    row::Row,
    run::{self, Run},
};

/// 500 rows as Google advises, and 9 MB of the 10 MB that a request may have.
/// cloud.google.com/bigquery/quotas, streaming inserts
const LIMITS: Limits = Limits { rows: 500, bytes: 9_000_000 };

/// How often rows that were only held back are sent again before the next tick takes over.
const ROUNDS: u32 = 3;

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

    /// One insert into a table of the dataset. A refused token is replaced once.
    async fn insert(&self, table: &str, rows: &[&[u8]]) -> Result<Verdict, CallError> {
        for _ in 0..2 {
            let mut request = insert::insert(self.table, table, rows);
            if let Some(token) = self.token().await? {
                token.secret.authorize(&mut request);
            }
            let verdict = call(self.host, &request, |response| insert::read(response, self.table)).await?;
            if verdict != Verdict::Unauthorized {
                return Ok(verdict);
            }
            self.sign_in.0.replace(None);
        }
        Err(CallError::denied(
            "BigQuery refuses the token that Google has just handed out",
            "Check that GCP_TOKEN_URI is Google's own, and that BIGQUERY_EMULATOR_HOST is not set by mistake",
        ))
    }

    /// Writes the rows of one range; what was only held back is returned, to be sent again.
    async fn write_range(
        &self,
        encoded: &[Vec<u8>],
        indices: &[usize],
        rejected: &mut Vec<Rejected>,
    ) -> Result<Vec<usize>, CallError> {
        let mut held_back = Vec::new();
        let sizes: Vec<_> = indices.iter().map(|index| encoded[*index].len() + 1).collect();
        let mut ranges: Vec<Range<usize>> = batch::cut(&sizes, LIMITS);
        ranges.reverse();
        while let Some(range) = ranges.pop() {
            let rows: Vec<_> = indices[range.clone()].iter().map(|index| encoded[*index].as_slice()).collect();
            // One row above the limit cannot get in; asking would only cost the upload.
            let oversized = rows.len() == 1 && rows[0].len() > LIMITS.bytes;
            let verdict = if oversized { Verdict::TooLarge } else { self.insert(&self.table.table, &rows).await? };
            match (verdict, batch::halves(&range)) {
                (Verdict::Taken(faults), _) => {
                    let (again, refused) = self.judge(faults, rows.len())?;
                    held_back.extend(again.iter().map(|fault| indices[range.start + fault.index]));
                    rejected.extend(refused.iter().map(|fault| fault.rejected(indices[range.start + fault.index])));
                }
                (Verdict::TooLarge, Some([first, second])) => ranges.extend([second, first]),
                (Verdict::TooLarge | Verdict::Unauthorized, _) => rejected.push(Rejected {
                    index: indices[range.start],
                    reason: format!("the row alone is too large for BigQuery: {} bytes", rows[0].len()),
                }),
            }
        }
        Ok(held_back)
    }

    /// Parts the rows that were only held back from those refused, unless it is the table that is wrong.
    fn judge(&self, faults: Vec<Fault>, rows: usize) -> Result<(Vec<Fault>, Vec<Fault>), CallError> {
        if faults.iter().any(|fault| fault.index >= rows) {
            return Err(CallError::Broken("BigQuery names a row that was not sent".into()));
        }
        let (held_back, refused): (Vec<_>, Vec<_>) = faults.into_iter().partition(Fault::is_held_back);
        let Some(fault) = insert::common(&refused, rows) else { return Ok((held_back, refused)) };
        let BigQuery { project, dataset, table, .. } = self.table;
        let message = format!("the table {project}.{dataset}.{table} refuses the rows: {}", fault.outline());
        let hint = "Bring it up to sql/bigquery/1_table.sql: `aig-logs sql --apply` adds missing columns; a change of the schema \
                    takes some minutes to be known. Check GCP_BQ_TABLE";
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

    async fn write(&self, rows: &[Row]) -> Result<Outcome, CallError> {
        let encoded: Result<Vec<_>, _> = rows.iter().map(|row| insert::encode(&row.id, row)).collect();
        let encoded = encoded.map_err(|error| formless(&error))?;
        let mut rejected = Vec::new();
        let mut indices: Vec<usize> = (0..rows.len()).collect();
        for _ in 0..ROUNDS {
            indices = self.write_range(&encoded, &indices, &mut rejected).await?;
            if indices.is_empty() {
                return Ok(Outcome { known: 0, rejected });
            }
        }
        Err(CallError::Broken(format!("BigQuery keeps holding back {} good rows", indices.len())))
    }

    async fn record(&self, run: &Run) -> Result<(), CallError> {
        let line = insert::encode(&run.id, run).map_err(|error| formless(&error))?;
        match self.insert(run::TABLE, &[&line]).await? {
            Verdict::Taken(faults) => faults.first().map_or(Ok(()), |fault| Err(CallError::Broken(fault.outline()))),
            Verdict::TooLarge | Verdict::Unauthorized => {
                Err(CallError::Broken("BigQuery does not take the line".into()))
            }
        }
    }
}

fn formless(error: &serde_json::Error) -> CallError {
    CallError::Broken(format!("a row has no JSON form: {error}"))
}
