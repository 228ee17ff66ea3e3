//! Everything arrives, as often and as cheaply as promised, through restarts and kills.

use chrono::TimeDelta;

use super::{
    BACKFILL, FORWARD, add, assert_copied, assert_copied_once, rows,
    runtime::{Pass, Runtime, store},
    world,
};

const SOON: TimeDelta = TimeDelta::milliseconds(10);

#[test]
fn each_cron_does_its_job_and_bigquery_holds_the_source_value_by_value() {
    let Some(world) = world(&["--entries", "700", "--rate", "1200"]) else { return };
    let worker = Runtime::start(&world, &[]);
    let (forward, backfill) = (worker.tick(FORWARD), worker.tick(BACKFILL));
    assert!(forward.0 && backfill.0);
    assert_eq!((forward.1.text("job"), backfill.1.text("job")), ("'forward'", "'backfill'"));
    world.ask("POST", "/simulator/stop");
    let (good, last) = worker.tick(FORWARD);
    assert!(good);
    assert_copied_once(&world);
    let written = [forward.1, backfill.1, last].map(|log| log.number("rows"));
    assert_eq!(written.iter().sum::<u64>(), world.entries().len() as u64, "{written:?}");
}

#[test]
fn a_thousand_new_entries_cost_what_is_promised_and_an_idle_tick_one_call() {
    let Some(world) = world(&["--entries", "0", "--rate", "0"]) else { return };
    let worker = Runtime::start(&world, &[]);
    let tick = || {
        let before = world.calls();
        let (good, log) = worker.tick(FORWARD);
        let after = world.calls();
        let calls =
            ["list", "token", "insert"].map(|kind| after[kind].as_u64().unwrap() - before[kind].as_u64().unwrap());
        assert!(good && calls.iter().sum::<u64>() == log.number("calls"), "{calls:?} {log:?}");
        (calls, log.number("reads"), log.number("writes"))
    };
    assert_eq!(tick(), ([1, 0, 0], 2, 2));
    add(&world, 1_000, TimeDelta::milliseconds(500));
    // 21 pages of 49 new entries, two batches of 500 rows, and the pass's own line in aig_runs.
    assert_eq!(tick(), ([21, 1, 3], 1, 2));
    assert_eq!(tick(), ([1, 0, 0], 1, 0));
    add(&world, 1, SOON);
    assert_eq!(tick(), ([1, 0, 2], 1, 2), "the token lives in memory");
    assert_copied_once(&world);
}

#[test]
fn both_jobs_at_once_do_not_disturb_each_other() {
    let Some(world) = world(&["--entries", "700", "--rate", "0", "--latency", "20"]) else { return };
    let worker = Runtime::start(&world, &[]);
    worker.tick(FORWARD);
    add(&world, 200, SOON);
    let passes = [BACKFILL, FORWARD].map(|cron| worker.begin(cron));
    assert_eq!(passes.map(Pass::end), [true, true]);
    let logs = worker.logs(3);
    assert_eq!(logs.iter().map(|log| log.number("rows")).sum::<u64>(), 700 + 200, "{logs:?}");
    assert_copied_once(&world);
}

#[test]
fn state_survives_a_restart() {
    let Some(world) = world(&["--entries", "200", "--rate", "0"]) else { return };
    let pass = |worker: &Runtime| {
        let passes = [worker.tick(FORWARD), worker.tick(BACKFILL)];
        assert!(passes.iter().all(|(good, _)| *good), "{passes:?}");
        passes.iter().map(|(_, log)| log.number("rows")).sum::<u64>()
    };
    assert_eq!(pass(&Runtime::start(&world, &[])), 200);
    add(&world, 120, SOON);
    assert_eq!(pass(&Runtime::start(&world, &[])), 120);
    assert_copied_once(&world);
}

#[test]
fn killed_in_mid_pass_it_loses_nothing() {
    let Some(world) = world(&["--entries", "2000", "--rate", "0", "--latency", "50"]) else { return };
    let worker = Runtime::start(&world, &[]);
    worker.tick(FORWARD);
    let before = world.calls()["insert"].as_u64();
    let _unread = worker.begin(BACKFILL);
    while world.calls()["insert"].as_u64() == before {}
    drop(worker);
    let landed = rows(&world).len();
    assert!((500..2_000).contains(&landed), "{landed} rows when it was killed");
    let (good, log) = Runtime::start(&world, &[]).tick(BACKFILL);
    assert!(good, "{log:?}");
    assert_copied(&world);
}

#[test]
fn the_typescript_programs_state_is_taken_over_and_nothing_between_its_cursors_is_read_again() {
    let Some(world) = world(&["--entries", "700", "--rate", "0"]) else { return };
    let mut entries: Vec<_> = world.entries().into_values().collect();
    entries.sort_by_key(|entry| entry["created_at"].as_str().unwrap().to_owned());
    let [oldest, newest] = [200, 500].map(|n| &entries[n]);
    let forward = format!(r#"{{"ts":{},"id":{}}}"#, newest["created_at"], newest["id"]);
    store(&world, &[("forward", &forward), ("oldest", oldest["created_at"].as_str().unwrap())]);
    let worker = Runtime::start(&world, &[]);
    assert!(worker.tick(FORWARD).0 && worker.tick(BACKFILL).0);
    let rows = rows(&world);
    let copied = entries.iter().map(|entry| rows.contains_key(entry["id"].as_str().unwrap()));
    let copied = (0..).zip(copied).filter_map(|(n, copied)| copied.then_some(n));
    // The old program skipped what shared the instant of `oldest`, so that instant is read again.
    assert_eq!(copied.collect::<Vec<_>>(), (0..=200).chain(501..700).collect::<Vec<_>>());
    assert_eq!(world.landed().len(), rows.len());
}

#[test]
fn logs_of_any_bytes_stop_no_worker() {
    let Some(world) = world(&["--entries", "0", "--rate", "0"]) else { return };
    let worker = Runtime::start(&world, &[]);
    assert!(worker.tick(FORWARD).0);
    add(&world, 5, SOON);
    let entries = world.entries();
    let ids: Vec<_> = entries.keys().cloned().collect();
    let show = |id: &str, text: &str| {
        let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
        world.tell("POST", &format!("/simulator/show?gateway=main&id={id}"), text);
    };
    let half = serde_json::to_string(&entries[&ids[0]]).unwrap().replacen('{', r#"{"user_agent":"agent \ud83d","#, 1);
    show(&ids[0], &half);
    show(&ids[1], r#"{"id":42,"score":1e400}"#);
    show(&ids[2], "[7]");
    let (good, log) = worker.tick(FORWARD);
    assert!(good, "{log:?}");
    assert_eq!((log.number("rows"), log.number("rejected")), (3, 2), "{log:?}");
    let (good, log) = worker.tick(FORWARD);
    assert!(good && log.number("entries") == 0, "{log:?}");
    let landed = world.landed();
    assert_eq!(landed.len(), 3);
    assert!(landed.iter().any(|row| row["user_agent"] == "agent \u{fffd}"), "{landed:?}");
}
