//! AI Gateway's list of logs, the first source. The API ignores parameters that it does not understand, and then
//! answers with everything. So each entry is checked against the filter, and each page against the order.

use chrono::DateTime;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    config::{AiGateway, Gateways, is_gateway_id},
    envelope::{Hints, open, open_as, open_list},
    error::CallError,
    log::{entry::Entry, privacy::Privacy, raw},
    plan::cursor::{Direction, Query},
    record::Record,
    source::{Page, Source},
    time::{self, MILLISECOND, Timestamp},
    wire::{Request, Response, date, encoded, rate, request},
};

/// An account whose first gateway was made before this instant, 2026-09-24T00:00:00Z, keeps its logs in this API. Other
/// accounts keep them in Workers Observability. The age of the account does not matter.
/// developers.cloudflare.com/ai-gateway/observability/logging
pub const IN_OBSERVABILITY_FROM: Timestamp = match DateTime::from_timestamp(1_790_208_000, 0) {
    Some(instant) => instant,
    None => Timestamp::UNIX_EPOCH,
};

impl Source for AiGateway {
    fn named(&self) -> Option<&[String]> {
        match &self.gateways {
            Gateways::Named(ids) => Some(ids),
            Gateways::All => None,
        }
    }

    fn per_page(&self) -> u32 {
        self.per_page
    }

    /// The account's gateways, 50 on a page.
    fn streams(&self, page: u32) -> Request {
        get(self, &format!("?page={page}&per_page=50"))
    }

    fn read_streams(&self, response: &Response) -> Result<(Vec<String>, Option<u64>), CallError> {
        let envelope = open(response, &HINTS)?;
        let total = envelope.total();
        let Value::Array(elements) = envelope.result else {
            return Err(misbehaved("has no list of gateways in its result"));
        };
        let id = |gateway: &Value| gateway["id"].as_str().map(str::to_owned);
        let ids = elements.iter().map(id).collect::<Option<_>>();
        Ok((ids.ok_or_else(|| misbehaved("names a gateway without an id"))?, total))
    }

    fn is_stream(&self, id: &str) -> bool {
        is_gateway_id(id)
    }

    fn page(&self, gateway: &str, query: &Query) -> Request {
        let filter =
            |operator: &str, bound| json!({ "key": "created_at", "operator": operator, "value": [time::text(bound)] });
        let mut filters = Vec::new();
        if let Some(from) = query.from {
            // There is no gte: "after the millisecond before" includes the bound itself.
            filters.push(filter("gt", from - MILLISECOND));
        }
        filters.push(filter("lt", query.until));
        if let Some(duration) = query.longer_than {
            filters.push(json!({ "key": "duration", "operator": "gt", "value": [duration.as_millis()] }));
        }
        filtered(self, gateway, filters, query.direction, (query.page, query.per_page))
    }

    fn read_page(&self, response: &Response, query: &Query) -> Result<Page, CallError> {
        let (entries, total) = entries(response, begin_of(query))?;
        check(&entries, query)?;
        Ok(Page { entries, total, rate: rate(response.headers()), date: date(response.headers()) })
    }

    fn page_of_one(&self, beginning: &[u8], most: usize, query: &Query) -> Option<Page> {
        let text = String::from_utf8_lossy(beginning);
        let list = text.split_once("\"result\"").and_then(|(_, result)| result.split_once('['));
        let log = list.map(|(_, log)| log.trim_start()).filter(|log| raw::is_unfinished_object(log))?;
        let reason = format!("This log alone is larger than {most} bytes, the most that is read of an answer.");
        // Several logs may begin alike.
        let place = format!("{} {}", time::text(begin_of(query)), query.page);
        let mut entry = Entry::of_beginning(log, &place, &reason, begin_of(query));
        if check(std::slice::from_ref(&entry), query).is_err() {
            entry.place(begin_of(query));
        }
        Some(Page { entries: vec![entry], total: None, rate: None, date: None })
    }

    fn find(&self, gateway: &str, id: &str) -> Request {
        let filters = vec![json!({ "key": "id", "operator": "eq", "value": [id] })];
        filtered(self, gateway, filters, Direction::Descending, (1, 1))
    }

