//! The parameters of a template: each is declared in a comment, and is a value of the statement, never a part of its
//! text.

use serde_json::{Map, Value};

use crate::{
    query::{Wrong, question::instant},
    record::Cell,
    time::{self, Timestamp},
};

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An instant, also by its distance from the present.
    Instant,
    /// An integer.
    Integer,
    /// A number.
    Number,
    /// A text.
    Text,
    /// A key of the metadata: in a statement for SQLite it is the key's path.
    Key,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Instant, Self::Integer, Self::Number, Self::Text, Self::Key];

    fn name(self) -> &'static str {
        match self {
            Self::Instant => "instant",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Text => "text",
            Self::Key => "key",
        }
    }

    /// The value of a text of this type; a text that does not fit stays a text.
    pub fn typed(self, text: &str) -> Value {
        match self {
            Self::Integer | Self::Number => {
                serde_json::from_str(text).ok().filter(Value::is_number).unwrap_or_else(|| text.into())
            }
            Self::Instant | Self::Text | Self::Key => text.into(),
        }
    }
}

/// A parameter of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parameter<'a> {
    pub name: &'a str,
    pub kind: Kind,
    /// Its text if the question does not say; none: the question must say.
    pub default: Option<&'a str>,
    pub meaning: &'a str,
}

impl<'a> Parameter<'a> {
    /// Reads `NAME TYPE [= DEFAULT]`.
    pub fn read(head: &'a str, meaning: &'a str) -> Result<Self, String> {
        let wrong = || format!("the comment {head:?} is no parameter: write `-- NAME TYPE = DEFAULT: what it is`");
        let (head, default) = head.split_once(" = ").map_or((head, None), |(head, default)| (head, Some(default)));
        let (name, kind) = head.split_once(' ').ok_or_else(wrong)?;
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind.trim()).ok_or_else(wrong)?;
        Ok(Self { name, kind, default: default.map(str::trim), meaning: meaning.trim() })
    }

    /// The value that the question gives, or else the default.
    pub fn value(&self, given: Value) -> Result<Value, Wrong> {
        if !given.is_null() {
            return Ok(given);
        }
        let default = self.default.map(|text| self.default_of(text));
        default.ok_or_else(|| {
            Wrong::malformed("parameters", format!("send the parameter {}: {}", self.name, self.meaning))
        })
    }

    fn default_of(&self, text: &str) -> Value {
        if text == "null" { Value::Null } else { self.kind.typed(text) }
    }

    /// The value, of its type.
    pub fn cell(&self, value: Value, now: Timestamp) -> Result<Cell, Wrong> {
        let cell = match (self.kind, value) {
            (_, Value::Null) => Some(Cell::Null),
            (Kind::Instant, Value::String(text)) => instant(&text, now).map(|at| Cell::Text(time::text(at))),
            (Kind::Integer, Value::Number(number)) => number.as_i64().map(Cell::Integer),
            (Kind::Number, Value::Number(number)) => number.as_f64().map(Cell::Float),
            (Kind::Text | Kind::Key, Value::String(text)) => Some(Cell::Text(text)),
            (Kind::Instant | Kind::Integer | Kind::Number | Kind::Text | Kind::Key, _) => None,
        };
        cell.ok_or_else(|| {
            let example = if self.kind == Kind::Instant { " such as 2026-11-01T00:00:00Z, -7d or now" } else { "" };
            let article = if matches!(self.kind, Kind::Instant | Kind::Integer) { "an" } else { "a" };
            let detail = format!("the parameter {} is {article} {}{example}", self.name, self.kind.name());
            Wrong::malformed("parameters", detail)
        })
    }

    /// What is to know about it, as JSON.
    pub fn told(&self) -> Value {
        let mut told = Map::new();
        told.insert("name".into(), self.name.into());
        told.insert("type".into(), self.kind.name().into());
        told.insert("required".into(), self.default.is_none().into());
        told.extend(self.default.map(|text| ("default".into(), self.default_of(text))));
        told.insert("description".into(), self.meaning.into());
        told.into()
    }

    /// The same in words.
    pub fn words(&self) -> String {
        let default = self.default.map_or("required".into(), |default| format!("default {default}"));
        format!("{} ({}, {default})", self.meaning, self.kind.name())
    }
}
