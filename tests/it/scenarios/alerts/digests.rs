//! The sum of a week.

use aig_logs::{
    alert::digest,
    config::Alerts,
    time::{self, Timestamp},
};
use chrono::FixedOffset;
use serde_json::json;

use super::{HOOK, Hook, spend};
use crate::world::{HOUR, World};

/// The digests that come while one log is written each day, each with the instant at which it came.
fn digests(settings: &str, days: usize, of: impl Fn(usize) -> (f64, String)) -> Vec<String> {
    let mut world = World::new();
    let hook = Hook::of(&mut world, &[("DIGEST", settings)]);
    let mut digests = Vec::new();
    for (usd, metadata) in (0..days).map(of) {
        spend(&mut world, usd, &metadata);
        for _ in 0..24 {
            world.pass_time(HOUR);
            world.forward();
            let at = time::text(world.now());
            digests.extend(hook.got.take().iter().filter_map(|it| Some(format!("{at} {}", it["digest"].as_str()?))));
        }
    }
    digests
}

#[test]
fn a_week_is_summed_up_on_its_day_in_its_zone() {
    let of = |day| {
        let team = ["search", "ads", "docs"][day % 3];
        (if day < 7 { 1.0 } else { 2.0 }, json!({ "team": team }).to_string())
    };
    let digests = digests("mon 08:00 Europe/Berlin", 15, of);
    let [first, second] = digests.as_slice() else { panic!("{digests:?}") };
    // The world begins on a Monday at noon. Berlin is an hour ahead of UTC in November.
    assert!(first.starts_with("2026-11-09T07:"), "{first}");
    assert!(first.contains("The week from 2026-11-02 to 2026-11-08: $7.00. Most by team: search $3.00,"), "{first}");
    assert!(second.contains("The week from 2026-11-09 to 2026-11-15: $14.00, 100 % more than $7.00"), "{second}");
    assert!(second.contains("Logs are proven complete through 2026-11-16T0"), "{second}");
}

#[test]
fn where_a_day_ends_before_it_ends_in_utc_the_digest_waits_for_its_last_hours() {
    let digests = digests("mon 08:00 Pacific/Auckland", 8, |_| (1.0, "{}".to_owned()));
    let [digest] = digests.as_slice() else { panic!("{digests:?}") };
    assert!(digest.starts_with("2026-11-09T00:"), "{digest}");
    assert!(digest.contains("The week from 2026-11-02 to 2026-11-08: $7.00."), "{digest}");
}

fn at(text: &str) -> Timestamp {
    time::parse(text).unwrap()
}

#[test]
fn a_digest_is_due_at_its_local_time_also_when_clocks_change() {
    let lookup = |name: &str| match name {
        "ALERT_WEBHOOK" => Some(HOOK.to_owned()),
        "DIGEST" => Some("sun 02:30 Europe/Berlin by user_id".to_owned()),
        _ => None,
    };
    let settings = Alerts::from_vars(lookup).unwrap().unwrap().digest.unwrap();
    assert_eq!(settings.key, "user_id");
    // Berlin changes from +02:00 to +01:00 on 2026-10-25 at 01:00 UTC.
    let offset = |instant: Timestamp| {
        let hours = if instant < at("2026-10-25T01:00:00Z") { 2 } else { 1 };
        FixedOffset::east_opt(hours * 3_600)
    };
    let due = |now: &str| time::text(digest::due(&settings, at(now), offset).unwrap());
    assert_eq!(due("2026-10-24T12:00:00Z"), "2026-10-18T00:30:00.000Z");
    assert_eq!(due("2026-10-26T12:00:00Z"), "2026-10-25T01:30:00.000Z");
    assert_eq!(due("2026-11-01T01:29:59Z"), "2026-10-25T01:30:00.000Z");
    assert_eq!(due("2026-11-01T01:30:00Z"), "2026-11-01T01:30:00.000Z");
}
