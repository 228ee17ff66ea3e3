//! Several gateways in one pass.

use aig_logs::{config::Gateways, host::Response, simulator::options::Options};
use serde_json::json;

use crate::world::{DAY, MINUTE, World};

fn named(world: &mut World, ids: &[&str]) {
    let ids = ids.iter().map(|id| (*id).to_owned()).collect();
    world.config.source.gateways = Gateways::Named(ids);
}

#[test]
fn several_gateways_are_copied_each_with_its_own_cursor() {
    let gateways = ["main", "other", "third"].map(str::to_owned).to_vec();
    let mut world = World::with(Options { gateways, entries: 130, live_per_minute: 9.0, ..Options::default() });
    for _ in 0..4 {
        assert!(world.forward().is_complete());
        assert!(world.backfill().is_complete());
        world.pass_time(MINUTE);
    }
    world.assert_once();
    let stored = world.stored("forward");
    assert_eq!(stored["gateway"], "main");
    assert_eq!(stored["gateways"].as_object().unwrap().keys().collect::<Vec<_>>(), ["other", "third"]);
}

#[test]
fn a_star_means_all_gateways_of_the_account_however_many() {
    let ids: Vec<String> = (0..101).map(|n| format!("gateway-{n}")).collect();
    let mut world = World::with(Options { gateways: ids.clone(), ..Options::default() });
    world.config.source.gateways = Gateways::All;
    for id in &ids {
        world.add_to(id, MINUTE, json!({}));
    }
    let before = world.counts();
    assert!(world.forward().is_complete());
    assert_eq!((world.counts() - before).gateways, 3);
    world.assert_once();
}

#[test]
fn a_gateway_that_fails_keeps_no_other_from_being_read() {
    let mut world = World::of(&["main", "other"]);
    named(&mut world, &["main", "mistyped", "other"]);
    world.add_to("main", MINUTE, json!({}));
    world.add_to("other", MINUTE, json!({}));
    for _ in 0..2 {
        let report = world.forward();
        let error = report.worst().unwrap();
        assert!(!error.is_transient());
        assert!(error.chain().contains("mistyped") && error.chain().contains("AIG_GATEWAY_ID"));
        world.assert_once();
        world.pass_time(MINUTE);
        world.add_to("other", MINUTE, json!({}));
    }
}

#[test]
fn a_gateway_added_later_begins_ten_minutes_back_and_is_backfilled() {
    let mut world = World::of(&["main", "other"]);
    named(&mut world, &["main"]);
    for gateway in ["main", "other"] {
        world.add_to(gateway, DAY, json!({}));
        world.add_to(gateway, MINUTE, json!({}));
    }
    world.forward();
    world.backfill();
    assert_eq!(world.rows().len(), 2);
    named(&mut world, &["other", "main"]);
    world.forward();
    world.backfill();
    world.assert_once();
    assert_eq!(world.rows().len(), 4);
}

#[test]
fn quiet_gateways_starve_no_other_however_small_the_budget() {
    let mut world = World::of(&["a", "b", "c", "d", "e", "busy"]);
    world.forward();
    world.budget.calls = Some(6);
    for tick in 0..12 {
        world.add_to("busy", MINUTE, json!({}));
        world.pass_time(MINUTE);
        world.random = f64::from(tick % 6) / 6.0;
        world.forward();
    }
    world.assert_once_forward();
}

#[test]
fn a_capped_or_repeated_page_of_gateways_hides_none_and_ends() {
    for (served, total) in [(20, None), (20, Some(45)), (50, None)] {
        let ids: Vec<String> = (0..45).map(|n| format!("gateway-{n}")).collect();
        let mut world = World::with(Options { gateways: ids.clone(), ..Options::default() });
        world.config.source.gateways = Gateways::All;
        world.instead = Some(Box::new(move |request| {
            let uri = request.uri();
            let query = uri.path().ends_with("/gateways").then(|| uri.query())??;
            let page: usize = query.split(['=', '&']).nth(1)?.parse().ok()?;
            // Where all fit, the page number is ignored.
            let from = if served < ids.len() { (page - 1) * served } else { 0 };
            let found: Vec<_> = ids.iter().skip(from).take(served).map(|id| json!({ "id": id })).collect();
            let body = json!({ "success": true, "result": found, "result_info": { "total_count": total } });
            Some(Response::new(body.to_string().into_bytes()))
        }));
        assert_eq!(world.forward().gateways.len(), 45);
    }
}

#[test]
fn pages_used_up_for_one_gateway_leave_others_theirs() {
    let mut world = World::of(&["main", "other"]);
    world.config.forward_pages = Some(1);
    for _ in 0..60 {
        world.add_to("main", MINUTE * 5, json!({}));
        world.add_to("other", MINUTE, json!({}));
    }
    assert_eq!(world.forward().gateways.len(), 2);
}
