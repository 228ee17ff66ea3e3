//! Columns that the views show beside the columns of the table: values of the metadata, each under the name of its key.

use serde_json::Value;

use crate::log::columns::LOGS;

/// The most characters of a name in `BigQuery`.
const LONGEST_NAME: usize = 300;

/// The keys of the metadata that the views know by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataKeys {
    /// The columns of the view `aig_logs`, in their order.
    pub columns: Vec<MetadataColumn>,
    /// The key whose value is the org of a log in the view `activity`.
    pub org: String,
}

/// No column, and the key `org`.
impl Default for MetadataKeys {
    fn default() -> Self {
        Self { columns: Vec::new(), org: "org".into() }
    }
}

impl MetadataKeys {
    /// The org of a log as text in a statement for `SQLite`, or null.
    #[must_use]
    pub fn org_in_sqlite(&self) -> String {
        format!("CAST(json_extract(metadata, '{}') AS TEXT)", path(&self.org).replace('\'', "''"))
    }
}

/// The path of a key in `SQLite`. A label in it may be any JSON text, whose letters are compared without their escapes.
#[must_use]
pub fn path(key: &str) -> String {
    format!("$.{}", Value::from(key))
}

/// A key of the metadata that is a column of the view `aig_logs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataColumn {
    /// The key, and the column's name.
    pub key: String,
    /// The type of the values. A value that does not fit is null.
    pub kind: Scalar,
}

/// The type of a column from the metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    /// Text, or a number or a Boolean as text.
    Text,
    /// 64-bit integer, or a text of one.
    Integer,
    /// 64-bit float, or a text of one.
    Float,
    /// Boolean, or the text `true` or `false`.
    Bool,
}

impl MetadataColumn {
    /// Reads `name` or `name:type`.
    ///
    /// # Errors
    /// If the name or the type is wrong, returns what it must be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (key, kind) = text.split_once(':').map_or((text, "string"), |(key, kind)| (key.trim(), kind.trim()));
        let kind = match kind {
            "string" => Scalar::Text,
            "int64" => Scalar::Integer,
            "float64" => Scalar::Float,
            "bool" => Scalar::Bool,
            other => {
                return Err(format!("gives {key:?} the type {other:?}, but must say string, int64, float64 or bool"));
            }
        };
        let known = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let is_name = key.starts_with(|first: char| first.is_ascii_alphabetic()) && key.chars().all(known);
        if !is_name || key.len() > LONGEST_NAME {
            let rule =
                format!("but a column's name has up to {LONGEST_NAME} of A to Z, a to z, 0 to 9 and _, a letter first");
            return Err(format!("names {key:?}, {rule}"));
        }
        if LOGS.columns.iter().any(|column| column.name.eq_ignore_ascii_case(key)) {
            return Err(format!("names {key:?}, but the table has a column of that name"));
        }
        Ok(Self { key: key.to_owned(), kind })
    }

    /// The column in a statement for `BigQuery`, with its name.
    #[must_use]
    pub fn in_bigquery(&self) -> String {
        let Self { key, kind } = self;
        let value = format!("JSON_VALUE(metadata, '$.{key}')");
        // A cast alone would accept more: a hexadecimal number, NaN, a text with spaces around it.
        let cast = |pattern: &str, kind: &str| format!("SAFE_CAST(REGEXP_EXTRACT({value}, r'{pattern}') AS {kind})");
        let shown = match kind {
            Scalar::Text => value,
            Scalar::Integer => cast(r"^(0|-?[1-9][0-9]*)(?:\.0)?$", "INT64"),
            Scalar::Float => cast(r"^(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)$", "FLOAT64"),
            Scalar::Bool => cast("^(true|false)$", "BOOL"),
        };
        format!("{shown} AS `{key}`")
    }

    /// The column in a statement for `SQLite`, with its name: the same values.
    #[must_use]
    pub fn in_sqlite(&self) -> String {
        let Self { key, kind } = self;
        let shown = match kind {
            Scalar::Text => {
                "CASE WHEN type IN ('true', 'false') THEN type WHEN type NOT IN ('object', 'array') \
                 THEN CAST(value AS TEXT) END"
            }
            Scalar::Integer => {
                "CASE WHEN type IN ('integer', 'real', 'text') AND CAST(value AS TEXT) \
                 IN (CAST(CAST(value AS INTEGER) AS TEXT), CAST(value AS INTEGER) || '.0') THEN CAST(value AS INTEGER) END"
            }
            // Only numbers are valid JSON of these characters.
            Scalar::Float => {
                "CASE WHEN type IN ('integer', 'real') THEN CAST(value AS REAL) WHEN type = 'text' \
                 AND value NOT GLOB '*[^-+.0-9eE]*' AND json_valid(value) \
                 AND abs(CAST(value AS REAL)) <= 1.7976931348623157e308 THEN CAST(value AS REAL) END"
            }
            Scalar::Bool => {
                "CASE CASE type WHEN 'text' THEN value ELSE type END WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"
            }
        };
        let found = format!("json_type(metadata, '$.{key}') AS type, json_extract(metadata, '$.{key}') AS value");
        format!("(SELECT {shown} FROM (SELECT {found})) AS \"{key}\"")
    }
}
