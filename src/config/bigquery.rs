//! The settings of BigQuery: a table, the account that signs in, and the service that has the tables.

use super::{
    destination::Destination,
    service_account::ServiceAccount,
    vars::{ConfigError, SettingReader, read},
};
use crate::{
    log::{columns::LOGS, metadata::MetadataKeys},
    record::Table,
};

/// The name of a table in BigQuery.
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
    /// Reads the settings through `lookup`, which returns the text of a name.
    ///
    /// # Errors
    /// If any setting is missing or cannot be read: all of them, together.
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        read(lookup, SettingReader::table_name)
    }
}

/// The names in the statements that make table and views.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// The table in BigQuery; none for SQLite, whose table has a fixed name.
    pub table: Option<TableName>,
    /// The keys of the metadata that the views know.
    pub metadata: MetadataKeys,
}

impl Schema {
    /// Reads the settings through `lookup`, which returns the text of a name.
    ///
    /// # Errors
    /// If any setting is missing or cannot be read: all of them, together.
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>, destination: &Destination) -> Result<Self, ConfigError> {
        read(lookup, |vars| {
            let table = destination.is_bigquery().then(|| vars.table_name());
            Self { table, metadata: vars.metadata_keys_of_views() }
        })
    }
}

/// The place where tables are made and inspected: the table's name, and the service that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarehouseSettings {
    /// Base address of the API, without a slash at its end.
    pub base: String,
    /// Whether the service is an emulator, which needs no sign-in.
    pub emulated: bool,
    /// The raw table.
    pub table: TableName,
}

impl WarehouseSettings {
    /// Reads the settings through `lookup`, which returns the text of a name.
    ///
    /// # Errors
    /// If any setting is missing or cannot be read: all of them, together.
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
    /// The account that signs in; none only for an emulator.
    pub account: Option<ServiceAccount>,
}

impl BigQuery {
    /// The name of a table there.
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
            // The project of a domain has a name such as example.com:project.
            project: self.name("GCP_BQ_PROJECT", project, "-.:"),
            dataset: self.name("GCP_BQ_DATASET", None, "_"),
            table: self.name("GCP_BQ_TABLE", None, "_-"),
        }
    }
}
