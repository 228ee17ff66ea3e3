use chrono::TimeDelta;

use super::*;
use crate::error::CallError;

fn at(text: &str) -> Timestamp {
    time::parse(text).unwrap()
}

fn position(ts: &str, ids: &[&str]) -> Position {
    let mut position = Position::starting(at("2026-10-06T09:00:00Z"));
    for id in ids {
        position.cursor.pass_over(id, at(ts));
        position.count(at(ts), Some(false));
    }
    position
}

fn names(gateways: &[&str]) -> Vec<String> {
    gateways.iter().map(|gateway| (*gateway).to_owned()).collect()
}

#[test]
fn a_value_without_a_name_needs_the_one_gateway_it_belongs_to() {
    for gateways in [&[][..], &["a", "b"]] {
        let gateways = names(gateways);
        let forward = Forward::from_json(FORWARD, r#"{"ts":"2026-10-06T09:01:00Z","id":"1"}"#, &gateways).unwrap_err();
        let oldest = Oldest::read("2026-10-06T09:01:00Z", &gateways).unwrap_err();
        for error in [forward, oldest] {
            assert!(!error.is_transient() && error.to_string().contains("AIG_GATEWAY_ID names several"), "{error}");
        }
    }
}

#[test]
fn the_forward_value_keeps_the_place_of_the_typescript_programs() {
    let by_id = BTreeMap::from([
        ("a".to_owned(), position("2026-10-06T09:01:00Z", &["1", "2"])),
        ("b".to_owned(), position("2026-10-06T09:00:00Z", &[])),
    ]);
    let forward = Forward { by_id };
    let text = forward.to_json("a").unwrap();
    let expected = r#"{"at":["1","2"],"gateway":"a","gateways":{"b":{"at":[],"id":"","slots":{},"start":"2026-10-06T09:00:00Z","ts":"2026-10-06T09:00:00.000Z"}},"id":"2","peak":{"latest":{"entries":2,"start":"2026-10-06T09:01:00Z"},"today":{"entries":2,"start":"2026-10-06T09:01:00Z"}},"slots":{"2026-10-06T09:00:00Z":{"delivered":2,"long":0}},"start":"2026-10-06T09:00:00Z","ts":"2026-10-06T09:01:00.000Z","v":1}"#;
    assert_eq!(text, expected);
    assert_eq!(Forward::from_json(FORWARD, &text, &[]).unwrap(), forward);
    // Another first gateway in the settings moves nobody's cursor.
    let turned = forward.to_json("b").unwrap();
    assert_eq!(Forward::from_json(FORWARD, &turned, &[]).unwrap(), forward);
    assert_eq!(serde_json::from_str::<Value>(&turned).unwrap()["gateway"], "b");
}

#[test]
fn the_typescript_programs_values_are_taken_over() {
    let forward =
        Forward::from_json(FORWARD, r#"{"ts":"2026-10-06T09:01:00.5Z","id":"1"}"#, &names(&["main"])).unwrap();
    let Position { cursor, start, .. } = &forward.by_id["main"];
    assert_eq!((time::text(cursor.ts()).as_str(), cursor.at.len(), *start), ("2026-10-06T09:01:00.500Z", 1, None));
    for text in ["2026-10-06T09:01:00.000Z", "\"2026-10-06T09:01:00.000Z\"\n"] {
        let oldest = Oldest::read(text, &names(&["main"])).unwrap();
        assert_eq!(oldest.by_id["main"].cursor, Cursor::at_start_of(at("2026-10-06T09:01:00Z")));
    }
}

#[test]
fn an_unknown_value_is_an_error_and_not_a_fresh_start() {
    let check = |text: &str, words: &str| {
        let error = Forward::from_json(FORWARD, text, &names(&["main"])).unwrap_err();
        assert!(!error.is_transient() && error.to_string().contains(words), "{error}");
    };
    check(r#"{"v":2,"ts":"2026-10-06T09:01:00Z"}"#, "has version 2, but this program knows version 1");
    check(r#"{"v":1}"#, "missing field `ts`");
    check(r#"{"ts":"yesterday"}"#, "cannot be read");
    check(r#"{"ts":"+262142-12-31T23:59:59.999Z"}"#, "is no instant");
    check(r#"{"ts":"2026-10-06T09:01:00Z","start":"-262143-01-01T00:00:00Z"}"#, "is no instant");
    check("[]", "cannot be read");
    check("", "cannot be read");
    assert!(Oldest::read("soon", &[]).is_err());
    assert!(read_stop("soon").is_err());
    assert!(Status::from_json(r#"{"v":"x"}"#).is_err());
}

#[test]
fn a_backfill_is_done_as_far_as_it_was_asked_for() {
    let (early, late) = (Some(at("2026-01-01")), Some(at("2026-06-01")));
    let check = |done: Option<Option<Timestamp>>, stop, expected| {
        let backfill = Backfill { done: done.map(|stop| Done { stop }), ..Backfill::before(at("2026-10-06")) };
        assert_eq!(backfill.is_done(stop), expected, "{done:?} {stop:?}");
        let text = Oldest { by_id: BTreeMap::from([("a".to_owned(), backfill.clone())]) }.to_json("a").unwrap();
        assert_eq!(Oldest::read(&text, &[]).unwrap().by_id["a"], backfill);
    };
    check(None, None, false);
    check(None, late, false);
    check(Some(None), None, true);
    check(Some(None), early, true);
    check(Some(late), late, true);
    check(Some(late), early, false);
    check(Some(late), None, false);
}

#[test]
fn history_is_counted_by_whole_days_when_nothing_can_appear_in_them_any_more() {
    let start = at("2026-10-06T12:00:00Z");
    let mut backfill = Backfill::before(start);
    for created_at in ["2026-10-05T10:00:00Z", "2026-10-05T09:00:00Z", "2026-10-04T23:00:00Z", "2026-10-02T01:00:00Z"] {
        backfill.count(at(created_at), Some(false));
        backfill.cursor.pass_over("id", at(created_at));
    }
    let due = |backfill: &Backfill, now: &str| {
        let stretch = backfill.due(at(now))?;
        Some((
            time::text(stretch.from)[5..16].to_owned(),
            time::text(stretch.until)[5..16].to_owned(),
            stretch.expected,
        ))
    };
    let stretch = |from: &str, until: &str, expected| Some((from.to_owned(), until.to_owned(), expected));
    // The day of the cursor is not closed, and the one before the start not settled.
    assert_eq!(due(&backfill, "2026-10-06T12:10:00Z"), stretch("10-03T00:00", "10-05T00:00", 1));
    assert_eq!(backfill.counted_down_to(), None);
    let older = backfill.due(start).unwrap();
    assert_eq!(
        backfill.advance(&older).into_iter().map(|(day, n)| (day.to_string(), n)).collect::<Vec<_>>(),
        [("2026-10-04".to_owned(), 1)]
    );
    assert_eq!(due(&backfill, "2026-10-07T12:09:00Z"), None);
    // The days of which it is not certain one by one.
    assert_eq!(due(&backfill, "2026-10-07T12:10:00Z"), stretch("10-06T00:00", "10-06T12:00", 0));
    let recent = backfill.due(at("2026-10-08")).unwrap();
    assert_eq!(backfill.advance(&recent), Days::new());
    assert_eq!(backfill.counted_down_to(), Some(at("2026-10-06")));
    assert_eq!(due(&backfill, "2026-10-08"), stretch("10-05T00:00", "10-06T00:00", 2));
    let left = backfill.due(at("2026-10-08")).unwrap();
    assert_eq!(backfill.advance(&left).len(), 1);
    assert_eq!(backfill.counted_down_to(), Some(at("2026-10-03")));
    assert_eq!(due(&backfill, "2026-10-08"), None);
    backfill.done = Some(Done { stop: None });
    assert_eq!(due(&backfill, "2026-10-08"), stretch("10-02T00:00", "10-03T00:00", 1));
}

#[test]
fn status_changes_only_when_an_operator_would_act_differently() {
    let now = at("2026-10-06");
    let silent = Error::Gateways(CallError::Silent("timed out".into()));
    let broken = Error::Gateways(CallError::Broken("502".into()));
    let denied = Error::Gateways(CallError::denied("no", "Check CF_API_TOKEN"));
    let mut status = Status::default();
    let mut note = |error, minutes| status.note("forward", error, now + TimeDelta::minutes(minutes));
    let changed =
        [note(None, 0), note(Some(&silent), 1), note(Some(&broken), 2), note(Some(&denied), 3), note(None, 4)];
    assert_eq!(changed, [false, true, false, true, true]);

    status.note("backfill", Some(&denied), now);
    let text = status.to_json().unwrap();
    assert_eq!(Status::from_json(&text).unwrap(), status);
    assert!(text.contains("listing the account's gateways: no. Check CF_API_TOKEN"), "{text}");
}
