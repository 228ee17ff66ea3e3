//! Settings, keys and stored values, damaged in any way: each is read, or is an error that shows no secret.

use aig_logs::{
    config::{Config, Destination, SETTINGS},
    google::key::PrivateKey,
    plan::cursor::{Direction, Query, Scan},
    source::Source,
    state::{self, Backfill, ByGateway, Forward, Oldest, Position, Status, Track},
    time,
};
use proptest::{prelude::*, sample::select};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, fmt};

use super::damage::{Body, SECRET, config, damaged, hides_the_secret, tears, torn};
use crate::world::{MINUTE, World};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_text_of_a_key_is_a_key_or_an_error_without_it(
        parts in prop::collection::vec(select(KEY_PARTS), 0..9),
        any in any::<String>(),
        tears in tears(),
    ) {
        let text = torn(format!("{}{any}", parts.concat()).into_bytes(), &tears);
        let text = String::from_utf8_lossy(&text);
        match PrivateKey::parse(&text) {
            Ok(key) => {
                let pem = key.pem();
                prop_assert!(pem.reveal().len() <= 2 * text.len() + 100 && key.pkcs8().len() <= text.len() + 100);
                prop_assert_eq!(PrivateKey::parse(pem.reveal()), Ok(key.clone()));
                prop_assert_eq!(format!("{key:?}"), "[secret]");
            }
            Err(error) => prop_assert!(!error.contains(SECRET) && error.len() < 200, "{error}"),
        }
    }
}

const KEY_PARTS: &[&str] = &[
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----",
    "-----END RSA PRIVATE KEY-----",
    "-----BEGIN ENCRYPTED PRIVATE KEY-----",
    "-----BEGIN PUBLIC KEY-----",
    SECRET,
    "c2VjcmV0IGtleSBieXRlcyBpbiBiYXNlNjQ=",
    "====",
    "\n",
    "\r\n",
    "\\n",
    "\\\\n",
    "\\\\\\\\",
    "\"",
    "'",
];

const STORED: &[&str] = &[
    r#"{"ts":"2026-11-02T12:00:00.000Z","id":"b","at":["a","b"],"start":"2026-11-02T11:50:00Z","v":1,"gateway":"main",
        "slots":{"2026-11-02T11:50:00Z":{"delivered":3}},"gateways":{"second":{"ts":"2026-11-02T12:00:00Z","at":[]}}}"#,
    r#"{"ts":"2026-11-02T12:00:00Z","id":"b"}"#,
    r#"{"ts":"2026-10-02T12:00:00Z","id":"b","at":["b"],"start":"2026-11-02T11:50:00Z","done":{"stop":"2026-01-01T00:00:00Z"},
        "day":{"date":"2026-10-02","delivered":7},"v":1,"gateway":"main","gateways":{"second":{"ts":"2026-11-02T12:00:00Z",
        "done":{"stop":null}}}}"#,
    "2026-10-02T12:00:00Z",
    r#"{"forward":{"since":"2026-11-02T12:00:00Z","error":"reading","transient":true},"v":1}"#,
];

proptest! {
    #![proptest_config(config())]

    /// What is read is written and read again as the same, and a pass can begin with it.
    #[test]
    fn any_stored_value_is_read_or_an_error(Body(bytes) in damaged(STORED), several in any::<bool>()) {
        let text = String::from_utf8_lossy(&bytes);
        let gateways = if several { vec!["main".to_owned(), "second".to_owned()] } else { vec!["main".to_owned()] };
        let now = time::parse("2026-11-02T12:00:00Z").unwrap();
        if let Ok(forward) = Forward::from_json(state::FORWARD, &text, &gateways) {
            same_again(&forward, &gateways);
            for mut position in forward.by_id.into_values() {
                begin(Scan::ascending(position.cursor.clone(), now));
                position.count(now, Some(false));
                position.begin_counts(now);
                if let Some(stretch) = position.due(now, now) {
                    position.slots.doubt(&stretch);
                    position.slots.confirm(&stretch);
                    position.advance(&stretch, now);
                }
                _ = position.complete_through();
                _ = position.hours(&[now], now.date_naive(), now);
                position.prune(now);
            }
        }
        if let Ok(oldest) = Oldest::read(&text, &gateways) {
            same_again(&oldest, &gateways);
            for mut backfill in oldest.by_id.into_values() {
                let stop = backfill.done.and_then(|done| done.stop);
                _ = backfill.is_done(stop);
                begin(Scan::descending(backfill.cursor.clone(), stop));
                begin(Scan::ascending(Position::starting(backfill.start.unwrap_or(backfill.cursor.ts())).cursor, now));
                backfill.start.map(Backfill::before);
                backfill.count(now, Some(false));
            }
        }
        if let Ok(stop) = state::read_stop(&text) {
            begin(Scan::descending(Position::starting(now).cursor, Some(stop)));
        }
        if let Ok(status) = Status::from_json(&text) {
            prop_assert_eq!(Status::from_json(&status.to_json().unwrap()).unwrap(), status);
        }
    }
}

