//! The settings about BigQuery: a table, who signs in, and where tables are made.

use super::{
    destination::Destination,
    service_account::ServiceAccount,
    vars::{ConfigError, SettingReader, read},
};
use crate::{
    log::{columns::LOGS, metadata::MetadataColumn},
    record::Table,
};

/// What a table in BigQuery is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    /// Project id.
    pub project: String,
    /// Dataset id.
    pub dataset: String,
    /// Table id.
    pub table: String,
}

impl TableName {
    /// Reads the settings through `lookup`, which gives the text of a name.
    ///
    /// # Errors
    /// Every setting that is missing or cannot be read, together.
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        read(lookup, SettingReader::table_name)
    }
}

/// What the statements that make table and views are to name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// The table in BigQuery; none where it is SQLite's, whose name is fixed.
    pub table: Option<TableName>,
    /// What the views show of the metadata.
    pub metadata_columns: Vec<MetadataColumn>,
}

impl Schema {
    /// Reads the settings through `lookup`, which gives the text of a name.
    ///
    /// # Errors
    /// Every setting that is missing or cannot be read, together.
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>, destination: &Destination) -> Result<Self, ConfigError> {
        read(lookup, |vars| {
            let table = destination.is_bigquery().then(|| vars.table_name());
            Self { table, metadata_columns: vars.metadata_columns() }
        })
    }
}

/// Where tables are made and looked at: a table's name, and the service that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarehouseSettings {
    /// Base address of the API, without a slash at its end.
    pub base: String,
    /// Whether it is an emulator, which asks nobody to sign in.
    pub emulated: bool,
    /// The raw table.
    pub table: TableName,
}

impl WarehouseSettings {
    /// Reads the settings through `lookup`, which gives the text of a name.
    ///
    /// # Errors
    /// Every setting that is missing or cannot be read, together.
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        read(lookup, SettingReader::warehouse)
    }
}

/// A table in BigQuery.
#[derive(Debug, Clone)]
pub struct BigQuery {
    /// Base address of the API, without a slash at its end.
    pub base: String,
    /// Project id.
    pub project: String,
    /// Dataset id.
    pub dataset: String,
    /// Table id.
    pub table: String,
    /// Who signs in; none only for an emulator.
    pub account: Option<ServiceAccount>,
}

impl BigQuery {
    /// What a table is called there.
    #[must_use]
    pub fn name_of<'a>(&'a self, table: &'static Table) -> &'a str {
        if table.name == LOGS.name { &self.table } else { table.name }
    }
}

impl<L: Fn(&str) -> Option<String>> SettingReader<L> {
    pub fn bigquery(&mut self) -> BigQuery {
        let emulated = self.optional("BIGQUERY_EMULATOR_HOST").is_some();
        let account = self.service_account(emulated);
        let WarehouseSettings { base, table: TableName { project, dataset, table }, .. } = self.warehouse();
        BigQuery { base, project, dataset, table, account }
    }

    pub fn warehouse(&mut self) -> WarehouseSettings {
        let table = self.table_name();
        let emulator = self.optional("BIGQUERY_EMULATOR_HOST");
        let emulated = emulator.is_some();
        let base = match emulator {
            Some(host) if host.contains("://") => self.address("BIGQUERY_EMULATOR_HOST", &host),
            Some(host) => self.address("BIGQUERY_EMULATOR_HOST", &format!("http://{host}")),
            None => "https://bigquery.googleapis.com".to_owned(),
        };
        WarehouseSettings { base, emulated, table }
    }

    pub fn table_name(&mut self) -> TableName {
        let project = self.optional("GCP_BQ_PROJECT").or_else(|| self.key_file().ok()??.project_id);
        TableName {
            // A project of a domain is called example.com:project.
            project: self.name("GCP_BQ_PROJECT", project, "-.:"),
            dataset: self.name("GCP_BQ_DATASET", None, "_"),
            table: self.name("GCP_BQ_TABLE", None, "_-"),
        }
    }
}
