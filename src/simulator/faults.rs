//! The plan of faults. Rules say which calls fail, and how. In a storm all calls fail now and then. Both depend on a
//! seed, so a run can be repeated.

use std::collections::{BTreeMap, BTreeSet};

use http::{HeaderValue, Response, header};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::{bigquery, cloudflare, plan, wire};

/// What can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// Cloudflare's list of gateways.
    Gateways,
    /// Cloudflare's list of a gateway's logs.
    List,
    /// Google's token endpoint.
    Token,
    /// BigQuery's `insertAll`.
    Insert,
}

/// Which calls of an endpoint, counted from 1 since the rule was added.
#[derive(Clone, Debug)]
pub enum When {
    /// Every call.
    Always,
    /// One call.
    Nth(u64),
    /// Several calls.
    Among(BTreeSet<u64>),
    /// The nth call, the 2nth, and so on.
    Every(u64),
    /// Each call with this chance, 0 to 1.
    Chance(f64),
}

/// What happens instead of the usual answer.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing is done, nothing answered.
    Silence,
    /// It is done, but not answered.
    SilenceAfter,
    /// Nothing is done; the answer is a refusal.
    Refuse(Refusal),
    /// It is done, but answered with a refusal.
    RefuseAfter(Refusal),
    /// It is done; the answer ends in the middle.
    Truncate,
    /// It is done; this member of the answer is another.
    Replace(&'static str, Value),
    /// A page that shows its first entry twice.
    RepeatEntry,
    /// This many of the gateway's oldest entries are deleted before the call is answered.
    DeleteOldest(usize),
    /// Entries with these ids are deleted before the call is answered.
    Delete(Vec<String>),
}

/// Ways to say no.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// 429 with `retry-after` in seconds.
    TooManyRequests(u32),
    /// A status with the endpoint's own form of error.
    Status(u16),
    /// A status with an HTML page, as a proxy or front end sends it; 413 for one.
    Html(u16),
    /// A status without a body.
    Empty(u16),
    /// 200 with `"success": false`.
    Unsuccessful,
    /// 400 whose errors have a message, but no code.
    Codeless,
    /// 403 with one of Google's reasons: `quotaExceeded`, `rateLimitExceeded`, `accessDenied`, `billingNotEnabled`.
    Forbidden(&'static str),
    /// 200 of `insertAll` that names the first row alone, with this reason. No row is in.
    OneRow(&'static str),
}

/// The plan, and how often each kind of fault has struck.
pub struct Faults {
    rules: Vec<Rule>,
    storm: Option<Storm>,
    poisoned: BTreeSet<String>,
    struck: BTreeMap<&'static str, u64>,
    rng: ChaCha8Rng,
}

/// Strikes a call that no rule strikes.
struct Storm {
    seed: u64,
    calls: BTreeMap<Endpoint, u64>,
}

struct Rule {
    endpoint: Endpoint,
    when: When,
    fault: Fault,
    calls: u64,
}

impl Faults {
    pub(super) fn new(seed: u64, storm: Option<u64>) -> Self {
        Self {
            rules: Vec::new(),
            storm: storm.map(|seed| Storm { seed, calls: BTreeMap::new() }),
            poisoned: BTreeSet::new(),
            struck: BTreeMap::new(),
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// Adds a rule. Where several apply to a call, the one added first wins.
    pub fn add(&mut self, endpoint: Endpoint, when: When, fault: Fault) {
        self.rules.push(Rule { endpoint, when, fault, calls: 0 });
    }

    /// Makes a row one that BigQuery never takes.
    pub fn poison(&mut self, id: &str) {
        self.poisoned.insert(id.to_owned());
    }

    /// Ends all faults; the counts stay.
    pub fn clear(&mut self) {
        self.rules.clear();
        self.storm = None;
        self.poisoned.clear();
    }

    /// How often each kind of fault has struck.
    #[must_use]
    pub fn struck(&self) -> &BTreeMap<&'static str, u64> {
        &self.struck
    }

    /// Whether BigQuery never takes the row of this entry.
    pub(super) fn is_poison(&self, id: &str) -> bool {
        self.poisoned.contains(id) || self.storm.as_ref().is_some_and(|storm| plan::is_poison(storm.seed, id))
    }

    /// The fault that strikes this call, if any.
    pub(super) fn strike(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let mut strikes = None;
        for rule in self.rules.iter_mut().filter(|rule| rule.endpoint == endpoint) {
            rule.calls += 1;
            if rule.when.holds(rule.calls, &mut self.rng) && strikes.is_none() {
                strikes = Some(rule.fault.clone());
            }
        }
        let stormed = self.storm.as_mut().and_then(|storm| storm.strike(endpoint));
        let strikes = strikes.or(stormed);
        if let Some(fault) = &strikes {
            *self.struck.entry(fault.kind()).or_default() += 1;
        }
        strikes
    }
}

impl Storm {
    fn strike(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let calls = self.calls.entry(endpoint).or_default();
        *calls += 1;
        plan::fault(self.seed, endpoint, *calls)
    }
}

impl When {
    fn holds(&self, call: u64, rng: &mut ChaCha8Rng) -> bool {
        match self {
            Self::Always => true,
            Self::Nth(nth) => call == *nth,
            Self::Among(calls) => calls.contains(&call),
            Self::Every(n) => call.is_multiple_of(*n),
            Self::Chance(chance) => rng.gen_bool(chance.clamp(0.0, 1.0)),
        }
    }
}

impl Fault {
    /// Its kind, by which faults are counted.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::SilenceAfter => "silence_after_doing",
            Self::Refuse(refusal) => refusal.kind(),
            Self::RefuseAfter(_) => "refused_after_doing",
            Self::Truncate => "truncated_answer",
            Self::Replace(..) => "altered_answer",
            Self::RepeatEntry => "repeated_entry",
            Self::DeleteOldest(_) | Self::Delete(_) => "deleted_entries",
        }
    }
}

