//! Somebody is told before the bill, and before a row is missed: once, and once when it is over.

use std::{cell::RefCell, rc::Rc};

use aig_logs::{
    alert::{News, digest, message},
    config::{Alerts, Config, Destination},
    secret::Secret,
    simulator::{
        Simulator,
        faults::{Endpoint, Fault, Refusal, When},
        options::SimulatorOptions,
    },
    state::Forward,
    time::{self, Timestamp},
    wire::Response,
};
use chrono::FixedOffset;
use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{DAY, HOUR, MINUTE, Work, World, outside::Strike};

const HOOK: &str = "https://hooks.test/services/T0123456789/abcdefghijklmnop";

/// What the webhook got, and what it answers.
struct Hook {
    got: Rc<RefCell<Vec<Value>>>,
    status: Rc<RefCell<StatusCode>>,
}

impl Hook {
    /// A world whose webhook is told, with these settings.
    fn of(world: &mut World, settings: &[(&str, &str)]) -> Self {
        let lookup = |name: &str| {
            let given = settings.iter().chain(&[("ALERT_WEBHOOK", HOOK)]).find(|(given, _)| *given == name);
            given.map(|(_, text)| (*text).to_owned())
        };
        world.config.alerts = Alerts::from_vars(lookup).unwrap();
        let hook = Self { got: Rc::default(), status: Rc::new(RefCell::new(StatusCode::NO_CONTENT)) };
        let (got, status) = (Rc::clone(&hook.got), Rc::clone(&hook.status));
        world.instead = Some(Box::new(move |request| {
            (request.uri().host() == Some("hooks.test")).then(|| {
                got.borrow_mut().push(serde_json::from_slice(request.body()).unwrap());
                // A careless service sends back where it was called.
                let mut answer = Response::new(HOOK.as_bytes().to_vec());
                *answer.status_mut() = *status.borrow();
                answer
            })
        }));
        hook
    }

    /// What it got since the last time: id and state of each alert.
    fn heard(&self) -> Vec<String> {
        let got = self.got.take();
        let alerts = got.iter().flat_map(|message| message["alerts"].as_array().unwrap().clone());
        alerts.map(|alert| format!("{} {} {}", text(&alert["id"]), text(&alert["state"]), alert["level"])).collect()
    }

    fn words(&self) -> String {
        self.got.take().iter().map(|message| text(&message["text"])).collect::<Vec<_>>().join("\n")
    }

