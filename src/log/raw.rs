//! Splits JSON text without a parser: a list into its elements, an object into its members, each as it was written. So
//! a value that no parser takes does not spoil others. This module also makes such a value readable.

use std::{borrow::Cow, collections::BTreeMap};

use serde::de::IgnoredAny;
use serde_json::Value;

use super::tame::{tame, word};

/// The most levels of nesting that are read. The parser reads 127 levels, and BigQuery takes JSON of 500 levels.
const MOST_LEVELS: usize = 100;

/// The most bytes of a value that is kept as text because nothing else can be made of it.
const LONGEST_TEXT: usize = 10_000;

/// The elements of a list; none if the text is not one list and nothing else.
#[must_use]
pub fn elements(text: &str) -> Option<Vec<&str>> {
    let mut list = Cursor::within(text, b'[')?;
    let mut elements = Vec::new();
    while list.goes_on(b']', elements.is_empty())? {
        elements.push(list.value()?);
    }
    list.is_at_end().then_some(elements)
}

/// The members of an object, each name with its quotes; none if the text is not one object and nothing else.
#[must_use]
pub fn members(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut object = Cursor::within(text, b'{')?;
    let mut members = Vec::new();
    while object.goes_on(b'}', members.is_empty())? {
        members.push(object.member()?);
    }
    object.is_at_end().then_some(members)
}

/// The members of an object by their names; of a repeated name the last counts. None if the text is not one object and nothing
/// else.
#[must_use]
pub fn by_name(text: &str) -> Option<BTreeMap<String, &str>> {
    let named = |(name, value)| Some((serde_json::from_str(&tame(name)).ok()?, value));
    members(text)?.into_iter().map(named).collect()
}

/// Whether a text begins an object, but does not end it.
#[must_use]
pub fn is_unfinished_object(text: &str) -> bool {
    text.starts_with('{') && Cursor { text, at: 0, deepest: 0 }.value().is_none()
}

/// The first members of an object, up to the place where its text is cut or broken.
#[must_use]
pub fn first_members(text: &str) -> Vec<(&str, &str)> {
    let mut members = Vec::new();
    if let Some(mut object) = Cursor::within(text, b'{') {
        let mut next = |is_first| object.goes_on(b'}', is_first)?.then(|| object.member()).flatten();
        while let Some(member) = next(members.is_empty()) {
            members.push(member);
        }
    }
    members
}

/// Reads any value. A value that no parser takes is made readable. If that is not enough, it is kept as text of at most
/// 10,000 bytes.
#[must_use]
pub fn value(text: &str) -> Value {
    read(text).unwrap_or_else(|| Value::String(cut(text, LONGEST_TEXT).to_owned()))
}

/// Reads any value, which is made readable; none if that is not enough.
#[must_use]
pub fn read(text: &str) -> Option<Value> {
    let is_shallow = levels(text).is_some_and(|levels| levels <= MOST_LEVELS);
    if is_shallow { serde_json::from_str(&tame(text)).ok() } else { None }
}

/// JSON that every parser takes; none if the text is no JSON, or is nested too deep.
#[must_use]
pub fn json(text: &str) -> Option<Cow<'_, str>> {
    let tame = tame(text);
    let is_json = levels(text)? <= MOST_LEVELS && serde_json::from_str::<IgnoredAny>(&tame).is_ok();
    is_json.then_some(tame)
}

/// The beginning of a text, of at most so many bytes.
#[must_use]
pub fn cut(text: &str, longest: usize) -> &str {
    &text[..text.floor_char_boundary(longest)]
}

/// The levels of nesting of a value; none if its brackets do not match.
#[must_use]
pub fn levels(text: &str) -> Option<usize> {
    let mut cursor = Cursor { text, at: 0, deepest: 0 };
    cursor.value()?;
    cursor.is_at_end().then_some(cursor.deepest)
}

/// A place in a text.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// The most levels of any value so far.
    deepest: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor after the bracket that opens a text.
    fn within(text: &'a str, bracket: u8) -> Option<Self> {
        let mut cursor = Self { text, at: 0, deepest: 0 };
        cursor.expect(bracket)?;
        Some(cursor)
    }

    /// The next byte that is not a space.
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        let spaces = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.at += spaces;
        rest.get(spaces).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Whether there is one more value before the closing bracket.
    fn goes_on(&mut self, bracket: u8, is_first: bool) -> Option<bool> {
        match self.peek()? {
            byte if byte == bracket => self.at += 1,
            b',' if !is_first => {
                self.at += 1;
                return Some(true);
            }
            _ if is_first => return Some(true),
            _ => return None,
        }
        Some(false)
    }

    fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    fn member(&mut self) -> Option<(&'a str, &'a str)> {
        let name = Some(self.value()?).filter(|name| name.starts_with('"'))?;
        self.expect(b':')?;
        Some((name, self.value()?))
    }

    /// The value that begins here. Only its brackets and quotes are checked.
    fn value(&mut self) -> Option<&'a str> {
        self.peek()?;
        let (from, bytes) = (self.at, self.text.as_bytes());
        let mut open = Vec::new();
        loop {
            match bytes.get(self.at)? {
                b'"' => self.at = string(bytes, self.at)?,
                b'{' => self.open(&mut open, b'}'),
                b'[' => self.open(&mut open, b']'),
                bracket @ (b'}' | b']') => {
                    (open.pop()? == *bracket).then(|| self.at += 1)?;
                }
                b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' if !open.is_empty() => self.at += 1,
                _ => self.at += Some(word(&self.text[self.at..])).filter(|length| *length > 0)?,
            }
            if open.is_empty() {
                return Some(&self.text[from..self.at]);
            }
        }
    }

    fn open(&mut self, open: &mut Vec<u8>, bracket: u8) {
        open.push(bracket);
        self.deepest = self.deepest.max(open.len());
        self.at += 1;
    }
}

