//! Several gateways in one pass.

use aig_logs::{config::Gateways, pass::dead, simulator::options::SimulatorOptions, wire::Response};
use futures_util::FutureExt;
use serde_json::json;

use crate::world::{DAY, Endless, MINUTE, SECOND, World};

fn named(world: &mut World, ids: &[&str]) {
    let ids = ids.iter().map(|id| (*id).to_owned()).collect();
    world.config.source.gateways = Gateways::Named(ids);
}

#[test]
fn several_gateways_are_copied_each_with_its_own_cursor() {
    let gateways = ["main", "other", "third"].map(str::to_owned).to_vec();
    let mut world =
        World::with(SimulatorOptions { gateways, entries: 130, live_per_minute: 9.0, ..SimulatorOptions::default() });
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
    let mut world = World::with(SimulatorOptions { gateways: ids.clone(), ..SimulatorOptions::default() });
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
        let mut world = World::with(SimulatorOptions { gateways: ids.clone(), ..SimulatorOptions::default() });
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

/// An account whose list of gateways shows these on each page, by its number.
fn listed(ids: impl Fn(usize) -> Vec<String> + 'static, total: Option<usize>) -> World {
    let mut world = World::of(&["main", "other"]);
    world.config.source.gateways = Gateways::All;
    world.instead = Some(Box::new(move |request| {
        let uri = request.uri();
        let query = uri.path().ends_with("/gateways").then(|| uri.query())??;
        let found: Vec<_> =
            ids(query.split(['=', '&']).nth(1)?.parse().ok()?).iter().map(|id| json!({ "id": id })).collect();
        let body = json!({ "success": true, "result": found, "result_info": { "total_count": total } });
        Some(Response::new(body.to_string().into_bytes()))
    }));
    world
}

#[test]
fn a_list_of_gateways_without_an_end_is_an_error() {
    let mut world = listed(|page| (0..50).map(|n| format!("gateway-{page}-{n}")).collect(), None);
    let report = world.forward();
    let error = report.worst().unwrap();
    assert!(!error.is_transient() && error.chain().contains("10,000"), "{}", error.chain());
    assert_eq!((report.calls, world.state.keys()), (10_000 / 50, vec!["status".to_owned()]));
}

#[test]
fn fewer_gateways_than_the_total_says_are_an_error_and_not_a_part_of_them() {
    let mut world = listed(|_| vec!["main".to_owned(), "other".to_owned()], Some(3));
    world.add(MINUTE);
    let report = world.forward();
    let error = report.worst().unwrap();
    assert!(error.is_transient() && error.chain().contains("2 of 3"), "{}", error.chain());
    assert_eq!(world.rows().len(), 0);
}

#[test]
fn an_id_that_no_gateway_can_have_is_told_reaches_no_address_and_stops_no_other() {
    for strange in ["..", ".", "", "Main", "a/b", "a:b", "a b", &"a".repeat(65)] {
        let id = strange.to_owned();
        let ids = move |page| if page == 1 { vec!["main".to_owned(), id.clone(), "other".to_owned()] } else { vec![] };
        let mut world = listed(ids, Some(3));
        for gateway in ["main", "other"] {
            world.add_to(gateway, MINUTE, json!({}));
            world.add_to(gateway, DAY, json!({}));
        }
        for report in [world.forward(), world.backfill()] {
            let error = report.worst().unwrap();
            assert!(!error.is_transient() && error.chain().contains(&format!("{strange:?}")), "{}", error.chain());
            let read: Vec<_> = report.gateways.iter().map(|gateway| gateway.gateway.as_str()).collect();
            assert!(read.len() == 2 && !read.contains(&strange), "{read:?}");
        }
        world.assert_once();
    }
}

#[test]
fn a_listing_of_keys_that_never_ends_is_an_error() {
    for endless in [Endless::Same, Endless::New] {
        let mut world = World::new();
        world.add(MINUTE);
        world.forward();
        world.state.endless.set(Some(endless));
        assert!(dead::keys(&world.state).now_or_never().unwrap().is_err());
        world.state.endless.set(None);
        // A late entry has its hour compared with the ids that are kept.
        world.add_late(MINUTE * 20);
        world.pass_time(SECOND);
        world.add(SECOND / 2);
        world.pass_time(MINUTE);
        world.forward();
        world.ids.endless.set(Some(endless));
        world.pass_time(MINUTE * 79);
        let report = world.forward();
        assert!(report.worst().is_some_and(|error| error.chain().contains("has no end")), "{}", report.to_json());
        world.ids.endless.set(None);
        assert!(world.forward().is_complete());
        world.assert_complete();
    }
}