    fn read_found(&self, response: &Response, id: &str) -> Result<Option<Entry>, CallError> {
        let (found, _) = entries(response, Timestamp::UNIX_EPOCH)?;
        if found.iter().any(|entry| entry.id != id) {
            return Err(misbehaved(&format!("ignores the filter: it shows another log than {id}")));
        }
        Ok(found.into_iter().next())
    }

    fn record(&self, entry: Entry, gateway: &str, ingested_at: Timestamp, privacy: &Privacy) -> Record {
        entry.into_row(gateway, ingested_at, privacy)
    }
}

/// The request that counts all logs of a gateway: a page with one log, only for its total.
#[must_use]
pub fn count_all(source: &AiGateway, gateway: &str) -> Request {
    filtered(source, gateway, Vec::new(), Direction::Descending, (1, 1))
}

/// The request for a gateway's settings.
#[must_use]
pub fn settings(source: &AiGateway, gateway: &str) -> Request {
    get(source, &format!("/{}", encoded(gateway)))
}

fn filtered(
    source: &AiGateway,
    gateway: &str,
    filters: Vec<Value>,
    direction: Direction,
    (page, per_page): (u32, u32),
) -> Request {
    let direction = match direction {
        Direction::Ascending => "asc",
        Direction::Descending => "desc",
    };
    let parameters = form_urlencoded::Serializer::new(String::new())
        .append_pair("page", &page.to_string())
        .append_pair("per_page", &per_page.to_string())
        .append_pair("order_by", "created_at")
        .append_pair("order_by_direction", direction)
        .append_pair("filters", &Value::from(filters).to_string())
        .finish();
    get(source, &format!("/{}/logs?{parameters}", encoded(gateway)))
}

fn get(source: &AiGateway, path: &str) -> Request {
    let address = format!("{}/accounts/{}/ai-gateway/gateways{path}", source.base, encoded(&source.account));
    let mut request = request(Method::GET, &address, Vec::new());
    source.token.authorize(&mut request);
    request
}

/// The hints to a person if the API refuses.
const HINTS: Hints = Hints {
    missing: "Check CF_ACCOUNT_ID and AIG_GATEWAY_ID: that account has no such gateway",
    token: "Check CF_API_TOKEN: it must be valid, belong to the account CF_ACCOUNT_ID, and have the permission AI Gateway \
            Read",
    other: "The request does not suit the API: check LOGS_PER_PAGE, CF_ACCOUNT_ID and AIG_GATEWAY_ID",
};

/// The settings of a gateway about its logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewaySettings {
    /// Whether the gateway keeps logs, if known.
    pub collect_logs: Option<bool>,
    /// How many logs it has room for, if known.
    pub room: Option<u64>,
    /// What a full gateway does, if known: `STOP_INSERTING` or `DELETE_OLDEST`.
    pub when_full: Option<String>,
}

/// Reads the answer to [`settings`]. None: there is no such gateway.
///
/// # Errors
/// If the API refuses or fails.
pub fn read_settings(response: &Response) -> Result<Option<GatewaySettings>, CallError> {
    if response.status() == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    let settings = open(response, &HINTS)?.result;
    if !settings.is_object() {
        return Err(misbehaved("has no settings of a gateway in its result"));
    }
    Ok(Some(GatewaySettings {
        collect_logs: settings["collect_logs"].as_bool(),
        room: settings["log_management"].as_u64(),
        when_full: settings["log_management_strategy"].as_str().map(str::to_owned),
    }))
}

/// Reads when each gateway of the answer to [`Source::streams`] was made, if it tells; and the number of all gateways.
///
/// # Errors
/// If the API refuses or fails.
pub fn read_births(response: &Response) -> Result<(Vec<Option<Timestamp>>, Option<u64>), CallError> {
    let envelope = open(response, &HINTS)?;
    let total = envelope.total();
    let Value::Array(gateways) = envelope.result else {
        return Err(misbehaved("has no list of gateways in its result"));
    };
    let birth = |gateway: &Value| gateway["created_at"].as_str().and_then(time::parse);
    Ok((gateways.iter().map(birth).collect(), total))
}

/// Reads the answer to [`count_all`]: the count, if the server tells.
///
/// # Errors
/// If the API refuses or fails.
pub fn read_count(response: &Response) -> Result<Option<u64>, CallError> {
    Ok(open(response, &HINTS)?.total())
}

