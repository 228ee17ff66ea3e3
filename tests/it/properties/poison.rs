//! Logs in which something stands that no reader expects, by chance.

use rand::{Rng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

/// What stands in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// A half of a surrogate pair.
    HalfLetter,
    /// A byte that no text holds.
    BadByte,
    /// A control letter without an escape.
    ControlLetter,
    /// A number that no double holds.
    Number,
    /// An integer of more digits than 64 bits hold, within the metadata.
    Digits,
    /// The id is a number.
    NumericId,
    /// There is no id.
    NoId,
    /// `created_at` is no instant with a time zone.
    NoInstant,
    /// There is neither.
    Neither,
    /// It is no object.
    NoObject,
}

impl Oddity {
    const ALL: [Self; 10] = [
        Self::HalfLetter,
        Self::BadByte,
        Self::ControlLetter,
        Self::Number,
        Self::Digits,
        Self::NumericId,
        Self::NoId,
        Self::NoInstant,
        Self::Neither,
        Self::NoObject,
    ];

    pub fn of(chance: &mut ChaCha8Rng, share: f64) -> Option<Self> {
        if chance.gen_bool(share) { Self::ALL.choose(chance).copied() } else { None }
    }

    /// Whether no row can be made of it.
    pub fn is_letter(self) -> bool {
        match self {
            Self::NumericId | Self::NoId | Self::NoInstant | Self::Neither | Self::NoObject => true,
            Self::HalfLetter | Self::BadByte | Self::ControlLetter | Self::Number | Self::Digits => false,
        }
    }

    /// Whether nobody can read when it was logged.
    pub fn hides_its_instant(self) -> bool {
        matches!(self, Self::NoInstant | Self::Neither | Self::NoObject)
    }

    /// What must come of it in the row, beside everything else.
    pub fn fields(self) -> Value {
        match self {
            Self::HalfLetter | Self::BadByte => json!({ "user_agent": "x\u{fffd}y" }),
            Self::ControlLetter => json!({ "user_agent": "x\u{1}y" }),
            Self::Number => json!({ "wide": "1e400" }),
            Self::Digits => json!({ "metadata": { "wide": "12345678901234567890123" } }),
            Self::NumericId | Self::NoId | Self::NoInstant | Self::Neither | Self::NoObject => json!({}),
        }
    }

    /// The bytes in which the list shows an entry that has these fields. `n` is the entry's number.
    pub fn shown(self, entry: &Value, n: usize) -> Vec<u8> {
        let text = entry.to_string();
        let without = |names: &[&str]| {
            let mut entry = entry.clone();
            entry.as_object_mut().unwrap().retain(|name, _| !names.contains(&name.as_str()));
            entry["number"] = n.into();
            entry
        };
        match self {
            Self::HalfLetter => text.replace('\u{fffd}', "\\ud83d").into_bytes(),
            Self::BadByte => {
                let (before, after) = text.split_once('\u{fffd}').unwrap();
                [before.as_bytes(), b"\xff", after.as_bytes()].concat()
            }
            Self::ControlLetter => text.replace("\\u0001", "\u{1}").into_bytes(),
            Self::Number => text.replace("\"1e400\"", "1e400").into_bytes(),
            Self::Digits => text.replace("\"12345678901234567890123\"", "12345678901234567890123").into_bytes(),
            Self::NumericId => {
                let mut shown = without(&[]);
                shown["id"] = 42.into();
                shown.to_string().into_bytes()
            }
            Self::NoId => without(&["id"]).to_string().into_bytes(),
            Self::NoInstant => {
                let mut shown = without(&[]);
                let strange = [json!("2026-11-20T10:05:02.123"), json!("0001-01-01T00:00:00Z"), json!(1_795_169_102)];
                shown["created_at"] = strange[n % 3].clone();
                shown.to_string().into_bytes()
            }
            Self::Neither => without(&["id", "created_at"]).to_string().into_bytes(),
            Self::NoObject => json!([n]).to_string().into_bytes(),
        }
    }
}
