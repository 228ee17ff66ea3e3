//! Every call of the outside, failing in every way but one: an event is acknowledged only if it is kept, and a sender that
//! tries again has each event once.

use std::path::Path;

use aig_logs::{host::native::now, time};
use serde_json::{Value, json};

use super::{
    queue::{QUEUED, queued, row},
    runtime::{ADMIN, Events, queues},
};

const FAULTY: &str = "FAULTY";

/// What a call says that fails. No sender may read it.
const WORDS: &str = "struck";

/// The calls whose answers say nothing: only their errors can be noticed.
const SILENT: [&str; 3] = ["EVENTS_QUEUE.sendBatch", "STATE_KV.put", "message.ack"];

/// The calls that look up a key or an origin, and those that write a batch.
const QUESTION: [&str; 3] = ["EVENTS_DB.prepare", "EVENTS_DB.bind", "EVENTS_DB.all"];
const WRITE: [&str; 3] = ["EVENTS_DB.prepare", "EVENTS_DB.bind", "EVENTS_DB.batch"];

/// The calls that write events of hours before, which are noted.
const WRITE_LATE: [&str; 5] =
    ["EVENTS_DB.prepare", "EVENTS_DB.bind", "EVENTS_DB.prepare", "EVENTS_DB.bind", "EVENTS_DB.batch"];

const LIMIT: [&str; 1] = ["EVENTS_RATE_LIMIT.limit"];

/// The Worker, with an outside that fails.
fn faulty(configuration: &mut toml::Table) {
    let built = configuration["main"].clone();
    configuration.insert("alias".into(), toml::Table::from_iter([("events".to_owned(), built)]).into());
    let main = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/worker/events/faults.js");
    configuration.insert("main".into(), main.to_str().unwrap().into());
    let mut queues = queues();
    queues.as_table_mut().unwrap().remove("consumers");
    configuration.insert("queues".into(), queues);
}

/// Every failure of a call: an error or silence before or after its work, an error in place of a promise, and answers that no
/// binding gives, before or after its work.
fn failures(call: &str) -> Vec<Value> {
    if WRITE[..2].contains(&call) {
        // Nothing is done yet.
        return vec![json!({ "error": WORDS }), json!({})];
    }
    // Nobody can wait for a call without a promise.
    let silence = if call == "message.ack" { &[][..] } else { &[false, true] };
    let silence = silence.iter().map(|is_done| json!({ "isSilent": true, "isDone": is_done }));
    let errors = [
        json!({ "error": WORDS }),
        json!({ "isDone": true, "error": WORDS }),
        json!({ "isAtOnce": true, "error": WORDS }),
    ];
    let refused = json!({ "success": false, "results": [], "meta": { "changes": 3 } });
    let uncounted = json!({ "success": true, "results": [], "meta": {} });
    let answers =
        [json!([]), refused.clone(), json!([refused]), json!([uncounted])].map(|answer| json!({ "answer": answer }));
    let answers = [json!({})].into_iter().chain(answers).flat_map(|answer| {
        [false, true].map(|is_done| {
            let mut failure = answer.clone();
            failure["isDone"] = is_done.into();
            failure
        })
    });
    let is_noticed = |failure: &Value| failure["isDone"] == true || !SILENT.contains(&call);
    errors.into_iter().chain(silence).chain(answers.filter(is_noticed)).collect()
}

/// Lets the call at a place fail, or none, of a Worker that has a queue or none. The calls since the last time.
fn strike(events: &Events, is_queued: bool, failure: Option<(usize, &Value)>) -> Vec<String> {
    let mut wanted = failure.map_or_else(|| json!({}), |(_, failure)| failure.clone());
    wanted["place"] = failure.map(|(place, _)| place).into();
    wanted["isQueued"] = is_queued.into();
    let made = events.ask_of(FAULTY, ADMIN, "POST", "/strike", &wanted).json();
    made.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// An acknowledgement: how many events are new and how many are duplicates, where the way tells.
#[derive(Debug, PartialEq)]
struct Acknowledged(Option<(u64, u64)>);

impl Acknowledged {
    fn agrees(&self, new: u64, old: u64) -> bool {
        self.0.is_none_or(|told| told == (new, old))
    }
}

/// A sender with events of its own, and a key and an origin that the Worker does not know yet.
struct Sender<'a> {
    events: &'a Events,
    way: &'a str,
    name: String,
    key: String,
    batch: Vec<Value>,
}