/// The entries of an answer, and their number on all pages together. An entry whose instant cannot be read is placed:
/// it gets the instant of the entry before it, or the instant at which the page `begins`.
fn entries(response: &Response, begins: Timestamp) -> Result<(Vec<Entry>, Option<u64>), CallError> {
    // All entries at once, as long as every one can be read.
    if let Some(envelope) = open_as::<Option<Vec<Entry>>>(response) {
        let total = envelope.total();
        if let Some(entries) = envelope.result {
            return Ok((entries, total));
        }
    }
    let text = String::from_utf8_lossy(response.body());
    let (elements, total) = open_list(response, &text, &HINTS)?;
    let elements = elements.ok_or_else(|| misbehaved("has no list of logs in its result"))?;
    let mut beside = begins;
    let read = elements.into_iter().map(|text| {
        let entry = Entry::read(text, beside);
        beside = entry.created_at;
        entry
    });
    Ok((read.collect(), total))
}

/// The instant at which the answer to a query begins.
fn begin_of(query: &Query) -> Timestamp {
    match query.direction {
        Direction::Ascending => query.from.unwrap_or_default(),
        Direction::Descending => query.until - MILLISECOND,
    }
}

fn check(entries: &[Entry], query: &Query) -> Result<(), CallError> {
    // The instant of a placed entry says nothing about the filter or the order.
    let own = || entries.iter().filter(|entry| !entry.is_placed());
    let stray = own().find(|entry| {
        entry.created_at >= query.until || query.from.is_some_and(|from| entry.created_at <= from - MILLISECOND)
    });
    if let Some(entry) = stray {
        let at = time::text(entry.created_at);
        return Err(misbehaved(&format!("ignores the filter: it shows entry {} of {at}", entry.id)));
    }
    let in_order = own().is_sorted_by(|a, b| {
        let (a, b) = (time::floor_ms(a.created_at), time::floor_ms(b.created_at));
        match query.direction {
            Direction::Ascending => a <= b,
            Direction::Descending => a >= b,
        }
    });
    if in_order { Ok(()) } else { Err(misbehaved("ignores the order asked for")) }
}