/// The end of the string that begins here.
fn string(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{MOST_LEVELS, elements, json, members, tame, value};

    #[test]
    fn a_list_is_split_into_its_elements_whatever_they_hold() {
        let check = |text: &str, expected: Option<&[&str]>| assert_eq!(elements(text).as_deref(), expected, "{text}");
        check("[]", Some(&[]));
        check(" [ 1 , {\"a\":[2,\"]\"]} ,\n\"x\\\"]\" ] ", Some(&["1", "{\"a\":[2,\"]\"]}", "\"x\\\"]\""]));
        check(
            "[1e400,\"\\ud83d\",\"a\u{1}b\",NaN,{\"a\" 7}]",
            Some(&["1e400", "\"\\ud83d\"", "\"a\u{1}b\"", "NaN", "{\"a\" 7}"]),
        );
        for broken in
            ["", "[", "[1", "[1,", "[,1]", "[1,]", "[1 2]", "[{]}", "[\"a]", "[1]]", "{}", "null", "[1] 2", "[\"\\"]
        {
            check(broken, None);
        }
        let deep = format!("[{}1{}]", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(elements(&deep).unwrap().len(), 1);
    }

    #[test]
    fn an_object_is_split_into_its_members() {
        let text = r#" {"a":1, "b\"":{"c":[]} ,"a":"}"} "#;
        assert_eq!(members(text).unwrap(), [("\"a\"", "1"), ("\"b\\\"\"", "{\"c\":[]}"), ("\"a\"", "\"}\"")]);
        assert_eq!(members("{}").unwrap(), []);
        for broken in ["", "{", "{1:2}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "[]", "{\"a\":1}x"] {
            assert_eq!(members(broken), None, "{broken}");
        }
    }

    #[test]
    fn only_what_readers_cannot_hold_is_changed() {
        let check = |text: &str, expected: &str| assert_eq!(tame(text), expected, "{text}");
        for same in [
            r#"{"n": 1.50, "s":"\ud83e\udd80 \n\\ud83d","t":[true,null]}"#,
            "0.30000000000000004",
            "1e300",
            "-0",
            "1.0e-7",
        ] {
            check(same, same);
        }
        check(r#""a\ud83d""#, r#""a\ufffd""#);
        check(r#""\ude00\ud83d x""#, r#""\ufffd\ufffd x""#);
        check(r#""\ud83d\u0041\uD83D\ude00""#, r#""\ufffd\u0041\uD83D\ude00""#);
        check("\"a\u{7}\nb\"", r#""a\u0007\u000ab""#);
        check(r#"{"a":1e400,"b":[-18446744073709551616]}"#, r#"{"a":"1e400","b":["-18446744073709551616"]}"#);
        check("[18446744073709551615,18446744073709551616]", r#"[18446744073709551615,"18446744073709551616"]"#);
        check(
            "[0.12345678901234567890,100000000000000000000,NaN]",
            r#"["0.12345678901234567890",100000000000000000000,"NaN"]"#,
        );
        check("[1e-400,0e999]", r#"["1e-400",0e999]"#);
    }

    #[test]
    fn every_value_becomes_one_that_can_be_kept() {
        let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(value("1e400"), "1e400");
        assert_eq!(value("{\"a\" 7}"), "{\"a\" 7}");
        assert_eq!(value(&nested(MOST_LEVELS)).to_string(), nested(MOST_LEVELS));
        assert_eq!(value(&nested(MOST_LEVELS + 1)), nested(MOST_LEVELS + 1));
        assert_eq!(value(&nested(100_000)).as_str().unwrap().len(), 10_000);
        assert_eq!(value(r#"{"a":["\ud83d"]}"#), json!({ "a": ["\u{fffd}"] }));
    }

    #[test]
    fn json_within_a_text_is_json_that_every_reader_takes() {
        assert_eq!(json(r#" {"n": 1.50} "#).unwrap(), r#" {"n": 1.50} "#);
        assert_eq!(json(r#"{"user_id":"caf\ud83d"}"#).unwrap(), r#"{"user_id":"caf\ufffd"}"#);
        for none in ["", "team a", "{\"a\":1", "{} {}", &"[".repeat(200)] {
            assert_eq!(json(none), None, "{none}");
        }
    }

    /// Pieces that make JSON, and that break it.
    fn letters() -> impl Strategy<Value = String> {
        let letter = prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\\",
            "\\ud83d",
            "\\ude00",
            "\\u00",
            "1",
            "9999999999",
            "-",
            ".",
            "e",
            " ",
            "\n",
            "\u{1}",
            "é",
            "🦀",
            "null",
            "NaN",
        ]);
        prop::collection::vec(letter, 0..40).prop_map(|letters| letters.concat())
    }

    proptest! {
        /// For any text: nothing panics, a tame text stays the same, and a text that the parser reads is read the same.
        #[test]
        fn any_text_is_taken_apart(text in letters()) {
            let tamed = tame(&text).into_owned();
            prop_assert_eq!(tame(&tamed), tamed.as_str());
            let read: Option<Value> = serde_json::from_str(&text).ok();
            if let Some(read) = &read {
                prop_assert!(serde_json::from_str::<Value>(&tamed).is_ok());
                prop_assert!(tamed != text || value(&text) == *read);
                prop_assert_eq!(elements(&text).map(|it| it.len()), read.as_array().map(Vec::len));
                prop_assert_eq!(members(&text).is_some(), read.is_object());
            }
            let parts = elements(&text).unwrap_or_default();
            prop_assert!(parts.iter().all(|part| text.contains(part)));
        }
    }
}
