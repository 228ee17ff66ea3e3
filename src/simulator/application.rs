//! The simulated application: sign-ins, calls of tools, requests, usage, errors and costs of a few orgs and their users,
//! more by day than by night. Now and then a sender tries again, and an event comes twice. It is a pure function of a
//! seed and a stretch of time.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::simulator::{
    chance::{mix, real},
    time::Timestamp,
};

/// Orgs, with their shares of all events and their users.
const ORGS: [(&str, u64, u64); 4] = [("demo", 40, 24), ("acme", 30, 60), ("globex", 20, 35), ("initech", 10, 9)];

/// Share of events that come a second time, one in so many.
const REPEATED: u64 = 40;

/// Weight of each hour of a day, UTC, in percent of the mean.
const HOURS: [f64; 24] = [
    35.0, 28.0, 24.0, 22.0, 26.0, 40.0, 70.0, 120.0, 165.0, 185.0, 190.0, 180.0, 160.0, 175.0, 190.0, 185.0, 165.0,
    130.0, 95.0, 80.0, 72.0, 64.0, 55.0, 44.0,
];

const TOOLS: [&str; 5] = ["search_documents", "read_file", "run_query", "create_ticket", "send_email"];
const ROUTES: [(&str, &str); 6] = [
    ("GET", "/api/users"),
    ("GET", "/api/documents"),
    ("POST", "/api/chat"),
    ("POST", "/api/documents"),
    ("GET", "/api/search"),
    ("DELETE", "/api/documents"),
];
const ERRORS: [&str; 4] = ["upstream timed out", "rate limit of the model", "invalid document", "connection reset"];

/// The events of a stretch of time, of which each second has `per_second` in the mean. Equal arguments give equal
/// events, and the stretches of one after the other together give those of the whole.
#[must_use]
pub fn events(seed: u64, from: Timestamp, until: Timestamp, per_second: f64) -> Vec<Value> {
    let seconds = from.timestamp()..until.timestamp();
    seconds.flat_map(|second| of_second(seed, second, per_second)).collect()
}

/// What a second brings: its own events, and again some of the second before.
fn of_second(seed: u64, second: i64, per_second: f64) -> Vec<Value> {
    let own = (0..count(seed, second, per_second)).map(|place| event(seed, second, place));
    let before = (0..count(seed, second - 1, per_second)).filter(|place| {
        let chance = chance(seed, second - 1, *place);
        mix(chance ^ 1).is_multiple_of(REPEATED)
    });
    own.chain(before.map(|place| event(seed, second - 1, place))).collect()
}

fn count(seed: u64, second: i64, per_second: f64) -> u64 {
    let hour = usize::try_from(second.div_euclid(3_600).rem_euclid(24)).unwrap_or(0);
    let expected = per_second * HOURS[hour] / 100.0;
    let whole = expected.floor();
    let more = share(chance(seed, second, u64::MAX)) < expected - whole;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and rates are small")]
    let whole = whole as u64;
    whole + u64::from(more)
}

/// The number from which everything about an event is made.
fn chance(seed: u64, second: i64, place: u64) -> u64 {
    mix(seed ^ mix(second.unsigned_abs() ^ mix(place)))
}

/// A number in [0, 1).
fn share(chance: u64) -> f64 {
    real(i64::try_from(chance >> 12).unwrap_or(0)) / real(1 << 52)
}

fn pick<T: Copy>(list: &[T], chance: u64) -> T {
    list[usize::try_from(mix(chance) % list.len() as u64).unwrap_or(0)]
}