impl Refusal {
    fn kind(&self) -> &'static str {
        match self {
            Self::TooManyRequests(_) => "too_many_requests",
            Self::Status(500..) => "server_error",
            Self::Status(_) => "client_error",
            Self::Html(_) => "html_page",
            Self::Empty(_) => "empty_answer",
            Self::Unsuccessful => "unsuccessful",
            Self::Codeless => "error_without_code",
            Self::Forbidden("quotaExceeded" | "rateLimitExceeded") => "quota_exceeded",
            Self::Forbidden(_) => "forbidden",
            Self::OneRow(_) => "rows_not_taken",
        }
    }

    pub(super) fn response(&self, endpoint: Endpoint) -> Response<Vec<u8>> {
        match self {
            Self::TooManyRequests(seconds) => {
                let mut response = native(endpoint, 429);
                response.headers_mut().insert(header::RETRY_AFTER, (*seconds).into());
                response
            }
            Self::Status(status) => native(endpoint, *status),
            Self::Html(status) => html(*status),
            Self::Empty(status) => wire::response(*status, "text/plain", Vec::new()),
            Self::Unsuccessful => cloudflare::failure(200, failed(Some(1_000)), Value::Null),
            Self::Codeless => cloudflare::failure(400, failed(None), json!({})),
            Self::Forbidden(reason) => bigquery::failure(403, reason, "The request was refused."),
            Self::OneRow(reason) => bigquery::first_row(reason),
        }
    }
}

/// An error in the form that the endpoint's vendor uses.
fn native(endpoint: Endpoint, status: u16) -> Response<Vec<u8>> {
    match (endpoint, status) {
        (Endpoint::Gateways | Endpoint::List, _) => cloudflare::failure(status, failed(Some(1_000)), Value::Null),
        (Endpoint::Token | Endpoint::Insert, _) => bigquery::failure(status, reason(status), "Error encountered."),
    }
}

