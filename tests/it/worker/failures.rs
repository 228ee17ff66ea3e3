//! A pass that fails shows as failed, says who must act, and costs nothing.

use std::net::TcpListener;

use aig_logs::{host::native::now, simulator::google::SimulatedAccount, time};
use chrono::TimeDelta;

use super::{
    BACKFILL, FORWARD, add, assert_copied_once,
    runtime::{Runtime, store, stored},
    world,
};

const SECOND: TimeDelta = TimeDelta::seconds(1);

/// A cursor of forward, as the TypeScript program keeps it.
fn forward() -> String {
    format!(r#"{{"ts":"{}","id":"a"}}"#, time::text(now() - TimeDelta::minutes(5)))
}

#[test]
fn a_refused_sign_in_or_table_fails_by_name_and_a_good_tick_catches_up() {
    let Some(world) = world(&["--entries", "0", "--rate", "0"]) else { return };
    let cursor = forward();
    store(&world, &[("forward", &cursor)]);
    add(&world, 60, SECOND);
    let foreign = SimulatedAccount::from_seed(2).pkcs8_pem();
    for (setting, wrong) in [("GCP_SA_PRIVATE_KEY_PEM", foreign.as_str()), ("GCP_BQ_TABLE", "another")] {
        let (good, log) = Runtime::start(&world, &[(setting, wrong)]).tick(FORWARD);
        assert!(!good && log.text("error").contains(setting), "{log:?}");
        assert_eq!((log.number("rows"), log.text("level")), (0, "'error'"));
        assert_eq!(stored(&world, "forward"), cursor);
    }
    let (good, log) = Runtime::start(&world, &[]).tick(FORWARD);
    assert!(good && log.number("rows") == 60, "{log:?}");
    assert_copied_once(&world);
}

#[test]
fn a_gateway_that_is_not_there_is_named_and_stops_no_other() {
    let Some(world) = world(&["--entries", "0", "--rate", "0"]) else { return };
    add(&world, 60, SECOND);
    let worker = Runtime::start(&world, &[("AIG_GATEWAY_ID", "nope,main")]);
    for rows in [60, 0] {
        let (good, log) = worker.tick(FORWARD);
        assert!(!good && log.text("error").contains("nope"), "{log:?}");
        assert_eq!(log.number("rows"), rows);
    }
    assert_copied_once(&world);
}

#[test]
fn a_silent_source_is_asked_again_and_fails_as_something_that_may_pass() {
    let Some(world) = world(&["--entries", "10", "--rate", "0"]) else { return };
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let worker = Runtime::start(&world, &[("CLOUDFLARE_BASE_URL", &format!("http://{nobody}"))]);
    let (good, log) = worker.tick(FORWARD);
    // Three tries, and for the line in aig_runs that says so a sign-in and an insert.
    assert_eq!((good, log.text("level"), log.number("calls")), (false, "'warn'", 5), "{log:?}");
    let logs = worker.logs(3);
    let attempts = logs.iter().filter(|log| log.text("message").contains("again in")).count();
    assert_eq!((attempts, logs.len()), (2, 3), "{logs:?}");
}

#[test]
fn settings_that_cannot_be_used_are_told_together_and_nothing_is_called() {
    let Some(world) = world(&["--entries", "10", "--rate", "0"]) else { return };
    let worker = Runtime::start(&world, &[("LOGS_PER_PAGE", "100"), ("CF_API_TOKEN", "")]);
    for _ in 0..2 {
        let (good, log) = worker.tick(FORWARD);
        let message = log.text("message");
        assert!(!good && message.contains("LOGS_PER_PAGE") && message.contains("CF_API_TOKEN"), "{log:?}");
    }
    assert_eq!(world.calls()["list"], 0);
    assert_eq!(worker.logs(2).len(), 2, "one for each tick");
}

#[test]
fn a_good_pass_at_level_error_logs_nothing() {
    let Some(world) = world(&["--entries", "0", "--rate", "0"]) else { return };
    add(&world, 60, SECOND);
    store(&world, &[("forward", &forward()), ("oldest", "unreadable")]);
    let worker = Runtime::start(&world, &[("LOG_LEVEL", "error")]);
    assert!(worker.fire(FORWARD));
    let (good, log) = worker.tick(BACKFILL);
    assert!(!good && log.text("error").contains("oldest"), "{log:?}");
    let logs = worker.logs(1);
    assert_eq!(logs.len(), 1, "{logs:?}");
    assert_copied_once(&world);
}