fn event(seed: u64, second: i64, place: u64) -> Value {
    let chance = chance(seed, second, place);
    let part = |n: u64| mix(chance ^ n.wrapping_mul(0x9e37_79b9));
    let at = Timestamp::UNIX_EPOCH
        + TimeDelta::seconds(second)
        + TimeDelta::milliseconds(i64::try_from(part(2) % 1_000).unwrap_or(0));
    let (org, users) = org(part(3) % 100);
    // A few users do most of what is done.
    let user = share(part(4)).powi(2) * real(i64::try_from(users).unwrap_or(1));
    let user = format!("{org}_user_{}", user.floor());
    let mut event = kind(part(5) % 100, &part);
    let common = json!({
        "id": format!("{second:x}-{chance:016x}"),
        "timestamp": at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        "organizationId": org,
        "userId": user,
        "sessionId": format!("{user}_{}", second.div_euclid(1_800)),
    });
    if let (Value::Object(event), Value::Object(common)) = (&mut event, common) {
        event.extend(common);
    }
    event
}

fn org(percent: u64) -> (&'static str, u64) {
    let mut below = 0;
    for (org, share, users) in ORGS {
        below += share;
        if percent < below {
            return (org, users);
        }
    }
    (ORGS[0].0, ORGS[0].2)
}

/// What happened, by a number below 100.
fn kind(percent: u64, part: &impl Fn(u64) -> u64) -> Value {
    let is_good = !part(6).is_multiple_of(20);
    // Most are quick, and some take very long.
    let duration = (20.0 * (1.0 / (1.0 - share(part(7)) * 0.999)).powf(0.9) * 10.0).round() / 10.0;
    match percent {
        0..8 => json!({
            "event": if is_good { "auth.login_success" } else { "auth.login_failure" },
            "properties": { "auth_method": pick(&["password", "passkey", "github"], part(8)) },
        }),
        8..30 => json!({
            "event": "mcp.tool_called",
            "tool_name": pick(&TOOLS, part(8)),
            "success": is_good,
            "execution_time_ms": duration * 4.0,
        }),
        30..78 => {
            let (method, path) = pick(&ROUTES, part(8));
            let status = if is_good { 200 } else { pick(&[400, 404, 429, 500, 503], part(9)) };
            json!({
                "event": "api.request",
                "properties": { "method": method, "path": path },
                "performance": { "duration": duration, "statusCode": status },
            })
        }
        78..92 => json!({
            "event": "usage.tracked",
            "usage": {
                "quantity": 1 + part(8) % 4_000,
                "unit": "tokens",
                "sku": pick(&["chat-small", "chat-large", "embeddings"], part(9)),
            },
        }),
        92..96 => json!({
            "event": "error.occurred",
            "success": false,
            "error": { "message": pick(&ERRORS, part(8)) },
        }),
        _ => json!({
            "event": "cost.recorded",
            "cost_usd": (share(part(8)) * 2_000.0).round() / 100_000.0,
            "properties": { "cost_type": pick(&["compute", "storage", "ai"], part(9)) },
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::seconds(1_793_577_600) + TimeDelta::hours(hours)
    }

    #[test]
    fn parts_of_a_day_make_the_day_and_some_events_come_twice() {
        let day = events(7, at(0), at(24), 0.5);
        let parts: Vec<_> = (0..24).flat_map(|hour| events(7, at(hour), at(hour + 1), 0.5)).collect();
        assert_eq!(day, parts);
        assert_ne!(day, events(8, at(0), at(24), 0.5));
        let once: BTreeSet<_> = day.iter().map(ToString::to_string).collect();
        let ids: BTreeSet<_> = day.iter().map(|event| event["id"].to_string()).collect();
        assert_eq!(once.len(), ids.len(), "one id has two events");
        assert!((38_000..48_000).contains(&ids.len()), "{}", ids.len());
        let repeated = day.len() - once.len();
        assert!((500..2_000).contains(&repeated), "{repeated}");
    }

    #[test]
    fn days_are_busier_than_nights_and_each_kind_and_org_occurs() {
        let (night, noon) = (events(7, at(2), at(4), 1.0), events(7, at(9), at(11), 1.0));
        assert!(noon.len() > 4 * night.len(), "{} {}", noon.len(), night.len());
        let values = |name: &str| noon.iter().map(|event| event[name].to_string()).collect::<BTreeSet<_>>().len();
        assert_eq!((values("event"), values("organizationId")), (7, 4));
        assert!(values("userId") > 60, "{}", values("userId"));
    }
}
