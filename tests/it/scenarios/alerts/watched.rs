//! What is watched beside budgets, and a webhook that fails.

use aig_logs::simulator::faults::{Endpoint, Fault, Refusal, When};
use http::StatusCode;
use serde_json::json;

use super::{Hook, spend};
use crate::world::{HOUR, MINUTE, Work, World};

#[test]
fn a_webhook_that_fails_delays_no_log_and_is_told_by_a_later_pass() {
    let mut world = World::new();
    let hook = Hook::of(&mut world, &[("BUDGET_DAY_USD", "10")]);
    hook.answers(StatusCode::INTERNAL_SERVER_ERROR);
    for _ in 0..3 {
        spend(&mut world, 20.0, "{}");
        assert_eq!(hook.heard(), ["budget:2026-11-02: on 100"]);
        assert_eq!(world.state.value("alerts"), None);
        world.assert_once();
    }
    hook.answers(StatusCode::OK);
    spend(&mut world, 1.0, "{}");
    assert_eq!(hook.heard(), ["budget:2026-11-02: on 100"]);
    spend(&mut world, 1.0, "{}");
    assert_eq!(hook.heard(), Vec::<String>::new());
    assert!(!world.kept().contains("abcdefghijklmnop"), "{}", world.kept());
}

#[test]
fn what_fails_for_a_quarter_of_an_hour_is_told_once_and_once_when_it_is_over() {
    let mut world = World::new();
    let hook = Hook::of(&mut world, &[]);
    spend(&mut world, 1.0, "{}");
    world.fault(Endpoint::List, When::Always, Fault::Refuse(Refusal::Status(503)));
    let mut told = Vec::new();
    for minute in 0..40 {
        world.pass_time(MINUTE);
        world.forward();
        told.extend(hook.heard().into_iter().map(|alert| (minute, alert)));
    }
    let ids: Vec<_> = told.iter().map(|(_, alert)| alert.as_str()).collect();
    assert_eq!(ids, ["late: on 1", "failing:forward on 1"], "{told:?}");
    assert!(told.iter().all(|(minute, _)| (10..20).contains(minute)), "{told:?}");
    world.end_faults();
    world.pass_time(MINUTE);
    world.forward();
    assert_eq!(hook.heard(), ["failing:forward over 1", "late: over 1"]);
}

#[test]
fn dead_letters_are_told_until_a_day_has_none() {
    let mut world = World::new();
    let hook = Hook::of(&mut world, &[]);
    spend(&mut world, 1.0, "{}");
    for _ in 0..2 {
        let id = world.add(MINUTE);
        world.simulator.get_mut().faults_mut().poison(&id);
        spend(&mut world, 1.0, "{}");
    }
    assert_eq!(hook.heard(), ["dead:main on 1"]);
    world.pass_time(HOUR * 23);
    world.forward();
    assert_eq!(hook.heard(), Vec::<String>::new());
    world.pass_time(HOUR * 2);
    world.forward();
    assert_eq!(hook.heard(), ["dead:main over 1"]);
}

#[test]
fn calls_that_fail_twice_as_often_as_on_the_day_before_are_told() {
    let mut world = World::new();
    let hook = Hook::of(&mut world, &[]);
    let hours = |world: &mut World, hours: i32, failing: i32| {
        for _ in 0..hours {
            world.pass_time(HOUR);
            for n in 0..100 {
                world.add_with(MINUTE * (1 + n % 50), json!({ "success": n >= failing }));
            }
            world.forward();
        }
    };
    hours(&mut world, 24, 4);
    assert_eq!(hook.heard(), Vec::<String>::new());
    hours(&mut world, 2, 20);
    assert_eq!(hook.heard(), ["errors:main on 1"]);
    hours(&mut world, 3, 1);
    assert_eq!(hook.heard(), ["errors:main over 1"]);
}

#[test]
fn a_gateway_that_is_nearly_full_is_told_once_and_looked_at_where_hours_are_counted() {
    let mut world = World::new();
    let hook = Hook::of(&mut world, &[]);
    world.simulator.get_mut().gateway_mut("main").unwrap().settings.log_management = Some(10);
    let mut told = Vec::new();
    let mut lists = 0;
    for n in 0..120 {
        if n % 6 == 0 {
            world.add(MINUTE);
        }
        world.pass_time(MINUTE);
        lists += world.cost(Work::Forward).list;
        told.extend(hook.heard());
    }
    assert_eq!(told, ["room:main on 1"]);
    assert!(lists < 120 + 120 + 20, "{lists} list calls in 120 passes");
}

#[test]
fn a_productive_pass_with_alerts_takes_four_operations_of_kv() {
    let mut world = World::new();
    let _hook = Hook::of(&mut world, &[("BUDGET_DAY_USD", "1000"), ("BUDGETS", "team=*:100/month")]);
    spend(&mut world, 1.0, "{}");
    world.add(MINUTE);
    world.pass_time(MINUTE);
    let cost = world.cost(Work::Forward);
    assert!(cost.insert == 1 && cost.state_reads + cost.ids_reads + cost.writes() <= 4, "{cost:?}");
}
