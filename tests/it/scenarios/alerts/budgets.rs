//! What may be spent.

use aig_logs::time;
use serde_json::json;

use super::{Hook, spend};
use crate::world::{DAY, HOUR, MINUTE, World};

#[test]
fn a_budget_is_told_at_50_80_and_100_percent_and_when_its_day_is_over() {
    let mut world = World::new();
    let hook = Hook::of(&mut world, &[("BUDGET_DAY_USD", "10")]);
    let mut told = Vec::new();
    for usd in [4.9, 0.0, 0.2, 0.1, 2.9, 0.3, 1.5, 0.2, 5.0] {
        spend(&mut world, usd, "{}");
        told.push(hook.heard().join(", "));
    }
    let expected =
        ["", "", "budget:2026-11-02: on 50", "", "budget:2026-11-02: on 80", "", "", "budget:2026-11-02: on 100", ""];
    assert_eq!(told, expected);
    world.pass_time(DAY - HOUR * 11);
    world.forward();
    assert_eq!(hook.heard(), ["budget:2026-11-02: over 100"]);
}

#[test]
fn a_budget_says_where_its_period_ends_at_this_pace() {
    let mut world = World::new();
    let hook = Hook::of(&mut world, &[("BUDGET_DAY_USD", "10"), ("BUDGET_MONTH_USD", "20")]);
    // Half a day is over, and a day and a half of a month with 30 days.
    assert_eq!(time::text(world.now()), "2026-11-02T12:00:00.000Z");
    world.add_with(MINUTE, json!({ "cost": 6.0 }));
    world.forward();
    let words = hook.words();
    assert!(
        words.contains("Spend on 2026-11-02 is $6.00: 60 % of $10.00. At this pace the day ends at $12.00."),
        "{words}"
    );
    assert!(!words.contains("2026-11 is"), "{words}");
    world.add_with(MINUTE, json!({ "cost": 4.0 }));
    world.pass_time(MINUTE);
    world.forward();
    let words = hook.words();
    assert!(words.contains("Spend in 2026-11 is $10.00: 50 % of $20.00. At this pace the month ends at $1"), "{words}");
}

#[test]
fn a_budget_may_be_of_one_value_or_of_each() {
    let mut world = World::new();
    let budgets = [("BUDGETS", "team=search:5/day, user_id=*:2/month")];
    let hook = Hook::of(&mut world, &budgets);
    spend(&mut world, 3.0, r#"{"team":"ads","user_id":7}"#);
    assert_eq!(hook.heard(), ["budget:2026-11:user_id=7 on 100"]);
    spend(&mut world, 4.0, r#"{"team":"search","user_id":"<b>"}"#);
    assert_eq!(hook.heard(), ["budget:2026-11-02:team=search on 80", "budget:2026-11:user_id=<b> on 100"]);
    spend(&mut world, 1.0, r#"{"team":"search"}"#);
    assert_eq!(hook.heard(), ["budget:2026-11-02:team=search on 100"]);
    world.pass_time(DAY);
    world.forward();
    assert_eq!(hook.heard(), ["budget:2026-11-02:team=search over 100"]);
}

#[test]
fn a_value_with_a_budget_of_its_own_is_told_once_and_has_a_sum_when_there_is_room_for_no_other() {
    let mut world = World::new();
    let hook = Hook::of(&mut world, &[("BUDGETS", "team=*:1/day, team=search:2/day")]);
    let mut told = Vec::new();
    for _ in 0..3 {
        spend(&mut world, 0.9, r#"{"team":"search"}"#);
        told.extend(hook.heard());
    }
    assert_eq!(told, ["budget:2026-11-02:team=search on 80", "budget:2026-11-02:team=search on 100"]);

    let mut world = World::new();
    let hook = Hook::of(&mut world, &[("BUDGETS", "user=*:1000/day, team=search:2/day")]);
    for n in 0..5_050 {
        world.add_with(MINUTE, json!({ "cost": 0.001, "metadata": format!("{{\"user\":{n}}}") }));
    }
    spend(&mut world, 2.0, r#"{"team":"search"}"#);
    spend(&mut world, 0.1, r#"{"team":"search"}"#);
    assert_eq!(hook.heard(), ["budget:2026-11-02:team=search on 100"]);
}

#[test]
fn a_budget_that_was_raised_or_of_another_day_is_told_anew() {
    let mut world = World::new();
    let _hook = Hook::of(&mut world, &[("BUDGET_DAY_USD", "10")]);
    spend(&mut world, 10.0, "{}");
    let hook = Hook::of(&mut world, &[("BUDGET_DAY_USD", "12")]);
    spend(&mut world, 0.5, "{}");
    assert_eq!(hook.heard(), Vec::<String>::new());
    spend(&mut world, 2.0, "{}");
    assert_eq!(hook.heard(), ["budget:2026-11-02: on 100"]);
    // The first pass of the day comes when its budget is used up as well.
    world.pass_time(DAY);
    spend(&mut world, 13.0, "{}");
    assert_eq!(hook.heard(), ["budget:2026-11-02: over 100", "budget:2026-11-03: on 100"]);
}

#[test]
fn a_cost_beyond_all_sense_stops_nothing() {
    let mut world = World::of(&["main", "staging"]);
    let hook = Hook::of(&mut world, &[("BUDGET_DAY_USD", "10"), ("BUDGET_MONTH_USD", "10")]);
    for gateway in ["main", "staging"] {
        world.add_to(gateway, MINUTE, json!({ "cost": 1e300 }));
    }
    world.forward();
    assert_eq!(hook.heard(), ["budget:2026-11-02: on 100", "budget:2026-11: on 100"]);
}
