//! Where the database is not, nothing is acknowledged.

use serde_json::{Value, json};

use super::{
    events as made,
    runtime::{ADMIN, Events, PLAIN},
};

#[test]
fn nothing_is_acknowledged_without_a_database_or_its_tables() {
    let unbound = |configuration: &mut toml::Table| drop(configuration.remove("d1_databases"));
    let wrong = |configuration: &mut toml::Table| configuration["vars"]["EVENT_RETENTION_DAYS"] = "soon".into();
    let Some(events) = Events::without_tables(&[("UNBOUND", unbound), ("WRONG", wrong)]) else { return };
    let batch = Value::from(made(3));
    let check = |worker: &str, part: &str| {
        let answer = events.ask_of(worker, ADMIN, "POST", "/events/batch", &batch);
        assert_eq!(answer.status, 503, "{worker}: {answer:?}");
        assert!(answer.headers.contains_key("retry-after"), "{worker}: {answer:?}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(!answer.text.contains("accepted") && !answer.text.contains("EVENTS_DB"), "{worker}: {answer:?}");
        for method in ["ingestEvents", "send"] {
            assert_eq!(events.call(worker, method, &batch), Err(detail.clone()), "{worker} {method}");
        }
        events.output().wait(0, |text| text.contains(part).then_some(()));
    };
    check(PLAIN, "migrations apply");
    check("UNBOUND", "EVENTS_DB is not bound");
    check("WRONG", "EVENT_RETENTION_DAYS is \"soon\"");
    let health = |worker: &str| events.ask_of(worker, "", "GET", "/health", &Value::Null).status;
    assert_eq!([PLAIN, "UNBOUND", "WRONG"].map(health), [200, 503, 503]);

    // Once the tables are there, the same requests succeed.
    events.make_tables();
    let answer = events.ask(ADMIN, "POST", "/events/batch", &batch);
    assert_eq!((answer.status, &answer.json()["accepted"]), (202, &json!(3)));
    assert_eq!(events.count(), 3);
}
