//! Fields and conditions as SQL.

use super::{
    dialect::{Dialect, Sqlite},
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
    /// In SQLite's dialect.
    pub fn sql(self, source: Source, dataset: Dataset) -> String {
        self.in_dialect::<Sqlite>(source, dataset)
    }

    pub fn in_dialect<D: Dialect>(self, source: Source, dataset: Dataset) -> String {
        match self {
            // In common columns it tells the tables apart, as in the view `activity`.
            Self::Common(common) if common.name == "source" && dataset == Dataset::All && source == Source::Events => {
                "'events'".into()
            }
            Self::Common(common) if source == Source::Events => common.events.into(),
            Self::Common(common) => D::of_log(common.logs).into(),
            Self::Metadata(place) => D::member(place),
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
    /// The place of its values among those of the statement, if it has any.
    pub place: usize,
}

impl Condition {
    /// The condition in SQLite's dialect, for rows in which the field is `value`.
    pub fn of(self, value: String) -> String {
        self.in_dialect::<Sqlite>(value)
    }

    pub fn in_dialect<D: Dialect>(self, value: String) -> String {
        let place = self.place;
        let is_json = self.expression.kind() == Kind::Json;
        let is_in = || if is_json { D::json_is_in(&value, place) } else { D::is_in(&value, place) };
        match self.operation {
            Operation::Exists(true) => value + " IS NOT NULL",
            Operation::Exists(false) => value + " IS NULL",
            Operation::In => is_in(),
            Operation::NotIn => format!("COALESCE(NOT {}, true)", is_in()),
            Operation::Contains if is_json => D::contains(&D::text_in(&value), place),
            Operation::Contains => D::contains(&value, place),
        }
    }
}
