//! A body becomes elements, each with the fields of one event, or the reason why it has none.

use std::{borrow::Cow, io::Read, mem};

use flate2::read::MultiGzDecoder;
use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value};

use crate::{
    event::{Json, Members},
    log::{raw, tame::whole_letters},
};

/// The most bytes of a body, packed or not.
pub const LARGEST_BODY: usize = 1 << 20;

/// The most events of a batch.
pub const MOST_EVENTS: usize = 500;

/// The most bytes of an event as JSON.
const LARGEST_EVENT: usize = 32 << 10;

/// The most levels of nesting of an event, itself included.
const MOST_LEVELS: usize = 64;

/// The form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One event.
    One,
    /// A list of events, an object with a list `events`, or one event.
    Many,
    /// One event a line.
    Lines,
}

/// Why a body cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// It is larger than [`LARGEST_BODY`], or has more events than [`MOST_EVENTS`].
    TooLarge(String),
    /// It is not what it claims to be.
    Malformed(String),
}

/// The fields of one event, or the reason why it has none, as a sentence.
pub type Element<'a> = Result<Members<'a>, String>;

/// A body without its packing.
///
/// # Errors
/// If it is too large, or is not packed so.
pub fn unpacked(body: &[u8], is_packed: bool) -> Result<Cow<'_, [u8]>, Unreadable> {
    let too_large =
        || Unreadable::TooLarge(format!("the body is larger than {} MiB: send less at once", LARGEST_BODY >> 20));
    if body.len() > LARGEST_BODY {
        return Err(too_large());
    }
    if !is_packed {
        return Ok(Cow::Borrowed(body));
    }
    let mut bytes = Vec::new();
    let read = MultiGzDecoder::new(body).take(LARGEST_BODY as u64 + 1).read_to_end(&mut bytes);
    if bytes.len() > LARGEST_BODY {
        return Err(too_large());
    }
    read.map_err(|_| Unreadable::Malformed("the body is not gzip, though content-encoding says so".into()))?;
    Ok(Cow::Owned(bytes))
}

/// The events of a body.
///
/// # Errors
/// If the body is not of this form, is empty, or has too many events.
pub fn events(body: &[u8], form: Form) -> Result<Vec<Element<'_>>, Unreadable> {
    let text = str::from_utf8(body).map_err(|_| Unreadable::Malformed("the body is not UTF-8".into()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if form == Form::Many
        && let Some(events) = plain(text)
    {
        return Ok(events.into_iter().map(Ok).collect());
    }
    Ok(elements(text, form)?.into_iter().map(fields).collect())
}

/// The events of a list in which nothing is refused: most bodies are one, and reading it once is faster than splitting it
/// first. None: the body is something else.
fn plain(text: &str) -> Option<Vec<Members<'_>>> {
    let is_space = |letter| matches!(letter, ' ' | '\t' | '\n' | '\r');
    let mut rest = text.trim_start_matches(is_space).strip_prefix('[')?.trim_start_matches(is_space);
    let mut events = Vec::new();
    while events.len() < MOST_EVENTS {
        let mut values = Deserializer::from_str(rest).into_iter();
        let fields = values.next()?.ok()?;
        let (element, after) = rest.split_at_checked(values.byte_offset())?;
        if element.len() > LARGEST_EVENT {
            return None;
        }
        events.push(kept(element, fields)?);
        let after = after.trim_start_matches(is_space);
        match after.strip_prefix(',') {
            Some(next) => rest = next.trim_start_matches(is_space),
            None => return (after.trim_end_matches(is_space) == "]").then_some(events),
        }
    }
    None
}

/// The elements of a body, each as it was written. One element is one event, if it can be read.
fn elements(text: &str, form: Form) -> Result<Vec<&str>, Unreadable> {
    let malformed = |problem: String| Unreadable::Malformed(problem);
    let elements = match form {
        Form::Lines => text.lines().map(str::trim).filter(|line| !line.is_empty()).collect(),
        Form::One => vec![json(text)?],
        Form::Many => {
            let whole = json(text)?;
            let list = raw::by_name(whole).and_then(|mut members| members.remove("events"));
            raw::elements(list.unwrap_or(whole)).unwrap_or_else(|| vec![whole])
        }
    };
    match elements.len() {
        0 => Err(malformed("the body holds no event".into())),
        1..=MOST_EVENTS => Ok(elements),
        sent => Err(Unreadable::TooLarge(format!("the body holds {sent} events: send at most {MOST_EVENTS} at once"))),
    }
}

/// A text of JSON without the spaces around it. Letters that JSON has only escaped are let pass.
fn json(text: &str) -> Result<&str, Unreadable> {
    let is_json = |text: &str| serde_json::from_str::<IgnoredAny>(text);
    let read = is_json(text).or_else(|error| is_json(&whole_letters(text)).map_err(|_| error));
    read.map_err(|error| Unreadable::Malformed(format!("the body is not JSON: {error}")))?;
    Ok(text.trim_matches([' ', '\t', '\n', '\r']))
}

