//! Whatever a service says, and whatever of a request it sends back: no secret of the run is told to anybody.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

use aig_logs::{
    config::{Gateways, Kv},
    host::{Store, rest_kv::RestKv},
    log::privacy::{Hashed, Privacy},
    pass::RUNS,
    wire::{Request, Response},
};
use futures_util::FutureExt;
use http::header::RETRY_AFTER;
use serde_json::{Value, json};

use crate::{
    secrets::{HASH_KEY, Heard, assert_visible},
    world::{MINUTE, World},
};

/// Who is asked, by what an address holds.
const SERVICES: [&str; 4] = ["/ai-gateway/gateways?", "/logs?", "/token", "/insertAll"];

const STATUSES: [u16; 9] = [200, 302, 400, 401, 403, 404, 413, 429, 500];

/// A word, and its place in an answer.
type Form = fn(&str) -> String;

/// Every shape in which a service may say something.
const FORMS: [Form; 8] = [
    |text| text.to_owned(),
    |text| format!("<html><head><title>{text}</title></head></html>"),
    |text| format!(r#"{{"result":{text}"#),
    |text| json!({ "success": false, "errors": [{ "code": 10_000, "message": text }] }).to_string(),
    |text| json!({ "success": false, "errors": [{ "message": text }], "result": text }).to_string(),
    |text| json!({ "error": text, "error_description": text }).to_string(),
    |text| json!({ "error": { "message": text, "errors": [{ "reason": text, "location": text }] } }).to_string(),
    |text| {
        let error = json!({ "reason": "invalid", "location": text, "message": text });
        json!({ "insertErrors": [{ "index": 0, "errors": [error] }] }).to_string()
    },
];

/// A world of secrets, and those that a service may know before it is asked.
fn world() -> (World, Heard) {
    let mut world = World::new();
    world.config.record_runs = true;
    world.config.source.gateways = Gateways::All;
    let keys = BTreeSet::from(["user".to_owned()]);
    world.config.privacy = Privacy { dropped: BTreeSet::new(), hashed: Some(Hashed::new(keys, HASH_KEY)) };
    world.add_many(3, MINUTE * 9, MINUTE);
    let key = world.config.bigquery.as_ref().unwrap().account.as_ref().unwrap().key.pem();
    let key: String = key.reveal().lines().filter(|line| !line.starts_with("-----")).collect();
    let heard = Heard::of(&[world.config.source.token.reveal(), &key, HASH_KEY]);
    (world, heard)
}

fn answer(status: u16, body: String) -> Response {
    http::Response::builder().status(status).header(RETRY_AFTER, "1").body(body.into_bytes()).unwrap()
}

/// Everything that a pass has left anywhere.
fn told(world: &World, report: &Value) -> String {
    let mut told = vec![report.to_string(), format!("{report:#}")];
    for store in [&world.state, &world.ids] {
        told.extend(store.keys().into_iter().flat_map(|key| [store.value(&key).unwrap(), key]));
    }
    told.extend(world.table.rows(world).iter().map(Value::to_string));
    let simulator = world.simulator.borrow();
    let runs = simulator.table(RUNS.name).unwrap().rows().iter();
    told.extend(runs.map(|landed| landed.row.to_string()));
    told.join("\n")
}

#[test]
fn no_answer_brings_a_secret_into_what_a_pass_tells() {
    for service in SERVICES {
        for status in STATUSES {
            for (number, form) in FORMS.iter().enumerate() {
                let when = format!("{service} answers {status}, form {number}");
                let (mut world, heard) = world();
                let heard = Rc::new(RefCell::new(heard));
                let listener = Rc::clone(&heard);
                world.instead = Some(Box::new(move |request: &Request| {
                    let mut heard = listener.borrow_mut();
                    heard.listen(request);
                    let is_asked = request.uri().to_string().contains(service);
                    is_asked.then(|| answer(status, form(&heard.echo())))
                }));
                let report = world.forward();
                let told = told(&world, &report.to_json());
                heard.borrow().assert_hidden_in(told.as_bytes(), &when);
                assert_visible(&told, &when);
                for error in report.errors() {
                    heard.borrow().assert_hidden_in(error.chain().as_bytes(), &when);
                    assert!(!error.chain().contains('\n'), "{when}: {}", error.chain());
                }
            }
        }
    }
}

#[test]
fn no_answer_of_the_workers_kv_brings_a_secret_into_an_error() {
    let (mut world, heard) = world();
    let kv = Kv {
        base: world.config.source.base.clone(),
        account: world.config.source.account.clone(),
        token: world.config.source.token.clone(),
        state: "state".into(),
        ids: "ids".into(),
    };
    for status in STATUSES {
        for (number, form) in FORMS.iter().enumerate() {
            let when = format!("{status}, form {number}");
            let body = form(&heard.echo());
            world.instead = Some(Box::new(move |_: &Request| Some(answer(status, body.clone()))));
            let store = RestKv::new(&world, &kv, &kv.state);
            let read = store.get_many(&["forward"]).now_or_never().unwrap().map(drop);
            let listed = store.list("dead:", None).now_or_never().unwrap().map(drop);
            let kept = store.delete("dead:a").now_or_never().unwrap();
            for error in [read, listed, kept].into_iter().filter_map(Result::err) {
                heard.assert_hidden_in(error.to_string().as_bytes(), &when);
                assert_visible(&error.to_string(), &when);
            }
        }
    }
}
