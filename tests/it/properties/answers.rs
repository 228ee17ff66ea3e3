//! Answers from outside, damaged in any way: nothing panics, nothing grows beyond what came in, and no secret shows.

use std::sync::LazyLock;

use aig_logs::{
    config::{AiGateway, Gateways},
    error::CallError,
    google,
    log::{
        entry::Entry,
        privacy::{Hashed, Privacy},
    },
    plan::cursor::{Direction, Query},
    secret::Secret,
    sink::{
        Sink,
        bigquery::{BigQuerySink, SignIn},
    },
    source::{self, Source},
    time::{self, Timestamp},
    wire::Response,
};
use futures_util::FutureExt;
use http::StatusCode;
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use super::damage::{Body, SECRET, config, damaged, hides_the_secret};
use crate::world::World;

const STATUSES: &[u16] = &[200, 204, 302, 400, 401, 403, 404, 408, 413, 429, 500, 503];

fn response(status: u16, headers: &[(&'static str, &str)], body: Vec<u8>) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        response.headers_mut().extend(value.parse().ok().map(|value| (http::HeaderName::from_static(name), value)));
    }
    response
}

/// An error says no more than a few times what came in.
fn is_short(error: &CallError, body: &[u8]) -> bool {
    error.to_string().len() <= 4 * body.len() + 1_000
}

const PAGES: &[&str] = &[
    include_str!("../../fixtures/list.json"),
    include_str!("../../fixtures/gateways.json"),
    include_str!("../../fixtures/wrong_gateway.json"),
    include_str!("../../fixtures/wrong_page_size.json"),
    include_str!("../../fixtures/wrong_token.json"),
    include_str!("../../fixtures/without_code.json"),
    include_str!("../../fixtures/front_end.html"),
];

const HEADERS: &[&str] = &[
    "",
    "\"default\";r=50;t=30",
    "r=0;t=18446744073709551615;q=1",
    "q=-1;r=nan;t=1e9",
    "18446744073709551615",
    "Tue, 06 Oct 2026 09:20:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
];

static SOURCE: LazyLock<AiGateway> = LazyLock::new(|| AiGateway {
    base: "https://api.example/client/v4".into(),
    account: "account".into(),
    token: Secret::new("not a secret at all"),
    gateways: Gateways::All,
    per_page: 50,
});

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_answer_to_a_list_is_a_page_or_an_error(
        Body(body) in damaged(PAGES),
        status in select(STATUSES),
        headers in prop::array::uniform4(select(HEADERS)),
        descending in any::<bool>(),
    ) {
        let at = |text| time::parse(text).unwrap();
        let direction = if descending { Direction::Descending } else { Direction::Ascending };
        let from = (!descending).then(|| at("2026-10-06T09:00:00Z"));
        let query = Query { from, until: at("2026-10-06T10:00:00Z"), direction, page: 1, per_page: 50, longer_than: None };
        let names = ["ratelimit", "ratelimit-policy", "retry-after", "date"];
        let headers: Vec<_> = names.into_iter().zip(headers).collect();
        let response = response(status, &headers, body.clone());
        match SOURCE.read_page(&response, &query) {
            Ok(page) => {
                // Where another parser takes the whole answer, each of its elements is there as it is.
                if let Ok(answer) = serde_json::from_slice::<Value>(&body) {
                    let listed = answer["result"].as_array().unwrap();
                    prop_assert_eq!(page.entries.len(), listed.len());
                    for (entry, element) in page.entries.iter().zip(listed) {
                        match Entry::from_json(element.clone()) {
                            Ok(expected) => prop_assert_eq!(entry, &expected),
                            Err(_) => prop_assert!(entry.unread.is_some()),
                        }
                    }
                }
                _ = source::check_clock(&page, query.until);
                let hashed = ["team", "user_id"].map(str::to_owned).into();
                let privacy = Privacy { hashed: Some(Hashed::new(hashed, "")), ..Privacy::default() };
                let readable = page.entries.into_iter().filter(|entry| entry.unread.is_none());
                let rows = readable.map(|entry| entry.into_row("main", query.until, &privacy));
                let written: usize = rows.map(|row| serde_json::to_vec(&row).unwrap().len()).sum();
                prop_assert!(written <= 40 * body.len(), "{written} bytes of rows");
            }
            Err(error) => prop_assert!(is_short(&error, &body), "{error}"),
        }
        match SOURCE.read_streams(&response) {
            Ok((ids, _)) => prop_assert!(ids.len() <= body.len()),
            Err(error) => prop_assert!(is_short(&error, &body), "{error}"),
        }
    }
}