impl<'a> Sender<'a> {
    /// It sends to a path, or else calls a method over a service binding.
    fn new(events: &'a Events, way: &'a str, name: &str, (count, bytes): (usize, usize)) -> Self {
        let (name, at, text) = (format!("{way} {name}:"), time::text(now()), "x".repeat(bytes));
        let event =
            |n| json!({ "id": format!("{name}{n}"), "timestamp": at, "event": "e", "metadata": { "text": text } });
        let batch = (0..count).map(event).collect();
        let wanted = json!({ "org": "default", "scopes": ["ingest"] });
        let key = way.starts_with('/').then(|| events.ask(ADMIN, "POST", "/keys", &wanted).json());
        let key = key.map_or_else(String::new, |key| key["key"].as_str().unwrap().to_owned());
        Self { events, way, name, key, batch }
    }

    /// The acknowledgement, if there is one.
    fn send(&self) -> Option<Acknowledged> {
        let batch = Value::from(self.batch.clone());
        let answer = if self.way.starts_with('/') {
            let (bearer, origin) = (format!("Bearer {}", self.key), format!("https://{}.example", self.key));
            let headers = [("authorization", bearer.as_str()), ("origin", &origin)];
            let answer = self.events.send(FAULTY, "POST", self.way, &headers, batch.to_string().as_bytes());
            assert!(
                [202, 429, 503].contains(&answer.status) && !answer.text.contains(WORDS),
                "{}: {answer:?}",
                self.name
            );
            (answer.status == 202).then(|| answer.json())
        } else {
            let answer = self.events.call(FAULTY, self.way, &batch);
            assert!(!answer.as_ref().is_err_and(|error| error.contains(WORDS)), "{}: {answer:?}", self.name);
            answer.ok()
        };
        let counts = |answer: &Value| Some((answer["accepted"].as_u64()?, answer["duplicates"].as_u64()?));
        answer.map(|answer| Acknowledged(counts(&answer)))
    }

    /// How many of its events are in the database.
    fn kept(&self) -> u64 {
        count(self.events, &self.name)
    }
}

/// How many events whose ids begin with a name are in the database.
fn count(events: &Events, name: &str) -> u64 {
    let text = "SELECT count(*) AS n FROM events_raw WHERE instr(id, ?1) = 1";
    events.sql(text, &[name.into()])["results"][0]["n"].as_u64().unwrap()
}

#[test]
fn an_acknowledged_event_is_kept_whatever_the_outside_does() {
    let Some(events) = Events::start_with(&[(FAULTY, faulty), (QUEUED, queued)]) else { return };
    let over_http = [&QUESTION[..], &LIMIT, &WRITE, &QUESTION].concat();
    for (way, calls) in [("/events/batch", &over_http[..]), ("ingestEvents", &WRITE), ("send", &WRITE)] {
        requests(&events, way, calls);
    }
    queued_requests(&events);
    messages(&events);
}

/// Of each request with a call that fails: if it is acknowledged, its events are in the database, and else they are after
/// the same request again.
fn requests(events: &Events, way: &str, calls: &[&str]) {
    strike(events, false, None);
    Sender::new(events, way, "well", (3, 0)).send().unwrap();
    assert_eq!(strike(events, false, None), calls, "{way}");
    for (place, call) in calls.iter().enumerate() {
        for (number, failure) in failures(call).iter().enumerate() {
            let case = format!("{way}: {call} at {place}, {failure}");
            let sender = Sender::new(events, way, &format!("{place}.{number}"), (3, 0));
            strike(events, false, Some((place, failure)));
            let (told, kept) = (sender.send(), sender.kept());
            assert!(strike(events, false, None).len() > place, "{case}: the call is not made");
            let is_kept = told.as_ref().is_none_or(|told| kept == 3 && told.agrees(3, 0));
            assert!(is_kept, "{case}: {told:?}, {kept} kept");
            let again = sender.send();
            let is_right = again.as_ref().is_some_and(|told| told.agrees(3 - kept, kept));
            assert!(is_right, "{case}: {again:?}, {kept} kept");
            assert_eq!(sender.kept(), 3, "{case}");
        }
    }
}

