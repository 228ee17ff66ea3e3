//! Requests that are almost what they should be: none ends the server, each answer counts right, and no answer tells a
//! key.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use serde_json::Value;

use super::world::{ADMIN, World, body_of, request};
use crate::properties::damage::{config, damaged, tears, torn};

const BATCHES: &[&str] = &[
    include_str!("../../../examples/sample-events.json"),
    r#"{"id":"a","event":"x","timestamp":"2026-11-29T11:00:00Z","cost":0.1,"properties":{"a":[1,{"b":null}]}}"#,
    r#"[{"id":"01HZX3KQ8J6Z7V4T2M5N9P0R1S","type":"t","specversion":"1.0","data":"text"},{"verb":"v","ns":"https://a.b"}]"#,
];

const LINES: &[&str] = &[
    "{\"event\":\"x\",\"id\":\"a\",\"time\":1764417600}\n{\"event\":\"y\",\"userId\":\"u\"}\n\n{\"event_name\":\"tool_success\"}\r\n",
];

const KEYS: &[&str] = &[
    r#"{"org":"acme","scopes":["ingest","query"],"origins":["https://app.example"]}"#,
    r#"{"org":"*","scopes":["admin"]}"#,
];

/// Sends a body as a batch, and checks that the answer and the table agree.
fn check(content_type: &str, is_packed: bool, body: Vec<u8>) -> Result<(), TestCaseError> {
    let world = World::new();
    let bearer = format!("Bearer {ADMIN}");
    let mut headers = vec![("authorization", &*bearer), ("content-type", content_type)];
    headers.extend(is_packed.then_some(("content-encoding", "gzip")));
    let response = world.send(request("POST", "/events/batch", &headers, body));
    let status = response.status().as_u16();
    prop_assert!([202, 400, 413, 422].contains(&status), "{}", status);
    let answer = body_of(&response);
    if matches!(status, 202 | 422) {
        let refused = answer["refused"].as_array().unwrap().len() as u64;
        let [accepted, duplicates] = ["accepted", "duplicates"].map(|name| answer[name].as_u64().unwrap());
        prop_assert_eq!(accepted + duplicates + refused, answer["ids"].as_array().unwrap().len() as u64);
        prop_assert_eq!(world.events(), accepted);
    } else {
        prop_assert_eq!(world.events(), 0);
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_damaged_batch_is_answered(body in damaged(BATCHES)) {
        check("application/json", false, body.0)?;
    }

    #[test]
    fn damaged_lines_are_answered(body in damaged(LINES)) {
        check("application/x-ndjson", false, body.0)?;
    }

    #[test]
    fn damaged_gzip_is_answered(body in damaged(BATCHES), tears in tears()) {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(&body.0).unwrap();
        check("application/json", true, torn(packer.finish().unwrap(), &tears))?;
    }

    #[test]
    fn a_damaged_key_opens_nothing_and_is_not_told(
        wanted in damaged(KEYS), given in "(Bearer )?(aig_)?[A-Za-z0-9_-]{0,60}", part in "[A-Za-z0-9_%/-]{0,20}",
    ) {
        let world = World::new();
        let bearer = format!("Bearer {ADMIN}");
        let made = world.send(request("POST", "/keys", &[("authorization", &*bearer)], wanted.0));
        prop_assert!([201, 400].contains(&made.status().as_u16()));
        for (method, path) in [("POST", "/events".to_owned()), ("DELETE", format!("/keys/{part}")), ("GET", "/keys".to_owned())] {
            let response = world.send(request(method, &path, &[("authorization", &given)], "{\"event\":\"x\"}"));
            prop_assert!([401, 404, 405].contains(&response.status().as_u16()), "{} {}", method, path);
            let told = body_of(&response);
            let secret = given.trim_start_matches("Bearer ").trim_start_matches("aig_");
            prop_assert!(secret.len() < 12 || !told.to_string().contains(secret));
            prop_assert_ne!(&told["detail"], &Value::Null);
        }
        prop_assert_eq!(world.events(), 0);
    }
}
