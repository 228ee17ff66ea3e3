//! Fields and conditions as SQL, in SQLite's dialect.

use super::{
    names::{Common, Dataset, Kind},
    question::Operation,
};
use crate::rollup::Source;

/// The tables that the rows of a data set come from.
pub(super) fn sources(dataset: Dataset) -> &'static [Source] {
    match dataset {
        Dataset::Events => &[Source::Events],
        Dataset::Logs => &[Source::Logs],
        Dataset::All => &Source::ALL,
    }
}

/// How a field stands in SQL.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expression {
    Common(&'static Common),
    /// The place of the path among the values.
    Metadata(usize),
}

impl Expression {
    pub fn sql(self, source: Source, dataset: Dataset) -> String {
        match self {
            // In common columns it tells the tables apart, as in the view `activity`.
            Self::Common(common) if common.name == "source" && dataset == Dataset::All && source == Source::Events => {
                "'events'".into()
            }
            Self::Common(common) if source == Source::Events => common.events.into(),
            Self::Common(common) => common.logs.into(),
            Self::Metadata(place) => format!("NULLIF(r.metadata -> ?{place}, 'null')"),
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Common(common) => common.kind,
            Self::Metadata(_) => Kind::Json,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Condition {
    pub expression: Expression,
    pub operation: Operation,
    /// The place of its values among those of the statement.
    pub place: usize,
}

impl Condition {
    /// The condition, for rows in which the field is `value`.
    pub fn of(self, value: String) -> String {
        let place = self.place;
        let is_json = self.expression.kind() == Kind::Json;
        match self.operation {
            Operation::Exists(_) => format!("({value} IS NOT NULL) = ?{place}"),
            Operation::In if is_json => equals(&value, place),
            Operation::NotIn if is_json => format!("NOT {}", equals(&value, place)),
            Operation::In => format!("{value} IN (SELECT value FROM json_each(?{place}))"),
            Operation::NotIn => format!("COALESCE({value} NOT IN (SELECT value FROM json_each(?{place})), 1)"),
            Operation::Contains => {
                let text = if is_json { of_json(&value) } else { value };
                format!("EXISTS (SELECT 1 FROM json_each(?{place}) AS v WHERE instr({text}, v.value) > 0)")
            }
        }
    }
}

/// The text of a JSON value that is a text; any other value has none.
fn of_json(value: &str) -> String {
    format!("CASE WHEN json_type({value}) = 'text' THEN {value} ->> '$' END")
}

/// Whether a JSON value is one of a list: numbers and truths by value, and never one for the other.
fn equals(value: &str, place: usize) -> String {
    let kind = |of: &str| format!("CASE {of} WHEN 'integer' THEN 'real' ELSE {of} END");
    let (of_list, of_value) = (kind("v.type"), kind(&format!("json_type({value})")));
    format!(
        "EXISTS (SELECT 1 FROM json_each(?{place}) AS v WHERE v.value = {value} ->> '$' AND {of_list} = {of_value})"
    )
}
