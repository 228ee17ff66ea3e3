//! The pieces into which a question is cut: counted spans, and raw rows between them.

use std::ops::Range;

use serde_json::{Value, json};

use super::closed::{Closed, Piece};
use crate::{
    query::steps::Span,
    rollup::{Grain, Source},
    time::{self, Timestamp},
};

/// Pieces, each with its source and the number of its step.
#[derive(Debug, Default)]
pub struct Pieces(pub Vec<(Source, usize, Piece)>);

impl Pieces {
    /// Those of every step: counted spans that are `wanted`, by their grain and beginning.
    pub fn of(sources: &[Source], steps: &[Span], closed: &Closed, wanted: impl Fn(Grain, Timestamp) -> bool) -> Self {
        let mut pieces = Vec::new();
        for source in sources {
            for (step, span) in steps.iter().enumerate() {
                let cut = closed.pieces(*source, span.since, span.until, &wanted);
                pieces.extend(cut.into_iter().map(|piece| (*source, step, piece)));
            }
        }
        Self(pieces)
    }

    /// The days of every step, and raw rows between them. Each day is a piece of its own, because a line of a key or of a user
    /// is found by its day.
    pub fn by_day(sources: &[Source], steps: &[Span], closed: &Closed) -> Self {
        let mut pieces = Vec::new();
        for (source, step, piece) in Self::of(sources, steps, closed, |grain, _| grain == Grain::Day).0 {
            let mut next = piece;
            while piece.grain.is_some() && next.since + Grain::Day.length() < piece.until {
                let until = next.since + Grain::Day.length();
                pieces.push((source, step, Piece { until, ..next }));
                next.since = until;
            }
            pieces.push((source, step, next));
        }
        Self(pieces)
    }

    /// Whether one of them is counted.
    pub fn are_counted(&self) -> bool {
        self.0.iter().any(|(_, _, piece)| piece.grain.is_some())
    }

    /// Whether rows of events of a range are read.
    pub fn read_events(&self, range: &Range<Timestamp>) -> bool {
        let is_read = |(source, _, piece): &(Source, usize, Piece)| {
            let is_of_rows = *source == Source::Events && piece.grain.is_none();
            is_of_rows && piece.since < range.end && range.start < piece.until
        };
        self.0.iter().any(is_read)
    }

    /// As a value of a statement: source, step, grain or `raw`, and the two instants of each. Where these are the step's they
    /// are left out, and the statement takes them from there: D1 has 2 MB for a value, and two years have 18,000 hours.
    pub fn value(&self, steps: &[Span]) -> Value {
        let pieces = self.0.iter().map(|(source, step, piece)| {
            let grain = piece.grain.map_or("raw", Grain::name);
            let is_whole = steps.get(*step).is_some_and(|span| (span.since, span.until) == (piece.since, piece.until));
            if is_whole {
                return json!([source.name(), step, grain]);
            }
            json!([source.name(), step, grain, time::text(piece.since), time::text(piece.until)])
        });
        pieces.collect()
    }
}