fn misbehaved(problem: &str) -> CallError {
    CallError::denied(
        format!("the answer of the logs API {problem}"),
        "Nothing was written or moved; if CLOUDFLARE_BASE_URL is Cloudflare's own, its API has changed: please report it",
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::header::{self, DATE};

    use super::*;
    use crate::{config::Gateways, secret::Secret};
    use crate::{plan::budget::Rate, source::check_clock};

    const LIST: &str = include_str!("../../tests/fixtures/list.json");

    fn source() -> AiGateway {
        AiGateway {
            base: "https://api.example/client/v4".into(),
            account: "acc/1".into(),
            token: Secret::new("hush"),
            gateways: Gateways::All,
            per_page: 50,
        }
    }

    fn query(direction: Direction) -> Query {
        let at = |text| time::parse(text).unwrap();
        Query {
            from: Some(at("2026-10-06T09:00:00Z")),
            until: at("2026-10-06T10:00:00Z"),
            direction,
            page: 1,
            per_page: 50,
            longer_than: None,
        }
    }

    fn answer(status: u16, body: &str) -> Response {
        http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_list_request_sends_one_filters_parameter_and_always_an_order() {
        let request = source().page("main", &query(Direction::Ascending));
        assert_eq!((request.method(), request.body().len()), (&Method::GET, 0));
        let (path, parameters) = request.uri().path_and_query().unwrap().as_str().split_once('?').unwrap();
        assert_eq!(path, "/client/v4/accounts/acc%2F1/ai-gateway/gateways/main/logs");
        let parameters: Vec<_> = form_urlencoded::parse(parameters.as_bytes()).into_owned().collect();
        let filters = r#"[{"key":"created_at","operator":"gt","value":["2026-10-06T08:59:59.999Z"]},{"key":"created_at","operator":"lt","value":["2026-10-06T10:00:00.000Z"]}]"#;
        let expected = [
            ("page", "1"),
            ("per_page", "50"),
            ("order_by", "created_at"),
            ("order_by_direction", "asc"),
            ("filters", filters),
        ];
        assert_eq!(parameters, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(request.headers()[header::AUTHORIZATION], "Bearer hush");
    }

    #[test]
    fn one_log_is_found_by_its_id_and_no_other_is_taken_for_it() {
        let request = source().find("main", "a b");
        let parameters: Vec<_> =
            form_urlencoded::parse(request.uri().query().unwrap().as_bytes()).into_owned().collect();
        let filters = r#"[{"key":"id","operator":"eq","value":["a b"]}]"#.to_owned();
        assert_eq!(parameters.last(), Some(&("filters".to_owned(), filters)));
        assert!(source().read_found(&answer(200, LIST), "a").unwrap_err().to_string().contains("another log than a"));
        assert_eq!(source().read_found(&answer(200, r#"{"success":true,"result":[]}"#), "a"), Ok(None));
        let one = r#"{"success":true,"result":[{"id":"a","created_at":"2026-10-06T09:15:22.417Z"}]}"#;
        assert_eq!(source().read_found(&answer(200, one), "a").unwrap().map(|entry| entry.id), Some("a".into()));
    }

    #[test]
    fn a_token_does_not_show_in_a_request() {
        let shown = format!("{:?} {:?}", source().page("main", &query(Direction::Descending)), source());
        assert!(!shown.contains("hush"), "{shown}");
    }

    #[test]
    fn a_page_is_read_with_its_count_and_rate() {
        let mut response = answer(200, LIST);
        response.headers_mut().insert("ratelimit", "\"default\";r=50;t=30".parse().unwrap());
        response.headers_mut().insert("ratelimit-policy", "\"burst\";q=100;w=60".parse().unwrap());
        let page = source().read_page(&response, &query(Direction::Ascending)).unwrap();
        assert_eq!((page.entries.len(), page.total), (2, Some(2)));
        assert_eq!(page.rate, Some(Rate { remaining: 50, reset: Duration::from_secs(30), quota: 100 }));
    }

    #[test]
    fn a_rate_beyond_sense_is_as_good_as_absent() {
        let check = |rate: &str, policy: &str, is_told: bool| {
            let mut response = answer(200, LIST);
            response.headers_mut().insert("ratelimit", rate.parse().unwrap());
            response.headers_mut().insert("ratelimit-policy", policy.parse().unwrap());
            let page = source().read_page(&response, &query(Direction::Ascending)).unwrap();
            assert_eq!(page.rate.is_some(), is_told, "{rate} {policy}");
        };
        check("r=1;t=86400", "q=1", true);
        check("r=1;t=18446744073709551615", "q=1", false);
        check("r=1;t=86401", "q=1", false);
        check("r=99999999999;t=1", "q=1", false);
        check("r=1;t=1", "q=-1", false);
        check("r=1.5;t=1", "q=1", false);
    }

    #[test]
    fn one_log_that_no_parser_takes_spoils_nothing_beside_it() {
        let good = |n: u32| format!(r#"{{"id":"g{n}","created_at":"2026-10-06T09:15:2{n}.000Z","step":{n}}}"#);
        let id = |page: &Page, n: usize| page.entries[n].id.clone();
        for (poison, is_row) in POISON {
            for place in 0..3 {
                let mut logs: Vec<Vec<u8>> = [1, 2].map(|n| good(n).into_bytes()).into();
                let poison = poison
                    .replace("AT", ["2026-10-06T09:15:20Z", "2026-10-06T09:15:21.5Z", "2026-10-06T09:15:23Z"][place]);
                // The byte that no text of Rust can hold.
                let poison: Vec<u8> = poison.bytes().map(|byte| if byte == b'~' { 0xff } else { byte }).collect();
                logs.insert(place, poison);
                let body = [
                    br#"{"success":true,"result":["#.as_slice(),
                    &logs.join(&b","[..]),
                    br#"],"result_info":{"total_count":3}}"#,
                ]
                .concat();
                let response = http::Response::builder().status(200).body(body).unwrap();
                let page = source().read_page(&response, &query(Direction::Ascending)).unwrap();
                assert_eq!((page.entries.len(), page.total), (3, Some(3)));
                let others: Vec<_> = (0..3).filter(|n| *n != place).map(|n| id(&page, n)).collect();
                assert_eq!(others, ["g1", "g2"]);
                let entry = &page.entries[place];
                assert_eq!(entry.unread.is_none(), is_row, "{entry:?}");
                let beside = if place == 0 {
                    begin_of(&query(Direction::Ascending))
                } else {
                    page.entries[place - 1].created_at
                };
                assert!(!entry.is_placed() || entry.created_at == beside, "{entry:?}");
            }
        }
    }

    /// Logs, and whether each can become a row.
    const POISON: [(&str, bool); 12] = [
        (r#"{"id":"p","created_at":"AT","user_agent":"agent \ud83d"}"#, true),
        (r#"{"id":"p","created_at":"AT","user_agent":"caf~"}"#, true),
        ("{\"id\":\"p\",\"created_at\":\"AT\",\"user_agent\":\"a\u{7}b\"}", true),
        (r#"{"id":"p","created_at":"AT","score":1e400}"#, true),
        (r#"{"id":"p","created_at":"AT","metadata":{"order":12345678901234567890123}}"#, true),
        (r#"{"id":42,"created_at":"AT"}"#, false),
        (r#"{"id":"p","created_at":1795169102}"#, false),
        (r#"{"id":"p"}"#, false),
        (r#"{"created_at":null}"#, false),
        ("null", false),
        ("7", false),
        (r#"{"id" "p"}"#, false),
    ];

    #[test]
    fn what_a_page_begins_with_places_the_one_log_that_is_too_large() {
        let query = query(Direction::Ascending);
        let page =
            |beginning: &str| source().page_of_one(beginning.as_bytes(), 1_000, &query).unwrap().entries.remove(0);
        let known = page(r#"{"errors":[],"result": [ {"id":"a","created_at":"2026-10-06T09:15:22.417Z","path":"xxx"#);
        assert_eq!((known.id.as_str(), known.is_placed()), ("a", false));
        let reason = &known.unread.as_ref().unwrap().reason;
        assert_eq!(reason, "This log alone is larger than 1000 bytes, the most that is read of an answer.");
        let unplaced =
            [r#"{"result":[{"path":"xxx"#, r#"{"result":[{"id":"a","created_at":"2031-01-01T00:00:00Z","p":"#];
        for beginning in unplaced {
            assert_eq!((page(beginning).created_at, page(beginning).is_placed()), (begin_of(&query), true));
        }
        let next = source().page_of_one(unplaced[0].as_bytes(), 1_000, &Query { page: 2, ..query }).unwrap();
        assert_ne!(next.entries[0].id, page(unplaced[0]).id, "two that begin alike");
        for none in
            ["", "<html>", "   ", r#"{"result":[   "#, r#"{"result":[{"id":"a"},{"id":"b"},"#, r#"{"result":[7,7,7"#]
        {
            assert_eq!(source().page_of_one(none.as_bytes(), 1_000, &query), None, "{none}");
        }
    }

    #[test]
    fn a_clock_that_is_wrong_by_minutes_is_told() {
        let mut response = answer(200, LIST);
        response.headers_mut().insert(DATE, "Tue, 06 Oct 2026 09:20:00 GMT".parse().unwrap());
        let page = source().read_page(&response, &query(Direction::Ascending)).unwrap();
        let check = |now: &str| check_clock(&page, time::parse(now).unwrap()).map_err(|error| error.to_string());
        assert_eq!(check("2026-10-06T09:15:00Z"), Ok(()));
        assert_eq!(check("2026-10-06T09:25:00Z"), Ok(()));
        let ahead = check("2026-10-07T09:20:00Z").unwrap_err();
        assert!(ahead.contains("is 1440 minutes ahead of Cloudflare's. Set it"), "{ahead}");
        assert!(check("2026-10-06T09:14:00Z").unwrap_err().contains("6 minutes behind"));
    }

    #[test]
    fn settings_say_what_they_say_and_a_gateway_may_be_missing() {
        let told = r#"{"success":true,"result":{"id":"a","collect_logs":false,"log_management":null}}"#;
        let settings = GatewaySettings { collect_logs: Some(false), room: None, when_full: None };
        assert_eq!(read_settings(&answer(200, told)), Ok(Some(settings)));
        assert_eq!(read_settings(&answer(404, r#"{"success":false,"errors":[{"code":7002}]}"#)), Ok(None));
        let refused = read_settings(&answer(403, include_str!("../../tests/fixtures/wrong_token.json"))).unwrap_err();
        assert!(refused.to_string().contains("AI Gateway Read"), "{refused}");
        assert!(!count_all(&source(), "main").uri().query().unwrap().contains("created_at%22"));
    }

    #[test]
    fn null_members_and_a_strange_count_are_no_trouble() {
        let body =
            |total| format!(r#"{{"success":true,"errors":null,"result":[],"result_info":{{"total_count":{total}}}}}"#);
        for (given, total) in [("7", Some(7)), ("7.5", None), ("-1", None), ("null", None), ("\"7\"", None)] {
            let page = source().read_page(&answer(200, &body(given)), &query(Direction::Ascending)).unwrap();
            assert_eq!(page.total, total, "{given}");
        }
    }

    #[test]
    fn an_answer_that_does_not_obey_the_request_is_an_error() {
        let check = |query: Query, words: &str| {
            let error = source().read_page(&answer(200, LIST), &query).unwrap_err();
            assert!(!error.is_transient() && error.to_string().contains(words), "{error}");
        };
        let all = query(Direction::Ascending);
        check(Query { until: time::parse("2026-10-06T09:15:23.379Z").unwrap(), ..all }, "ignores the filter");
        check(Query { from: time::parse("2026-10-06T09:15:22.418Z"), ..all }, "ignores the filter");
        check(query(Direction::Descending), "ignores the order");
        let stray = answer(200, r#"{"success":true,"result":{}}"#);
        assert!(!source().read_page(&stray, &all).unwrap_err().is_transient());
    }

    #[test]
    fn every_failure_says_who_acts() {
        let check = |status, body: &str, transient, words: &str| {
            let error = source().read_page(&answer(status, body), &query(Direction::Ascending)).unwrap_err();
            assert_eq!(error.is_transient(), transient, "{status} {body}");
            assert!(error.to_string().contains(words), "{error}");
        };
        let wrong_token = include_str!("../../tests/fixtures/wrong_token.json");
        check(403, wrong_token, false, "Check CF_API_TOKEN");
        check(200, wrong_token, false, "Check CF_API_TOKEN");
        check(401, "", false, "Check CF_API_TOKEN");
        check(403, "<html>Blocked</html>", false, "<html>Blocked</html>");
        check(408, "", true, "408");
        check(
            404,
            include_str!("../../tests/fixtures/wrong_gateway.json"),
            false,
            "Check CF_ACCOUNT_ID and AIG_GATEWAY_ID",
        );
        check(400, include_str!("../../tests/fixtures/wrong_page_size.json"), false, "(7001)");
        check(400, include_str!("../../tests/fixtures/without_code.json"), false, "Expected array, received string");
        check(200, r#"{"success":false,"errors":[]}"#, true, "200 OK");
        check(200, &LIST[..LIST.len() / 2], true, "failed");
        check(200, "<html>try later</html>", true, "<html>try later</html>");
        check(502, "<html>Bad\n  gateway</html>", true, "<html>Bad gateway</html>");
        check(500, wrong_token, true, "500");
        check(429, "", true, "slow down");
        check(302, "", false, "Check CLOUDFLARE_BASE_URL");
    }

    #[test]
    fn an_error_quotes_nothing_of_a_log() {
        for (status, body) in [(200, &LIST[..LIST.len() - 20]), (502, LIST), (404, &LIST[..LIST.len() / 2])] {
            let error =
                source().read_page(&answer(status, body), &query(Direction::Ascending)).unwrap_err().to_string();
            assert!(LIST.contains("team") && !error.contains("team") && !error.contains("model"), "{error}");
        }
    }

    #[test]
    fn gateways_are_listed_by_id() {
        let response = answer(200, include_str!("../../tests/fixtures/gateways.json"));
        let (ids, total) = source().read_streams(&response).unwrap();
        assert_eq!((ids, total), (vec!["main".to_owned(), "staging".to_owned()], Some(2)));
        assert_eq!(source().streams(2).uri().query(), Some("page=2&per_page=50"));
    }
}