/// The fields of an element. NUL and half a surrogate pair become U+FFFD. Of a repeated name the last counts.
///
/// # Errors
/// If it cannot be an event: why, as a sentence.
pub fn fields(element: &str) -> Element<'_> {
    if element.len() > LARGEST_EVENT {
        return Err(format!("the event is larger than {} KiB of JSON", LARGEST_EVENT >> 10));
    }
    let too_deep = || format!("the event is nested deeper than {MOST_LEVELS} levels");
    let mended = || serde_json::from_str::<Value>(&whole_letters(element)).map(Json::from);
    let read = serde_json::from_str(element).or_else(|_| mended()).map_err(|error| match raw::levels(element) {
        Some(levels) if levels > MOST_LEVELS => too_deep(),
        Some(_) | None => format!("the event is no JSON that can be kept: {error}"),
    })?;
    match read {
        Json::Object(fields) => kept(element, fields).ok_or_else(too_deep),
        Json::Text(_) | Json::Other(_) => Err("the event is no JSON object".into()),
    }
}

/// The fields of an element without NUL; none: it is nested too deep.
fn kept<'a>(element: &str, fields: Members<'a>) -> Option<Members<'a>> {
    if fields.is_deeper(MOST_LEVELS) {
        return None;
    }
    if element.contains("\\u0000") || element.contains('\0') {
        let mut value = Value::Object(fields.into());
        replace_nul(&mut value);
        return if let Json::Object(fields) = value.into() { Some(fields) } else { None };
    }
    Some(fields)
}