    fn answers(&self, status: StatusCode) {
        *self.status.borrow_mut() = status;
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Some logs of a cost, and the passes that deliver them.
fn spend(world: &mut World, usd: f64, metadata: &str) {
    world.add_with(MINUTE, json!({ "cost": usd, "metadata": metadata }));
    world.pass_time(MINUTE);
    world.forward();
}

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
fn a_week_is_summed_up_on_its_day_in_its_zone() {
    let mut world = World::new();
    let hook = Hook::of(&mut world, &[("DIGEST", "mon 08:00 Europe/Berlin")]);
    let mut digests = Vec::new();
    for day in 0..15 {
        let team = ["search", "ads", "docs"][day % 3];
        spend(&mut world, if day < 7 { 1.0 } else { 2.0 }, &json!({ "team": team }).to_string());
        for _ in 0..24 {
            world.pass_time(HOUR);
            world.forward();
            let at = time::text(world.now());
            digests.extend(hook.got.take().iter().filter_map(|it| Some(format!("{at} {}", it["digest"].as_str()?))));
        }
    }
    let [first, second] = digests.as_slice() else { panic!("{digests:?}") };
    // The world begins on a Monday at noon. Berlin is an hour ahead of UTC in November.
    assert!(first.starts_with("2026-11-09T07:"), "{first}");
    assert!(first.contains("The week from 2026-11-02 to 2026-11-08: $7.00. Most by team: search $3.00,"), "{first}");
    assert!(second.contains("The week from 2026-11-09 to 2026-11-15: $14.00, 100 % more than $7.00"), "{second}");
    assert!(second.contains("Logs are proven complete through 2026-11-16T0"), "{second}");
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

/// What a day has cost by the state of `main`, in billionths of a USD.
fn summed_up(world: &World, day: &str) -> i64 {
    let forward = Forward::from_json("forward", &world.state.value("forward").unwrap(), &[]).unwrap();
    forward.by_id["main"].spend.sum(day)
}

/// A world in which a log appears late, after some passes, and its id.
fn with_a_late_log() -> (World, String) {
    let mut world = World::new();
    let _hook = Hook::of(&mut world, &[("BUDGET_DAY_USD", "1000")]);
    spend(&mut world, 1.0, "{}");
    let late = world.add_late(MINUTE * 5);
    // With the next log, the cursor passes over the late one.
    world.pass_time(MINUTE * 2);
    spend(&mut world, 1.0, "{}");
    (world, late)
}

#[test]
fn a_late_log_is_summed_up_once_wherever_the_process_ends() {
    let (mut world, late) = with_a_late_log();
    let mut passes = 0;
    while world.copies(&late) == 0 {
        world.pass_time(MINUTE * 10);
        passes += 1;
        world.outside.plan(None);
        world.forward();
    }
    // The pass that counts, finds the late log, and writes it.
    let calls = world.outside.calls();
    for (strike, nth) in [Strike::DiesBefore, Strike::DiesAfter, Strike::FailsAfter]
        .into_iter()
        .flat_map(|strike| (1..=calls).map(move |nth| (strike, nth)))
    {
        let (mut world, late) = with_a_late_log();
        for pass in 1..passes + 20 {
            world.pass_time(MINUTE * 10);
            if pass == passes {
                world.strike(nth, strike, 1);
            }
            world.attempt(Work::Forward);
            world.outside.plan(None);
        }
        world.assert_complete();
        let cost = world.entry("main", &late)["cost"].as_f64().unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "billionths of a few USD")]
        let expected = 2_000_000_000 + (cost * 1e9).round() as i64;
        assert_eq!(summed_up(&world, "2026-11-02"), expected, "{strike:?} at call {nth} of {calls}");
    }
}

#[test]
fn a_late_log_that_no_table_takes_is_one_dead_letter() {
    let (mut world, late) = with_a_late_log();
    world.simulator.get_mut().faults_mut().poison(&late);
    for _ in 0..6 * 27 {
        world.pass_time(MINUTE * 10);
        world.forward();
    }
    let letters = world.letters();
    assert_eq!(letters.len(), 1, "{letters:?}");
}

#[test]
fn each_chat_gets_what_it_reads() {
    let news = |text: &str| News { id: "x".into(), is_on: true, level: 1, since: at("2026-11-02"), text: text.into() };
    let body = |address: &str, text: &str| -> Value {
        let request = message(&Secret::new(address), &[news(text)], Some("digest"));
        assert_eq!(request.uri().to_string(), address);
        serde_json::from_slice(request.body()).unwrap()
    };
    let slack = body("https://hooks.slack.com/services/T/B/secretsecret", "<!channel> & \"x\"");
    assert_eq!(slack, json!({ "text": "AI Gateway logs: &lt;!channel&gt; &amp; \"x\"\ndigest" }));
    let discord = body("https://discord.com/api/webhooks/1/secretsecret", &"@everyone ".repeat(400));
    assert_eq!(discord["allowed_mentions"], json!({ "parse": [] }));
    assert_eq!(discord["content"].as_str().unwrap().chars().count(), 2_000);
    for host in ["x.webhook.office.com", "prod-1.westeurope.logic.azure.com:443", "y.powerplatform.com"] {
        let teams = body(&format!("https://{host}/workflows/secretsecret"), "x");
        let block = &teams["attachments"][0]["content"]["body"][0];
        assert_eq!((&block["type"], &block["text"]), (&json!("TextBlock"), &json!("AI Gateway logs: x\ndigest")));
    }
    let plain = body("https://evil-slack.com/secretsecret", "a\nb\u{1b}");
    assert_eq!(plain["source"], "aig-logs");
    assert_eq!((&plain["alerts"][0]["state"], &plain["digest"]), (&json!("on"), &json!("digest")));
    assert!(!plain.to_string().contains('\u{1b}'), "{plain}");
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

#[test]
fn where_a_day_ends_before_it_ends_in_utc_the_digest_waits_for_its_last_hours() {
    let mut world = World::new();
    let hook = Hook::of(&mut world, &[("DIGEST", "mon 08:00 Pacific/Auckland")]);
    let mut digests = Vec::new();
    for _ in 0..8 {
        spend(&mut world, 1.0, "{}");
        for _ in 0..24 {
            world.pass_time(HOUR);
            world.forward();
            let at = time::text(world.now());
            digests.extend(hook.got.take().iter().filter_map(|it| Some(format!("{at} {}", it["digest"].as_str()?))));
        }
    }
    let [digest] = digests.as_slice() else { panic!("{digests:?}") };
    assert!(digest.starts_with("2026-11-09T00:"), "{digest}");
    assert!(digest.contains("The week from 2026-11-02 to 2026-11-08: $7.00."), "{digest}");
}

#[test]
fn settings_of_alerts_that_cannot_be_read_are_named_without_the_address() {
    let simulator = Simulator::new(SimulatorOptions::default());
    let problems = |settings: &[(&str, &str)]| {
        let known = simulator.settings("http://127.0.0.1:1");
        let lookup = |name: &str| {
            let given = settings.iter().find(|(given, _)| *given == name).map(|(_, text)| (*text).to_owned());
            given.or_else(|| known.iter().find(|(known, _)| *known == name).map(|(_, text)| text.clone()))
        };
        Config::from_vars(lookup, &[Destination::BigQuery]).map_or_else(|error| error.to_string(), |_| String::new())
    };
    assert_eq!(problems(&[("ALERT_WEBHOOK", HOOK)]), "");
    // Whoever takes the address away for a while stops no poller.
    assert_eq!(problems(&[("BUDGET_DAY_USD", "5"), ("BUDGETS", "a=b:5/day"), ("DIGEST", "mon 08:00")]), "");
    let address = problems(&[("ALERT_WEBHOOK", "http://hooks.test/secretsecret")]);
    assert!(address.starts_with("ALERT_WEBHOOK is no address") && !address.contains("secret"), "{address}");
    for (name, text) in [
        ("BUDGET_DAY_USD", "ten"),
        ("BUDGET_DAY_USD", "0"),
        ("BUDGET_MONTH_USD", "-1"),
        ("BUDGET_MONTH_USD", "nan"),
        ("BUDGETS", "team=search"),
        ("BUDGETS", "team:5/day"),
        ("BUDGETS", "team=x:5/year"),
        ("BUDGETS", "=x:5/day"),
        ("BUDGETS", "team=a:5/day,team=a:6/day"),
        ("DIGEST", "monday 8"),
        ("DIGEST", "mon 25:00"),
        ("DIGEST", "mon 08:00 Europe/Berlin by"),
    ] {
        let problem = problems(&[("ALERT_WEBHOOK", HOOK), (name, text)]);
        assert!(problem.starts_with(name) && problem.lines().count() == 1, "{name}={text}: {problem}");
    }
}