const INSERTS: &[&str] = &[
    r#"{"kind":"bigquery#tableDataInsertAllResponse"}"#,
    include_str!("../../fixtures/insert_errors.json"),
    r#"{"insertErrors":[{"index":0,"errors":[{"reason":"stopped","location":"","message":""}]},
        {"index":1,"errors":[{"reason":"invalid","location":"cost","message":"bad"}]},{"index":2,"errors":[]}]}"#,
    include_str!("../../fixtures/payload_too_large.json"),
    include_str!("../../fixtures/table_not_found.json"),
    include_str!("../../fixtures/no_such_field.json"),
    include_str!("../../fixtures/access_denied.json"),
    include_str!("../../fixtures/quota_exceeded.json"),
    include_str!("../../fixtures/front_end.html"),
];

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_answer_to_an_insert_accounts_for_each_row_once(Body(body) in damaged(INSERTS), status in select(STATUSES)) {
        let mut world = World::new();
        world.config.bigquery.as_mut().unwrap().account = None;
        let answer = response(status, &[], body.clone());
        world.instead = Some(Box::new(move |_| Some(answer.clone())));
        let entry = |n| Entry::from_json(json!({ "id": format!("e{n}"), "created_at": "2026-10-06T09:00:00Z" })).unwrap();
        let row = |n| entry(n).into_row("main", world.now(), &Privacy::default());
        let rows: Vec<_> = (0..3).map(row).collect();
        let sign_in = SignIn::default();
        let table = world.config.bigquery.as_ref().unwrap();
        let outcome = BigQuerySink::new(&world, table, &sign_in).write(&rows).now_or_never().unwrap();
        match outcome {
            Ok(outcome) => {
                let mut refused: Vec<_> = outcome.rejected.iter().map(|rejected| rejected.index).collect();
                refused.sort_unstable();
                refused.dedup();
                prop_assert_eq!(refused.len(), outcome.rejected.len(), "a row is refused twice");
                prop_assert!(refused.iter().all(|index| *index < rows.len()));
            }
            Err(error) => prop_assert!(is_short(&error, &body), "{error}"),
        }
    }
}

const TOKENS: &[&str] = &[
    include_str!("../../fixtures/token.json"),
    r#"{"access_token":"cxqjzvkwpyhush","expires_in":3599,"token_type":"Bearer"}"#,
    r#"{"access_token":"cxqjzvkwpyhush","expires_in":"soon"}"#,
    r#"{"access_token":"cxqjzvkwpyhush","expires_in":-1}"#,
    include_str!("../../fixtures/invalid_grant.json"),
    include_str!("../../fixtures/front_end.html"),
];

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_answer_to_a_sign_in_is_a_token_or_an_error_without_it(Body(body) in damaged(TOKENS), status in select(STATUSES)) {
        let now = Timestamp::UNIX_EPOCH;
        match google::read_token(&response(status, &[], body.clone()), now) {
            Ok(token) => {
                _ = token.is_fresh(now);
                prop_assert!(hides_the_secret(&token));
            }
            Err(error) => prop_assert!(is_short(&error, &body) && !error.to_string().contains(SECRET), "{error}"),
        }
    }
}
