//! A service that says anything, and sends everything back: what of that a terminal, a log and a file get to see.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs,
    net::{SocketAddr, TcpListener},
    process::Output,
    sync::{Arc, Mutex},
    thread,
};

use aig_logs::simulator::google::SimulatedAccount;
use axum::{Router, body::Bytes, extract::State};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{command, words};
use crate::secrets::{HASH_KEY, Heard, assert_visible};

const TOKEN: &str = "cf-Zk3mQ8wX5rT1vB7nH4jL9pD2sF6gY0aE";

/// An id of two lines, which would move a cursor, too.
const ID: &str = "first\n2026-10-06 forged line\u{1b}[2J";

const CREATED: &str = "2026-10-06T09:15:22.417Z";

/// Who says what he has heard, with which status and in which shape. All others answer as they should.
#[derive(Debug, Clone, Copy)]
struct Careless {
    service: &'static str,
    status: u16,
    shape: fn(&str) -> Value,
}

struct Services {
    heard: Mutex<Heard>,
    careless: Careless,
}

/// Services on loopback, and a folder with settings for them.
struct Outside {
    folder: TempDir,
    services: Arc<Services>,
    settings: BTreeMap<&'static str, String>,
    /// What every command knows to be secret.
    known: Heard,
    /// What any command has sent.
    ever: RefCell<Heard>,
}

impl Outside {
    fn new(careless: Careless) -> Self {
        let key = SimulatedAccount::weak(1);
        let body: String = key.pkcs8_pem().lines().filter(|line| !line.starts_with("-----")).collect();
        let known = Heard::of(&[TOKEN, HASH_KEY, &body]);
        let services = Arc::new(Services { heard: Mutex::default(), careless });
        let base = format!("http://{}", serve(Arc::clone(&services)));
        let settings = BTreeMap::from([
            ("CF_API_TOKEN", TOKEN.to_owned()),
            ("CF_ACCOUNT_ID", "acc".to_owned()),
            ("AIG_GATEWAY_ID", "main".to_owned()),
            ("CLOUDFLARE_BASE_URL", base.clone()),
            ("CF_KV_STATE_ID", "state".to_owned()),
            ("CF_KV_IDS_ID", "ids".to_owned()),
            ("GCP_SA_EMAIL", key.email().to_owned()),
            ("GCP_SA_PRIVATE_KEY_PEM", key.pkcs8_pem().replace('\n', "\\n")),
            ("GCP_TOKEN_URI", format!("{base}/token")),
            ("GCP_BQ_PROJECT", "p".to_owned()),
            ("GCP_BQ_DATASET", "d".to_owned()),
            ("BIGQUERY_EMULATOR_HOST", base),
            ("HASH_METADATA", "user".to_owned()),
            ("HASH_KEY", HASH_KEY.to_owned()),
        ]);
        Self { folder: tempfile::tempdir().unwrap(), services, settings, known, ever: RefCell::default() }
    }

    /// What a command says: no secret, and nothing that acts on a terminal.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Output {
        *self.services.heard.lock().unwrap() = self.known.clone();
        let output = command(self.folder.path()).args(arguments).envs(&self.settings).output().unwrap();
        let when = format!("{arguments:?} beside {:?}", self.services.careless);
        let heard = self.services.heard.lock().unwrap();
        self.ever.borrow_mut().join(&heard);
        for told in [&output.stdout, &output.stderr] {
            heard.assert_hidden_in(told, &when);
            assert_visible(str::from_utf8(told).unwrap(), &when);
        }
        output
    }

    /// The file of a state keeps no secret either.
    #[track_caller]
    fn assert_kept_none(&self) {
        let files: Vec<_> = fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(!files.is_empty());
        for file in files {
            let when = format!("{} beside {:?}", file.display(), self.services.careless);
            self.ever.borrow().assert_hidden_in(&fs::read(file).unwrap(), &when);
        }
    }
}