/// Google's reason for a status. cloud.google.com/bigquery/docs/error-messages
fn reason(status: u16) -> &'static str {
    match status {
        401 => "authError",
        403 => "accessDenied",
        404 => "notFound",
        429 => "rateLimitExceeded",
        400..500 => "invalid",
        _ => "backendError",
    }
}

fn failed(code: Option<u16>) -> Value {
    let mut error = json!({ "message": "The request failed." });
    if let Some(code) = code {
        error["code"] = code.into();
    }
    json!([error])
}

fn html(status: u16) -> Response<Vec<u8>> {
    let page =
        format!("<!DOCTYPE html><html><head><title>{status}</title></head><body><h1>Error {status}</h1></body></html>");
    let mut response = wire::response(status, "text/html; charset=UTF-8", page.into_bytes());
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the first ten list calls a rule strikes.
    fn struck(when: When) -> Vec<u64> {
        let mut faults = Faults::new(7, None);
        faults.add(Endpoint::List, when, Fault::Silence);
        assert!(faults.strike(Endpoint::Insert).is_none());
        (1..=10).filter(|_| faults.strike(Endpoint::List).is_some()).collect()
    }

    #[test]
    fn rules_choose_their_calls() {
        assert_eq!(struck(When::Nth(3)), [3]);
        assert_eq!(struck(When::Among(BTreeSet::from([1, 4]))), [1, 4]);
        assert_eq!(struck(When::Every(4)), [4, 8]);
        assert_eq!(struck(When::Always).len(), 10);
        assert_eq!(struck(When::Chance(0.0)), [0; 0]);
        assert_eq!(struck(When::Chance(0.4)), struck(When::Chance(0.4)));
    }

    #[test]
    fn the_first_rule_wins_and_is_counted() {
        let mut faults = Faults::new(7, None);
        faults.add(Endpoint::Token, When::Nth(1), Fault::Truncate);
        faults.add(Endpoint::Token, When::Always, Fault::Refuse(Refusal::Status(500)));
        faults.strike(Endpoint::Token);
        faults.strike(Endpoint::Token);
        assert_eq!(faults.struck(), &BTreeMap::from([("server_error", 1), ("truncated_answer", 1)]));
    }

    #[test]
    fn refusals_speak_as_their_vendor() {
        let body = |refusal: Refusal, endpoint| {
            let response = refusal.response(endpoint);
            let status = response.status().as_u16();
            (status, serde_json::from_slice::<Value>(response.body()).unwrap_or_default())
        };
        let (status, answer) = body(Refusal::Status(500), Endpoint::List);
        assert_eq!((status, &answer["success"]), (500, &json!(false)));
        let (_, answer) = body(Refusal::Status(503), Endpoint::Insert);
        assert_eq!(answer["error"]["errors"][0]["reason"], "backendError");
        let (status, answer) = body(Refusal::Forbidden("quotaExceeded"), Endpoint::Insert);
        assert_eq!((status, &answer["error"]["errors"][0]["reason"]), (403, &json!("quotaExceeded")));
        let (_, answer) = body(Refusal::Status(404), Endpoint::Insert);
        assert_eq!(answer["error"]["errors"][0]["reason"], "notFound");
        let (status, answer) = body(Refusal::OneRow("timeout"), Endpoint::Insert);
        assert_eq!((status, answer["insertErrors"].as_array().map(Vec::len)), (200, Some(1)));
        assert_eq!(body(Refusal::Html(413), Endpoint::Insert), (413, Value::Null));
        assert_eq!(body(Refusal::Empty(400), Endpoint::Insert), (400, Value::Null));
        assert_eq!(body(Refusal::Unsuccessful, Endpoint::List).0, 200);
        assert_eq!(body(Refusal::Codeless, Endpoint::List).1["errors"][0].get("code"), None);
        let limited = Refusal::TooManyRequests(7).response(Endpoint::List);
        assert_eq!(limited.headers()["retry-after"], "7");
    }
}