/// No table keeps NUL in every tool that reads it.
fn replace_nul(value: &mut Value) {
    let whole = |text: &str| text.replace('\0', "\u{fffd}");
    match value {
        Value::String(text) => *text = whole(text),
        Value::Array(list) => list.iter_mut().for_each(replace_nul),
        Value::Object(members) => {
            members.values_mut().for_each(replace_nul);
            if members.keys().any(|name| name.contains('\0')) {
                *members = mem::take(members).into_iter().map(|(name, value)| (whole(&name), value)).collect();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{
        Form, LARGEST_BODY, LARGEST_EVENT, MOST_EVENTS, MOST_LEVELS, Unreadable, elements, events, fields, unpacked,
    };

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn too_large() -> Unreadable {
        Unreadable::TooLarge("the body is larger than 1 MiB: send less at once".into())
    }

    #[test]
    fn a_body_has_at_most_1_mib_packed_and_unpacked() {
        for letter in *b"a\0" {
            let whole = vec![letter; LARGEST_BODY];
            assert_eq!(unpacked(&whole, false).unwrap(), whole);
            assert_eq!(unpacked(&packed(&whole), true).unwrap(), whole);
            let larger = vec![letter; LARGEST_BODY + 1];
            assert_eq!(unpacked(&larger, false), Err(too_large()));
            assert_eq!(unpacked(&packed(&larger), true), Err(too_large()));
        }
        // A few hundred KiB that would become 200 MiB, and a body that is too large as it comes.
        let bomb = packed(&vec![0; 200 << 20]);
        assert!(bomb.len() < LARGEST_BODY, "{}", bomb.len());
        assert_eq!(unpacked(&bomb, true), Err(too_large()));
        assert_eq!(unpacked(&vec![0; LARGEST_BODY + 1], true), Err(too_large()));
    }

    #[test]
    fn a_body_is_packed_as_it_claims_to_be() {
        let not_gzip = Unreadable::Malformed("the body is not gzip, though content-encoding says so".into());
        let whole = packed(b"[1,2,3]");
        for broken in [&b""[..], b"[]", &whole[..whole.len() - 9], &whole[..5]] {
            assert_eq!(unpacked(broken, true), Err(not_gzip.clone()), "{broken:?}");
        }
        // Several packed parts are one body.
        assert_eq!(unpacked(&[packed(b"[1,"), packed(b"2]")].concat(), true).unwrap(), &b"[1,2]"[..]);
        assert_eq!(unpacked(b"[1]", false).unwrap(), &b"[1]"[..]);
    }

    #[test]
    fn a_body_is_split_into_elements_as_they_were_written() {
        let check = |body: &str, form, expected: &[&str]| {
            assert_eq!(elements(body, form).unwrap(), expected, "{body}");
        };
        check(r#" {"a": 1} "#, Form::One, &[r#"{"a": 1}"#]);
        check("[{}]", Form::One, &["[{}]"]);
        check(r#"[{"a":1}, 7 ,"x"]"#, Form::Many, &[r#"{"a":1}"#, "7", "\"x\""]);
        check(r#"{"events":[{"a":1},{}],"sent":7}"#, Form::Many, &[r#"{"a":1}"#, "{}"]);
        check(r#"{"events":7}"#, Form::Many, &[r#"{"events":7}"#]);
        check(r#"{"event":"e"}"#, Form::Many, &[r#"{"event":"e"}"#]);
        check("7", Form::Many, &["7"]);
        check("{\"a\":1}\n\n  \r\n not json \r\n{}\n", Form::Lines, &["{\"a\":1}", "not json", "{}"]);
        // One number that no float holds spoils no other event.
        check("[{\"a\":1e999},{}]", Form::Many, &["{\"a\":1e999}", "{}"]);
        check("[{\"a\":\"\\ud83d\"},{}]", Form::Many, &["{\"a\":\"\\ud83d\"}", "{}"]);
        let deep = format!("[{}1{}]", "[".repeat(10_000), "]".repeat(10_000));
        check(&deep, Form::Many, &[&deep[1..deep.len() - 1]]);
    }

    #[test]
    fn a_body_that_cannot_be_split_says_why() {
        let check = |body: &[u8], form, words: &str| match events(body, form) {
            Err(Unreadable::Malformed(problem)) => assert!(problem.starts_with(words), "{problem}"),
            other => panic!("{other:?} of {body:?}"),
        };
        for form in [Form::One, Form::Many, Form::Lines] {
            check(b"\"\xff\"", form, "the body is not UTF-8");
        }
        for body in [&b""[..], b"{", b"[{}", b"{} {}", b"[{},]", b"nothing"] {
            check(body, Form::One, "the body is not JSON");
            check(body, Form::Many, "the body is not JSON");
        }
        for body in ["[]", "{\"events\":[]}"] {
            check(body.as_bytes(), Form::Many, "the body holds no event");
        }
        check(b" \n\r\n", Form::Lines, "the body holds no event");
    }

    #[test]
    fn a_batch_has_at_most_500_events() {
        let list = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
        for (body, form) in [
            (list as fn(usize) -> String, Form::Many),
            (|count| format!("{{\"events\":[{}]}}", vec!["{}"; count].join(",")), Form::Many),
            (|count| "{}\n".repeat(count), Form::Lines),
        ] {
            assert_eq!(events(body(MOST_EVENTS).as_bytes(), form).unwrap().len(), 500);
            let problem = "the body holds 501 events: send at most 500 at once";
            assert_eq!(events(body(501).as_bytes(), form), Err(Unreadable::TooLarge(problem.into())));
        }
    }

    /// Objects in each other.
    fn nested(levels: usize) -> String {
        format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels))
    }

    #[test]
    fn an_event_has_at_most_64_levels() {
        let too_deep = "the event is nested deeper than 64 levels";
        fields(&nested(MOST_LEVELS)).unwrap();
        let lists = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        fields(&lists(MOST_LEVELS)).unwrap();
        for levels in [65, 127, 128, 129, 5_000] {
            assert_eq!(fields(&nested(levels)).unwrap_err(), too_deep, "{levels}");
            assert_eq!(fields(&lists(levels)).unwrap_err(), too_deep, "{levels}");
        }
    }

    #[test]
    fn an_event_has_at_most_32_kib() {
        let of = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
        assert_eq!(of(100).len(), 100);
        fields(&of(LARGEST_EVENT)).unwrap();
        assert_eq!(fields(&of(LARGEST_EVENT + 1)).unwrap_err(), "the event is larger than 32 KiB of JSON");
    }

    #[test]
    fn letters_that_no_table_keeps_are_replaced() {
        let check = |element: &str, expected: Value| {
            assert_eq!(Value::Object(fields(element).unwrap().into()), expected, "{element}");
        };
        check(r#"{"a":"x\u0000y"}"#, json!({ "a": "x\u{fffd}y" }));
        check("{\"a\":\"x\0y\"}", json!({ "a": "x\u{fffd}y" }));
        check(r#"{"a":["\u0000",{"k\u0000":"\u0000"}]}"#, json!({ "a": ["\u{fffd}", { "k\u{fffd}": "\u{fffd}" }] }));
        check(r#"{"a":"x\ud83dy","b\udc00":"\ud83e\udd80"}"#, json!({ "a": "x\u{fffd}y", "b\u{fffd}": "🦀" }));
        check("{\"a\":\"x\u{7}y\"}", json!({ "a": "x\u{7}y" }));
        // serde_json has a feature that gives this name a meaning.
        check(
            r#"{"a":{"$serde_json::private::RawValue":"7"},"b":[{"$serde_json::private::RawValue":5}]}"#,
            json!({ "a": { "$serde_json::private::RawValue": "7" }, "b": [{ "$serde_json::private::RawValue": 5 }] }),
        );
        // A backslash, not an escape.
        check(r#"{"a":"\\u0000"}"#, json!({ "a": "\\u0000" }));
    }

    #[test]
    fn letters_that_json_has_only_escaped_refuse_no_body() {
        let element = "{\"event\":\"a\tb\0c\"}";
        let check = |body: &str, form, expected: usize| {
            let read: Result<Vec<_>, _> = events(body.as_bytes(), form).unwrap().into_iter().collect();
            let read: Vec<_> = read.unwrap().into_iter().map(|fields| Value::Object(fields.into())).collect();
            assert_eq!(read, vec![json!({ "event": "a\tb\u{fffd}c" }); expected], "{body}");
        };
        check(element, Form::One, 1);
        check(element, Form::Many, 1);
        check(&format!("[{element}, {element}]"), Form::Many, 2);
        check(&format!("{{\"sent\":\"\t\",\"\\u0065vents\":[{element}]}}"), Form::Many, 1);
        check(&format!("{element}\n{element}"), Form::Lines, 2);
    }

    #[test]
    fn of_a_repeated_name_the_last_counts() {
        let text = r#"{"a":1,"b":{"c":1,"c":2},"\u0061":3}"#;
        assert_eq!(Value::Object(fields(text).unwrap().into()), json!({ "a": 3, "b": { "c": 2 } }));
    }

    #[test]
    fn an_element_that_is_no_event_says_why() {
        let check = |element: &str, words: &str| {
            let problem = fields(element).unwrap_err();
            assert!(problem.starts_with(words), "{problem}");
        };
        for element in ["7", "null", "\"e\"", "[{}]", "true"] {
            check(element, "the event is no JSON object");
        }
        for element in [r#"{"a":1e999}"#, r#"{"a":-1e999}"#, r#"{"a":NaN}"#, "{", "", "not json", "{} {}"] {
            check(element, "the event is no JSON that can be kept");
        }
        let number = r#"{"a":1e308,"b":18446744073709551616}"#;
        assert_eq!(
            Value::Object(fields(number).unwrap().into()),
            json!({ "a": 1e308, "b": 18_446_744_073_709_551_616.0 })
        );
    }

    /// A list that is read at once, and its elements one by one, are the same events.
    #[test]
    fn a_list_is_read_as_its_elements_are() {
        let check = |list: &str| {
            let one_by_one: Vec<_> = elements(list, Form::Many).unwrap().into_iter().map(fields).collect();
            assert_eq!(events(list.as_bytes(), Form::Many).unwrap(), one_by_one, "{list}");
            let marked = format!("\u{feff}{list}");
            assert_eq!(events(marked.as_bytes(), Form::Many).unwrap(), one_by_one, "{list}");
        };
        check(" [ {\"a\": [1, {}]} ,\r\n\t{\"b\":1,\"b\":2}\n] ");
        check(r#"[{"a":"x\u0000y"},{"a":1e308}]"#);
        for refused in
            ["7", "{\"a\":1e999}", &nested(65), &nested(200), &format!("{{\"a\":\"{}\"}}", "x".repeat(LARGEST_EVENT))]
        {
            check(&format!("[{{}},{refused},{{\"a\":1}}]"));
        }
        check(r#"[{"a":"\ud83d"}]"#);
        let largest = format!("{{\"a\":\"{}\"}}", "x".repeat(LARGEST_EVENT - 8));
        check(&format!("[{largest} , {largest}]"));
        for broken in ["[{}", "[{}{}]", "[{},]", "[{}]]", "[{}] {}", "[,{}]", "[{}\u{a0}]"] {
            assert!(matches!(events(broken.as_bytes(), Form::Many), Err(Unreadable::Malformed(_))), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_stop_the_reader(body: Vec<u8>, text in "[\\[\\]{}\",:a\\\\u0-9dD \n\u{0}-\u{7}é]{0,60}") {
            for body in [&body[..], text.as_bytes()] {
                let _ = unpacked(body, true);
                for form in [Form::One, Form::Many, Form::Lines] {
                    let _ = events(body, form);
                }
            }
        }

        #[test]
        fn any_list_is_read_as_its_elements_are(
            elements_of in prop::collection::vec(r#"\{("a":[1-9]{1,3}(,"b":(true|"x\\u0000"|\{"c":\[\]\}))?)? ?\}|[1-9]|\{"#, 1..4),
            space in " |\n|"
        ) {
            let list = format!("{space}[{}{space}]", elements_of.join(","));
            let one_by_one = elements(&list, Form::Many).map(|it| it.into_iter().map(fields).collect());
            prop_assert_eq!(events(list.as_bytes(), Form::Many), one_by_one);
        }
    }
}