/// The same before a queue: the events of a request that is acknowledged come into the database, though it is not sent
/// again.
fn queued_requests(events: &Events) {
    // More than one call of the queue takes.
    let large = (18, 16_000);
    let calls = [&QUESTION[..], &LIMIT, &[SILENT[0]; 2], &QUESTION].concat();
    strike(events, true, None);
    Sender::new(events, "/events/batch", "queued well", large).send().unwrap();
    assert_eq!(strike(events, true, None), calls);
    let mut sent = 1;
    for (place, call) in calls.iter().enumerate().filter(|(_, call)| **call == SILENT[0]) {
        for (number, failure) in failures(call).iter().enumerate() {
            let sender = Sender::new(events, "/events/batch", &format!("queued {place}.{number}"), large);
            strike(events, true, Some((place, failure)));
            let told = sender.send();
            let is_told = failure["error"].is_string() || failure["isSilent"] == true;
            assert_eq!(told.is_none(), is_told, "{place}: {failure}");
            strike(events, true, None);
            let told = told.or_else(|| sender.send());
            assert_eq!(told, Some(Acknowledged(Some((18, 0)))), "{place}: {failure}");
            sent += 1;
        }
    }
    events.until(|| count(events, "/events/batch queued") == sent * 18);
}

/// Of each message with a call that fails: if it is done, each of its events is in the database or a dead letter, and else
/// they are once the message has come again.
fn messages(events: &Events) {
    let deliver = |case: &str| -> Value {
        let rows =
            json!([row(&format!("good {case}:"), &json!({})), row(&format!("bad {case}:"), &json!({ "name": null }))]);
        let body = rows.to_string();
        events.send(FAULTY, "POST", "/deliver", &[], body.as_bytes()).json()
    };
    let is_done = |said: &Value| said.as_array().unwrap().contains(&json!("ack"));
    // Both rows together, then each alone.
    let calls = [&WRITE_LATE[..], &WRITE_LATE, &WRITE_LATE, &["STATE_KV.put", "message.ack"]].concat();
    strike(events, false, None);
    assert!(is_done(&deliver("well")));
    assert_eq!(strike(events, false, None), calls);
    let mut cases = vec!["well".to_owned()];
    for (place, call) in calls.iter().enumerate() {
        for (number, failure) in failures(call).iter().enumerate() {
            let case = format!("{place}.{number}");
            strike(events, false, Some((place, failure)));
            let said = deliver(&case);
            assert!(strike(events, false, None).len() > place, "{case}: the call is not made");
            let is_left = said == json!(["retry"]) || *call == "message.ack" && said == json!(["failure"]);
            assert!(is_done(&said) || is_left, "{call} at {place}, {failure}: {said}");
            assert!(is_done(&said) || is_done(&deliver(&case)), "{call} at {place}, {failure}");
            assert_eq!(count(events, &format!("good {case}:")), 1, "{call} at {place}, {failure}");
            cases.push(case);
        }
    }
    let kept = events.caller("/kept", &json!({})).to_string();
    let lost: Vec<_> = cases.iter().filter(|case| !kept.contains(&format!("bad {case}:"))).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn a_question_that_takes_too_long_is_refused() {
    let Some(events) = Events::start_with(&[(FAULTY, faulty)]) else { return };
    let (question, silence) =
        (json!({ "metrics": ["count"], "start": "-7d", "end": "now" }), json!({ "isSilent": true }));
    strike(&events, false, None);
    let answer = events.ask_of(FAULTY, ADMIN, "POST", "/query", &question);
    assert_eq!(answer.status, 200, "{answer:?}");
    let calls = strike(&events, false, None);
    let last = calls.iter().rposition(|call| call == "EVENTS_DB.all").unwrap();
    strike(&events, false, Some((last, &silence)));
    let answer = events.ask_of(FAULTY, ADMIN, "POST", "/query", &question);
    assert_eq!(answer.status, 422, "{answer:?}");
    assert!(answer.text.contains("longer than 10 s") && answer.text.contains("shorter range"), "{answer:?}");
}
