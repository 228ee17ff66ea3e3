//! The settings about BigQuery: a table, who signs in, and where tables are made.

use super::{ConfigError, Destination, read, vars::Vars};
use crate::{
    google::PrivateKey,
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
        read(lookup, Vars::table_name)
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
pub struct Warehouse {
    /// Base address of the API, without a slash at its end.
    pub base: String,
    /// Whether it is an emulator, which asks nobody to sign in.
    pub emulated: bool,
    /// The raw table.
    pub table: TableName,
}

impl Warehouse {
    /// Reads the settings through `lookup`, which gives the text of a name.
    ///
    /// # Errors
    /// Every setting that is missing or cannot be read, together.
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        read(lookup, Vars::warehouse)
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

/// A Google service account.
#[derive(Debug, Clone)]
pub struct ServiceAccount {
    /// `client_email`.
    pub email: String,
    /// `private_key`.
    pub key: PrivateKey,
    /// `private_key_id`, where the whole key file is given.
    pub key_id: Option<String>,
    /// Where an assertion is exchanged for a token; also the assertion's audience.
    pub token_uri: String,
}
