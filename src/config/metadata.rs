//! The settings of the metadata that users write into their calls.

use std::collections::BTreeSet;

use super::vars::SettingReader;
use crate::log::{
    metadata::{MetadataColumn, MetadataKeys},
    privacy::{Hashed, Privacy},
};

/// The fewest characters of `HASH_KEY`. An attacker who guesses the key can try all users' names until a hash fits.
const SHORTEST_KEY: usize = 16;

/// The most columns of `METADATA_COLUMNS`. More would make the views hard to read.
const MOST_COLUMNS: usize = 20;

impl<L: Fn(&str) -> Option<String>> SettingReader<L> {
    pub fn privacy(&mut self) -> Privacy {
        let dropped = self.metadata_keys("DROP_METADATA");
        let hashed = self.metadata_keys("HASH_METADATA");
        if let Some(key) = dropped.intersection(&hashed).next() {
            self.problem(
                "HASH_METADATA",
                format!("names {key:?}, but DROP_METADATA removes it: name it in one of them"),
            );
        }
        if hashed.is_empty() {
            return Privacy { dropped, hashed: None };
        }
        let secret = self.text("HASH_KEY");
        if (1..SHORTEST_KEY).contains(&secret.chars().count()) {
            let way_out = "`openssl rand -hex 32` makes a good one";
            self.problem("HASH_KEY", format!("is shorter than {SHORTEST_KEY} characters: {way_out}"));
        }
        Privacy { dropped, hashed: Some(Hashed::new(hashed, &secret)) }
    }

    /// The keys that the views know.
    pub fn metadata_keys_of_views(&mut self) -> MetadataKeys {
        MetadataKeys { columns: self.metadata_columns(), org: self.text("ORG_METADATA") }
    }

    /// The columns, in the order given.
    fn metadata_columns(&mut self) -> Vec<MetadataColumn> {
        const NAME: &str = "METADATA_COLUMNS";
        let mut columns: Vec<MetadataColumn> = Vec::new();
        let text = self.optional(NAME).unwrap_or_default();
        for column in text.split(',').map(str::trim).filter(|column| !column.is_empty()) {
            match MetadataColumn::parse(column) {
                // The dialects ignore the case of letters.
                Ok(column) if columns.iter().any(|known| known.key.eq_ignore_ascii_case(&column.key)) => {
                    self.problem(NAME, format!("names {:?} twice", column.key));
                }
                Ok(column) => columns.push(column),
                Err(problem) => self.problem(NAME, problem),
            }
        }
        if columns.len() > MOST_COLUMNS {
            self.problem(NAME, format!("names {} columns, but at most {MOST_COLUMNS} are shown", columns.len()));
        }
        columns
    }

    fn metadata_keys(&mut self, name: &'static str) -> BTreeSet<String> {
        let Some(text) = self.optional(name) else { return BTreeSet::new() };
        let mut keys = BTreeSet::new();
        keys.extend(text.split(',').map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned));
        if keys.is_empty() {
            self.problem(name, format!("is {text:?}, but must name keys such as \"user_id,email\""));
        }
        keys
    }
}
