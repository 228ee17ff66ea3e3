//! The destinations of rows.

use std::path::{Path, PathBuf};

/// A sink, and where it writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// The table of the settings in BigQuery.
    BigQuery,
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A file of JSON lines; none: standard output.
    Ndjson(Option<PathBuf>),
}

impl Default for Destination {
    fn default() -> Self {
        Self::Sqlite("aig-logs.sqlite".into())
    }
}

impl Destination {
    /// The forms of a destination, for help and errors.
    pub const FORMS: &str = "sqlite[:PATH], bigquery or ndjson[:PATH]";

    /// Reads `sqlite[:PATH]`, `bigquery` or `ndjson[:PATH]`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, path) = text.split_once(':').map_or((text, None), |(kind, path)| (kind, Some(path)));
        match (kind, path) {
            (_, Some("")) => None,
            ("sqlite", None) => Some(Self::default()),
            ("sqlite", Some(path)) => Some(Self::Sqlite(path.into())),
            ("bigquery", None) => Some(Self::BigQuery),
            ("ndjson", path) => Some(Self::Ndjson(path.map(PathBuf::from))),
            _ => None,
        }
    }

    /// The SQLite file, if the destination is one. The same file may hold a state.
    #[must_use]
    pub fn sqlite_file(&self) -> Option<&Path> {
        if let Self::Sqlite(path) = self { Some(path) } else { None }
    }

    /// The file, if it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) | Self::Ndjson(Some(path)) => Some(path),
            Self::BigQuery | Self::Ndjson(None) => None,
        }
    }

    /// Whether the destination is the table in BigQuery, which has settings of its own.
    #[must_use]
    pub fn is_bigquery(&self) -> bool {
        matches!(self, Self::BigQuery)
    }
}

#[cfg(test)]
mod tests {
    use super::Destination;

    #[test]
    fn sinks_are_named_with_or_without_a_path() {
        let check = |text, expected| assert_eq!(Destination::parse(text), expected, "{text}");
        check("sqlite", Some(Destination::Sqlite("aig-logs.sqlite".into())));
        check("sqlite:C:/logs.sqlite", Some(Destination::Sqlite("C:/logs.sqlite".into())));
        check("ndjson", Some(Destination::Ndjson(None)));
        check("ndjson:rows", Some(Destination::Ndjson(Some("rows".into()))));
        check("bigquery", Some(Destination::BigQuery));
        for wrong in ["", "sqlite:", "ndjson:", "bigquery:table", "postgres"] {
            check(wrong, None);
        }
    }
}
