//! The words of a question, read one by one, and what is wrong with them.

use chrono::TimeDelta;
use serde_json::{Map, Value};

use crate::{
    query::names::FIELDS,
    time::{self, Timestamp},
};

/// Why a question is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// What kind of problem it is.
    pub reason: Reason,
    /// The member of the question that it is about.
    pub member: &'static str,
    /// What to change, as a sentence. It repeats nothing of the question.
    pub detail: String,
}

/// What kind of problem a question has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It cannot be read.
    Malformed,
    /// It is about another org than its key's.
    OtherOrg,
    /// It would read, or answer, too much.
    TooMuch,
}

impl Wrong {
    /// It cannot be read.
    pub fn malformed(member: &'static str, detail: impl Into<String>) -> Self {
        Self { reason: Reason::Malformed, member, detail: detail.into() }
    }

    /// It would read, or answer, too much.
    pub fn too_much(member: &'static str, detail: impl Into<String>) -> Self {
        Self { reason: Reason::TooMuch, member, detail: detail.into() }
    }
}

/// The words of a question that are left to read.
pub(super) struct Words<'a>(pub &'a mut Map<String, Value>);

impl Words<'_> {
    /// A text; none: it is absent or null.
    pub fn text(&mut self, member: &'static str) -> Result<Option<String>, Wrong> {
        match self.0.remove(member) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Wrong::malformed(member, format!("send {member} as text"))),
        }
    }

    /// Texts: one, or a list; none: it is absent or null.
    pub fn texts(&mut self, member: &'static str) -> Result<Option<Vec<String>>, Wrong> {
        let wrong = || Wrong::malformed(member, format!("send {member} as a text or a list of texts"));
        match self.0.remove(member) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(vec![text])),
            Some(Value::Array(list)) => {
                let text = |value| if let Value::String(text) = value { Ok(text) } else { Err(wrong()) };
                list.into_iter().map(text).collect::<Result<_, _>>().map(Some)
            }
            Some(_) => Err(wrong()),
        }
    }

    /// A number from 1 to `most`.
    pub fn number(&mut self, member: &'static str, usual: u64, most: u64) -> Result<u64, Wrong> {
        match self.0.remove(member) {
            None | Some(Value::Null) => Ok(usual),
            Some(number) => {
                let number = number.as_u64().filter(|number| (1..=most).contains(number));
                number.ok_or_else(|| Wrong::malformed(member, format!("{member} is a number from 1 to {most}")))
            }
        }
    }

    /// Whether something is asked for.
    pub fn truth(&mut self, member: &'static str) -> Result<bool, Wrong> {
        match self.0.remove(member) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(truth)) => Ok(truth),
            Some(_) => Err(Wrong::malformed(member, format!("{member} is true or false"))),
        }
    }

    /// The instant that a member names.
    pub fn instant(&mut self, member: &'static str, now: Timestamp) -> Result<Timestamp, Wrong> {
        let example = "2026-11-01T00:00:00Z, -7d, -24h or now";
        let wrong = || Wrong::malformed(member, format!("send {member} as an instant: {example}"));
        let text = self.text(member)?.ok_or_else(wrong)?;
        instant(&text, now).ok_or_else(wrong)
    }

    /// Refuses a question that says more than was read.
    pub fn none_left(&self) -> Result<(), Wrong> {
        match self.0.keys().next() {
            None => Ok(()),
            // The name is the asker's own word, and may be long.
            Some(name) => {
                let name: String = name.chars().take(64).collect();
                Err(Wrong::malformed("", format!("a question has no member {name}")))
            }
        }
    }
}

/// The instant that a text names: RFC 3339, or its distance from the present.
#[must_use]
pub fn instant(text: &str, now: Timestamp) -> Option<Timestamp> {
    relative(text, now).or_else(|| time::parse_instant(text)).map(time::floor_ms)
}

/// An instant by its distance from the present.
fn relative(text: &str, now: Timestamp) -> Option<Timestamp> {
    if text == "now" {
        return Some(now);
    }
    let text = text.strip_prefix('-')?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number = digits.bytes().all(|letter| letter.is_ascii_digit()).then(|| digits.parse().ok()).flatten()?;
    let distance = match unit {
        "m" => TimeDelta::try_minutes(number),
        "h" => TimeDelta::try_hours(number),
        "d" => TimeDelta::try_days(number),
        "w" => TimeDelta::try_weeks(number),
        _ => None,
    }?;
    now.checked_sub_signed(distance).filter(|instant| time::is_near(*instant))
}

/// A member names a field that is not there.
pub(super) fn unknown_field(member: &'static str) -> impl Fn() -> Wrong {
    move || {
        let names: Vec<_> = FIELDS.iter().map(|field| field.name).collect();
        let detail = format!("{member} names fields: {}, and metadata.KEY", names.join(", "));
        Wrong::malformed(member, detail)
    }
}
