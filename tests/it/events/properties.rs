//! Senders that try again, overlap, repeat themselves and meet failures: the table is the set of what was acknowledged,
//! and of what was kept without an acknowledgement. Nothing is there twice, and duplicates are counted right.

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use super::world::{ADMIN, STRIKES, Strike, World};

/// One request: the numbers of its events, and what its write meets.
type Sending = (Vec<u8>, Option<Strike>);

fn sendings() -> impl Strategy<Value = Vec<Sending>> {
    let strike = prop_oneof![6 => Just(None), 1 => (0..STRIKES.len()).prop_map(|place| Some(STRIKES[place]))];
    vec((vec(0..40_u8, 1..12), strike), 1..25)
}

fn event(number: u8) -> Value {
    json!({ "id": format!("e{number}"), "event": "x", "timestamp": format!("2026-11-29T11:00:{number:02}Z") })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_acknowledged_event_is_there_once(sendings in sendings()) {
        let world = World::new();
        let (mut kept, mut acknowledged) = (BTreeSet::new(), BTreeSet::new());
        for (numbers, strike) in sendings {
            world.host.memory.strike.set(strike.map(|strike| (0, strike)));
            let body = numbers.iter().map(|number| event(*number)).collect::<Value>().to_string();
            let (status, answer) = world.ask("POST", "/events/batch", ADMIN, &body);
            // The oracle: each event in turn is new, or it is a duplicate.
            let (mut new, mut old) = (0, 0);
            if strike != Some(Strike::Fails) {
                for number in &numbers {
                    if kept.insert(*number) { new += 1 } else { old += 1 }
                }
            }
            if strike.is_none() {
                acknowledged.extend(&numbers);
                prop_assert_eq!(status, 202);
                prop_assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(new), &json!(old)));
            } else {
                prop_assert_eq!(status, 503);
            }
        }
        let ids = world.host.memory.lines("SELECT id FROM events_raw", &[]);
        let ids: Vec<_> = ids.iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect();
        let expected: BTreeSet<_> = kept.iter().map(|number| format!("e{number}")).collect();
        prop_assert_eq!(ids.len(), expected.len());
        prop_assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), expected);
        prop_assert!(acknowledged.is_subset(&kept));
    }
}