fn same_again<T>(value: &ByGateway<T>, gateways: &[String])
where
    T: Serialize + DeserializeOwned + PartialEq + fmt::Debug,
{
    let written = value.to_json(&gateways[0]).unwrap();
    assert_eq!(&ByGateway::from_json("key", &written, gateways).unwrap(), value, "{written}");
}

/// Asks for the first page, and gets an empty one.
fn begin(mut scan: Scan) {
    if let Some(query) = scan.query() {
        let world = World::new();
        _ = world.config.source.page("main", &query);
        scan.take(Vec::new(), Some(0));
        _ = scan.query();
    }
}

/// What a setting may be given as: sense of one kind or another.
const TEXTS: &[&str] = &[
    "",
    " ",
    "0",
    "-1",
    "1",
    "50",
    "51",
    "0.8",
    "nan",
    "inf",
    "1e999",
    "18446744073709551616",
    "auto",
    "*",
    ",",
    "a,,b",
    "a b",
    "../x",
    "a:b",
    "ünï",
    "https://",
    "https://x",
    "http://127.0.0.1:1",
    "http://x",
    "://",
    "https://[::1",
    "127.0.0.1:9050",
    "0 * * * *",
    "debug",
    "{}",
    "null",
];

/// What a secret may be given as.
const KEYS: &[&str] = &[
    "",
    "a b",
    r#"{"client_email":"a@b","private_key":"cxqjzvkwpyhush","token_uri":"x"}"#,
    "{\"client_email\":\"a@b\",\"private_key\":\"-----BEGIN PRIVATE KEY-----\\ncxqjzvkwpyhus=\\n-----END PRIVATE KEY-----\"}",
    "-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----",
];

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_settings_make_a_poller_or_an_error_that_names_them(
        given in prop::collection::vec(
            (prop_oneof![4 => select(TEXTS).prop_map(str::to_owned), 1 => any::<String>()], select(KEYS)), SETTINGS.len()),
        mended in prop::collection::vec(prop::bool::weighted(0.9), SETTINGS.len()),
    ) {
        let good: BTreeMap<_, _> = good().into_iter().collect();
        let vars: BTreeMap<_, _> = SETTINGS.iter().zip(given).zip(mended).map(|((setting, (text, key)), mended)| {
            let given = if setting.secret { format!("{key}{SECRET}") } else { text };
            (setting.name, good.get(setting.name).filter(|_| mended).cloned().unwrap_or(given))
        }).collect();
        let size: usize = vars.values().map(String::len).sum();
        for destination in [Destination::default(), Destination::BigQuery] {
            match Config::from_vars(|name| vars.get(name).cloned(), &[destination]) {
                Ok(config) => {
                    prop_assert!(hides_the_secret(&config));
                    let now = time::parse("2026-11-02T12:00:00Z").unwrap();
                    _ = now - config.settle;
                    let (until, direction, per_page) = (now - MINUTE, Direction::Descending, config.source.per_page);
                    let query = Query { from: None, until, direction, page: 1, per_page, longer_than: None };
                    let request = config.source.page("main", &query);
                    prop_assert!(request.uri().host().is_some() && hides_the_secret(&request));
                }
                Err(error) => {
                    let words = error.to_string();
                    prop_assert!(!words.contains(SECRET) && words.len() <= 8 * size + 8_000, "{words}");
                }
            }
        }
    }
}

/// Settings that work.
fn good() -> Vec<(&'static str, String)> {
    World::new().simulator.into_inner().settings("http://127.0.0.1:1")
}
