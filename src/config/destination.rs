//! The destinations of rows.

use std::path::{Path, PathBuf};

use super::vars::{ConfigError, SettingReader, read};

/// A sink, and where it writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// The table of the settings in BigQuery.
    BigQuery,
    /// A SQLite file.
    Sqlite(PathBuf),
    /// The database of the settings in D1.
    D1,
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
    pub const FORMS: &str = "sqlite[:PATH], bigquery, d1 or ndjson[:PATH]";

    /// Reads `sqlite[:PATH]`, `bigquery`, `d1` or `ndjson[:PATH]`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, path) = text.split_once(':').map_or((text, None), |(kind, path)| (kind, Some(path)));
        match (kind, path) {
            (_, Some("")) => None,
            ("sqlite", None) => Some(Self::default()),
            ("sqlite", Some(path)) => Some(Self::Sqlite(path.into())),
            ("bigquery", None) => Some(Self::BigQuery),
            ("d1", None) => Some(Self::D1),
            ("ndjson", path) => Some(Self::Ndjson(path.map(PathBuf::from))),
            _ => None,
        }
    }

    /// Reads `SINKS`: the sinks of the poller's Worker, each at most once.
    ///
    /// # Errors
    /// If the setting names another sink, or none.
    pub fn of_worker(lookup: impl Fn(&str) -> Option<String>) -> Result<Vec<Self>, ConfigError> {
        read(lookup, SettingReader::sinks)
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
            Self::BigQuery | Self::D1 | Self::Ndjson(None) => None,
        }
    }

    /// Whether the destination is D1.
    #[must_use]
    pub fn is_d1(&self) -> bool {
        matches!(self, Self::D1)
    }

    /// Whether the destination is the table in BigQuery, which has settings of its own.
    #[must_use]
    pub fn is_bigquery(&self) -> bool {
        matches!(self, Self::BigQuery)
    }
}

impl<L: Fn(&str) -> Option<String>> SettingReader<L> {
    /// The sinks that `SINKS` names.
    pub fn sinks(&mut self) -> Vec<Destination> {
        const NAME: &str = "SINKS";
        let text = self.text(NAME);
        let mut sinks = Vec::new();
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let sink = if name == "d1" { Destination::D1 } else { Destination::BigQuery };
            if !matches!(name, "bigquery" | "d1")
                || sinks.iter().any(|known: &Destination| known.is_d1() == sink.is_d1())
            {
                sinks.clear();
                break;
            }
            sinks.push(sink);
        }
        if sinks.is_empty() {
            self.problem(NAME, format!("is {text:?}, but must be bigquery, d1, or both of them"));
        }
        sinks
    }
}

#[cfg(test)]
mod tests {
    use super::Destination;

    #[test]
    fn a_worker_writes_to_bigquery_to_d1_or_to_both() {
        let sinks = |text: &str| Destination::of_worker(|_| Some(text.to_owned()));
        assert_eq!(sinks(""), Ok(vec![Destination::BigQuery]));
        assert_eq!(sinks("d1"), Ok(vec![Destination::D1]));
        assert_eq!(sinks(" bigquery , d1,"), Ok(vec![Destination::BigQuery, Destination::D1]));
        for wrong in ["sqlite", "ndjson:x", "d1,d1", "D1", ",", "bigquery;d1"] {
            let error = sinks(wrong).unwrap_err().to_string();
            assert!(error.starts_with("SINKS ") && error.lines().count() == 1, "{error}");
        }
    }

    #[test]
    fn sinks_are_named_with_or_without_a_path() {
        let check = |text, expected| assert_eq!(Destination::parse(text), expected, "{text}");
        check("sqlite", Some(Destination::Sqlite("aig-logs.sqlite".into())));
        check("sqlite:C:/logs.sqlite", Some(Destination::Sqlite("C:/logs.sqlite".into())));
        check("ndjson", Some(Destination::Ndjson(None)));
        check("ndjson:rows", Some(Destination::Ndjson(Some("rows".into()))));
        check("bigquery", Some(Destination::BigQuery));
        check("d1", Some(Destination::D1));
        for wrong in ["", "sqlite:", "ndjson:", "bigquery:table", "d1:database", "postgres"] {
            check(wrong, None);
        }
    }
}
