//! Events that are sent together. Each has an id before it is sent for the first time, so that it can be sent again.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use serde::de::IgnoredAny;
use ulid::Ulid;

use super::elements::Element;
use crate::{
    ingest::{LARGEST_BODY, MOST_EVENTS},
    log::raw,
    time::{self, Timestamp},
};

/// The fields that hold an id, and those that hold an instant.
const IDS: [&str; 4] = ["id", "eventId", "messageId", "actionId"];
const INSTANTS: [&str; 2] = ["timestamp", "time"];

/// Events that fit into one body.
#[derive(Debug, Default)]
pub struct Batch {
    /// The line of each.
    pub lines: Vec<u64>,
    body: Vec<u8>,
}

impl Batch {
    /// Whether a further event of so many bytes fits.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.lines.len() < MOST_EVENTS && self.body.len() + bytes < LARGEST_BODY
    }

    /// Adds an event that has room.
    pub fn add(&mut self, line: u64, text: &str) {
        self.lines.push(line);
        self.body.extend_from_slice(text.as_bytes());
        self.body.push(b'\n');
    }

    /// The body of a request, as lines, packed.
    pub fn packed(&self) -> std::io::Result<Vec<u8>> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(&self.body)?;
        packer.finish()
    }
}

/// An event in one line, with an id, and with an instant if it had no id: an event that brings its own id is the same
/// event the next time the file is sent, and must bring its instant too.
///
/// # Errors
/// If it is no event that any server takes: why, as a sentence.
pub fn complete(element: &Element, now: Timestamp, random: u128) -> Result<String, String> {
    let text = element.text.as_ref().ok_or("the event is larger than 1 MiB")?;
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| format!("the event is no JSON object: {error}"))?;
    let fields = raw::by_name(text).ok_or("the event is no JSON object")?;
    // Letters that end a line stand only between the values of JSON.
    let mut text = text.trim().replace(['\n', '\r'], " ");
    // An empty text says nothing.
    let has = |names: &[&str]| {
        names.iter().any(|name| fields.get(*name).is_some_and(|value| !["null", "\"\""].contains(value)))
    };
    if !has(&IDS) {
        let made = Ulid::from_parts(u64::try_from(now.timestamp_millis()).unwrap_or(0), random);
        text.pop();
        text.push_str(if fields.is_empty() { "" } else { "," });
        let id = format!("\"id\":\"{made}\"");
        let at = format!(",\"timestamp\":\"{}\"", time::text(time::floor_ms(now)));
        let at = if has(&INSTANTS) { "" } else { &at };
        text = [&text, &id, at, "}"].concat();
    }
    // The largest event has room in an empty batch.
    if text.len() + 1 < LARGEST_BODY { Ok(text) } else { Err("the event is larger than 1 MiB".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_without_an_id_gets_one_and_an_instant_and_others_stay_as_they_are() {
        let now = time::parse("2026-11-28T09:15:22.417999Z").unwrap();
        let check = |text: &str, expected: Result<&str, &str>| {
            let completed = complete(&Element { line: 1, text: Some(text.into()) }, now, 7);
            match (completed, expected) {
                (Ok(completed), Ok(expected)) => assert_eq!(completed, expected),
                (Err(problem), Err(part)) => assert!(problem.contains(part), "{problem}"),
                (completed, _) => panic!("{text}: {completed:?}"),
            }
        };
        let (id, at) = (r#""id":"01M8GQ04DH0000000000000007""#, r#""timestamp":"2026-11-28T09:15:22.417Z""#);
        check("{}", Ok(&format!("{{{id},{at}}}")));
        check("{\"a\": 1e400,\n\"a\":2 }\n", Ok(&format!("{{\"a\": 1e400, \"a\":2 ,{id},{at}}}")));
        check(r#"{"id":null,"time":1}"#, Ok(&format!(r#"{{"id":null,"time":1,{id}}}"#)));
        for kept in [r#"{"id":"a"}"#, r#"{"eventId":"a"}"#, r#"{"messageId":7}"#, r#"{"actionId":"a","b":"\n"}"#] {
            check(kept, Ok(kept));
        }
        for wrong in ["", "words", "[1]", "7", "{\"a\":"] {
            check(wrong, Err("no JSON object"));
        }
        assert!(complete(&Element { line: 1, text: None }, now, 7).unwrap_err().contains("1 MiB"));
    }

    #[test]
    fn a_batch_holds_no_more_than_a_server_takes() {
        let mut batch = Batch::default();
        for line in 0..MOST_EVENTS {
            assert!(batch.has_room(2));
            batch.add(line as u64, "{}");
        }
        assert!(!batch.has_room(2));
        let mut batch = Batch::default();
        batch.add(1, &"x".repeat(LARGEST_BODY - 3));
        assert!(batch.has_room(1) && !batch.has_room(2));
    }
}
