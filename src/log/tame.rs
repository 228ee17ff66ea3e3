//! Makes JSON that every parser takes out of JSON that some parsers refuse.

use std::{borrow::Cow, fmt::Write};

use serde_json::{Number, Value};

/// Every JSON parser keeps a number of at most so many characters unchanged: a double holds fifteen digits.
const SURELY_HELD: usize = 15;

/// The same JSON with only letters and numbers that every parser can hold. Half a surrogate pair becomes U+FFFD, a
/// control character is escaped, and a number that 64 bits cannot hold, or an unknown word, becomes a text. Nothing
/// else changes.
#[must_use]
pub fn tame(text: &str) -> Cow<'_, str> {
    tamed(text, Tamed::word)
}

/// The same JSON with only letters that every parser can hold. Numbers and words stay as they are.
#[must_use]
pub fn whole_letters(text: &str) -> Cow<'_, str> {
    tamed(text, |tamed, at| at + word(&tamed.text[at..]))
}

/// The same JSON with tame strings, and with the words that `of_word` makes.
fn tamed<'a>(text: &'a str, of_word: impl Fn(&mut Tamed<'a>, usize) -> usize) -> Cow<'a, str> {
    let mut tamed = Tamed { text, written: String::new(), kept: 0 };
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        at = match byte {
            b'"' => tamed.string(at),
            b' ' | b'\t' | b'\n' | b'\r' | b'{' | b'}' | b'[' | b']' | b',' | b':' => at + 1,
            _ => of_word(&mut tamed, at),
        };
    }
    tamed.end()
}

/// A text that is kept as it is, except for the parts that are replaced.
struct Tamed<'a> {
    text: &'a str,
    written: String,
    /// The number of bytes of the text that are written or replaced.
    kept: usize,
}

impl<'a> Tamed<'a> {
    fn replace(&mut self, from: usize, until: usize, by: &str) {
        self.written.push_str(&self.text[self.kept..from]);
        self.written.push_str(by);
        self.kept = until;
    }

    /// Goes through the string that begins here. Returns its end.
    fn string(&mut self, from: usize) -> usize {
        let bytes = self.text.as_bytes();
        let mut at = from + 1;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => return at + 1,
                b'\\' => at = self.escape(at),
                0..0x20 => {
                    let mut escaped = String::new();
                    // Writing to a string never fails.
                    let _ = write!(escaped, "\\u{byte:04x}");
                    self.replace(at, at + 1, &escaped);
                    at += 1;
                }
                _ => at += 1,
            }
        }
        at
    }

    /// Goes through an escape, or a pair of escapes that makes one letter. Returns its end.
    fn escape(&mut self, at: usize) -> usize {
        let unit = |at: usize| {
            let digits = self.text.get(at..at + 6)?.strip_prefix("\\u")?;
            u16::from_str_radix(digits, 16).ok()
        };
        match (unit(at), unit(at + 6)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => at + 12,
            (Some(0xd800..0xe000), _) => {
                self.replace(at, at + 6, "\\ufffd");
                at + 6
            }
            (Some(_), _) => at + 6,
            // A backslash and one letter, which may have several bytes.
            (None, _) => at + 1 + self.text[at + 1..].chars().next().map_or(0, char::len_utf8),
        }
    }

    /// Goes through a number or a word. Returns its end.
    fn word(&mut self, from: usize) -> usize {
        let until = from + word(&self.text[from..]);
        let word = &self.text[from..until];
        if !matches!(word, "true" | "false" | "null") && !is_held(word) {
            self.replace(from, until, &Value::from(word).to_string());
        }
        until
    }

    fn end(mut self) -> Cow<'a, str> {
        if self.kept == 0 {
            return Cow::Borrowed(self.text);
        }
        self.written.push_str(&self.text[self.kept..]);
        Cow::Owned(self.written)
    }
}

/// The length in bytes of the number or word at the start of a text.
pub(super) fn word(text: &str) -> usize {
    let ends = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '{' | '}' | '[' | ']' | ',' | ':' | '"');
    text.find(ends).unwrap_or(text.len())
}

/// Whether 64 bits hold a number, so that it can be written again with the same digits.
fn is_held(number: &str) -> bool {
    if number.len() <= SURELY_HELD && number.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.')) {
        return true;
    }
    let held: Option<Number> = serde_json::from_str(number).ok();
    held.is_some_and(|held| digits(&held.to_string()) == digits(number))
}

/// The digits of a number without zeros at either end, and the power of ten before the first digit.
fn digits(number: &str) -> (String, i64) {
    let number = number.trim_start_matches('-');
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole, fraction].concat();
    let digits = all.trim_start_matches('0');
    let [whole, zeros] = [whole.len(), all.len() - digits.len()].map(i64::try_from);
    let power = || Some(exponent.parse::<i64>().ok()?.saturating_add(whole.ok()? - zeros.ok()?));
    let power = if digits.is_empty() { 0 } else { power().unwrap_or(i64::MAX) };
    (digits.trim_end_matches('0').to_owned(), power)
}