/// Serves until the test ends.
fn serve(services: Arc<Services>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let router = Router::new().fallback(answer).with_state(services);
    thread::spawn(move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    address
}

async fn answer(
    State(services): State<Arc<Services>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let mut request = Request::new(body.to_vec());
    (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (method, uri, headers);
    let mut heard = services.heard.lock().unwrap();
    heard.listen(&request);
    let Careless { service, status, shape } = services.careless;
    let path = request.uri().to_string();
    if path.contains(service) {
        return (status.try_into().unwrap(), shape(&heard.echo()).to_string());
    }
    let entry = json!({ "id": ID, "created_at": CREATED, "model": "gpt\u{1b}[31m", "success": true });
    let answer = if path == "/token" {
        json!({ "access_token": "ya29.Hq5xW2mZ8rK4tV9bN1cL7pJ3", "expires_in": 3_600 })
    } else if path.contains("/logs?") {
        let shown: Vec<_> = is_wanted(&request).then_some(entry).into_iter().collect();
        json!({ "success": true, "result_info": { "total_count": shown.len() }, "result": shown })
    } else {
        json!({ "success": true, "result": [] })
    };
    (StatusCode::OK, answer.to_string())
}

/// Whether the one log lies before the end of the time that is asked for.
fn is_wanted(request: &Request<Vec<u8>>) -> bool {
    let query: BTreeMap<_, _> = form_urlencoded::parse(request.uri().query().unwrap().as_bytes()).collect();
    let filters: Vec<Value> = serde_json::from_str(&query["filters"]).unwrap();
    filters.iter().all(|filter| filter["operator"] != "lt" || filter["value"][0].as_str().unwrap() > CREATED)
}

fn of_cloudflare(text: &str) -> Value {
    json!({ "success": false, "errors": [{ "code": 10_000, "message": text }] })
}

fn of_google(text: &str) -> Value {
    json!({ "error": { "message": text, "errors": [{ "reason": text, "location": text, "message": text }] } })
}

fn of_sign_in(text: &str) -> Value {
    json!({ "error": text, "error_description": text })
}

fn of_a_row(text: &str) -> Value {
    json!({ "insertErrors": [{ "index": 0, "errors": [{ "reason": "invalid", "location": text, "message": text }] }] })
}

/// What copies that log into BigQuery.
const COPY: [&str; 9] = [
    "backfill",
    "--from",
    "2026-10-06T09:00:00Z",
    "--to",
    "2026-10-06T10:00:00Z",
    "--sink",
    "bigquery",
    "--state",
    "state.sqlite",
];

#[test]
fn a_careless_service_brings_no_secret_into_words_json_state_or_table() {
    let careless = [
        Careless { service: "/logs?", status: 403, shape: of_cloudflare },
        Careless { service: "/token", status: 400, shape: of_sign_in },
        Careless { service: "/insertAll", status: 403, shape: of_google },
        Careless { service: "/insertAll", status: 400, shape: of_google },
    ];
    for careless in careless {
        let outside = Outside::new(careless);
        assert_eq!(outside.run(&COPY).status.code(), Some(2), "{careless:?}");
        outside.run(&[&COPY[..], &["--json"]].concat());
        outside.run(&["forward", "--json", "--state", "state.sqlite", "--sink", "bigquery"]);
        outside.run(&["forward"]);
        outside.run(&["status", "--state", "state.sqlite"]);
        outside.run(&["status", "--state", "state.sqlite", "--json"]);
        outside.assert_kept_none();
    }
}

#[test]
fn who_looks_at_a_careless_service_sees_no_secret() {
    for shape in [of_cloudflare, of_google] {
        let outside = Outside::new(Careless { service: "/", status: 403, shape });
        outside.run(&["doctor"]);
        outside.run(&["doctor", "--json"]);
        outside.run(&["status", "--state", "kv"]);
        outside.run(&["dead-letters", "list", "--state", "kv"]);
        outside.run(&["sql", "--check"]);
        outside.run(&["verify", "--from", "2026-10-06", "--to", "2026-10-07", "--state", "kv"]);
    }
}

#[test]
fn an_id_of_two_lines_is_one_line_of_the_log_and_of_every_table() {
    let outside = Outside::new(Careless { service: "/insertAll", status: 200, shape: of_a_row });
    let copied = outside.run(&COPY);
    assert_eq!(copied.status.code(), Some(0), "{}", words(&copied));
    let log = words(&copied);
    let [line] = &log.lines().filter(|line| line.contains("dead letter")).collect::<Vec<_>>()[..] else {
        panic!("{log}")
    };
    assert!(line.contains("first\\n2026-10-06 forged line"), "{log}");
    let listed = outside.run(&["dead-letters", "list", "--state", "state.sqlite"]);
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 2);
    outside.run(&["dead-letters", "list", "--state", "state.sqlite", "--json"]);
    outside.run(&["explain", ID, "--state", "state.sqlite"]);
    let rows = outside.run(&["dead-letters", "show", "--state", "state.sqlite"]);
    let row: Value = serde_json::from_slice(&rows.stdout).unwrap();
    assert_eq!((&row["row"]["id"], &row["row"]["model"]), (&json!(ID), &json!("gpt\u{1b}[31m")));
    outside.assert_kept_none();
}
