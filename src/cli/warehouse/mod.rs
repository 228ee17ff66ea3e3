//! BigQuery as an operator meets it: the dataset, its tables, statements, and queries with a reader's credential.
//!
//! Tables are made as a person, with that person's token (`cli/warehouse/`): the service account may insert rows and
//! nothing else. `sql --check` compares columns by name and type, but not the texts of views, because BigQuery may
//! change a text that it keeps. It is cheaper to apply the views again than to compare them.

mod api;
pub mod beside;
mod credentials;
pub mod login;
mod questions;
pub mod reader;

use serde::Deserialize;

pub use crate::cli::warehouse::api::Ask;
pub use crate::cli::warehouse::api::LiveField;
pub use crate::cli::warehouse::api::LiveTable;
pub use crate::cli::warehouse::api::Partitioning;
use crate::{
    cli::{
        failure::Failure,
        warehouse::api::{Dataset, JobReference, QueryAnswer},
    },
    config::WarehouseSettings,
    error::CallError,
    host::{Host, call},
    secret::Secret,
};

/// How often a statement that is not done is asked for, 20 s each: those of this program, and queries of one day, take
/// seconds.
const ROUNDS: u32 = 6;

/// The dataset of the settings, reached as the person at this terminal.
pub struct Warehouse<'a, H> {
    host: &'a H,
    settings: &'a WarehouseSettings,
    token: Option<Secret>,
}

impl<'a, H: Host> Warehouse<'a, H> {
    /// Signs in. An emulator needs no token.
    pub fn new(host: &'a H, settings: &'a WarehouseSettings) -> Result<Self, Failure> {
        let signed_in = || {
            let token = credentials::of_person("or carry out yourself what `aig-logs sql` prints");
            token.map_err(|error| Failure::call("signing in to Google", error))
        };
        let token = if settings.emulated { None } else { Some(signed_in()?) };
        Ok(Self { host, settings, token })
    }

    async fn ask<T: for<'de> Deserialize<'de>>(&self, ask: Ask<'_>) -> Result<Option<T>, CallError> {
        let mut request = ask.request(&self.settings.base, &self.settings.table);
        if let Some(token) = &self.token {
            token.authorize(&mut request);
        }
        call(self.host, &request, |response| api::read(ask, response)).await
    }

    /// Where the dataset's data lies, such as `EU`. None: there is no such dataset.
    pub async fn location(&self) -> Result<Option<String>, CallError> {
        let dataset: Option<Dataset> = self.ask(Ask::Dataset).await?;
        Ok(dataset.map(|dataset| dataset.location))
    }

    /// Makes the dataset; `location` is final.
    pub async fn make_dataset(&self, location: &str) -> Result<(), CallError> {
        let _: Option<Dataset> = self.ask(Ask::NewDataset(location)).await?;
        Ok(())
    }

    /// A table or view. None: there is no such thing.
    pub async fn table(&self, table: &str) -> Result<Option<LiveTable>, CallError> {
        self.ask(Ask::Table(table)).await
    }

    /// How many bytes a question would read. It is a dry run, which costs nothing.
    pub async fn would_read(&self, sql: &str) -> Result<u64, CallError> {
        let answer: Option<QueryAnswer> = self.ask(Ask::Question { sql, parameters: &[], dry_run: true }).await?;
        let bytes = answer.and_then(|answer| answer.total_bytes_processed?.parse().ok());
        bytes.ok_or_else(|| CallError::Broken("BigQuery does not say what the question would read".into()))
    }

    /// Carries out a statement, and returns once it is done.
    pub async fn carry_out(&self, sql: &str, location: &str) -> Result<(), CallError> {
        let not_done = || CallError::Broken("BigQuery has not carried out the statement within two minutes".into());
        let answer = self.ask(Ask::Statement { sql, location }).await?.ok_or_else(not_done)?;
        let again =
            async |job: &JobReference| self.ask(Ask::Job { id: &job.job_id, location }).await?.ok_or_else(not_done);
        until_done(answer, again).await?.map(|_| ()).ok_or_else(not_done)
    }
}

/// Asks `again` until a statement is done. None: it was not done in time.
async fn until_done(
    mut answer: QueryAnswer,
    again: impl AsyncFn(&JobReference) -> Result<QueryAnswer, CallError>,
) -> Result<Option<QueryAnswer>, CallError> {
    for _ in 0..ROUNDS {
        match &answer.job_reference {
            _ if answer.job_complete => return Ok(Some(answer)),
            None => return Ok(None),
            Some(job) => answer = again(job).await?,
        }
    }
    Ok(Some(answer).filter(|answer| answer.job_complete))
}
