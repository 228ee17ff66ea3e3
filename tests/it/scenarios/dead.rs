//! Dead letters that are written once more.

use std::{collections::BTreeMap, time::Duration};

use aig_logs::{
    config::Kv,
    error::Error,
    host::{Put, Store, rest_kv::RestKv},
    pass::dead::{self, Replayed},
    sink::bigquery::{BigQuerySink, SignIn},
};
use futures_util::FutureExt;
use serde_json::json;

use crate::world::{MINUTE, World, outside::Strike};

/// A world with 20 entries, these of which are dead letters; the key that keeps them.
fn refused(indices: &[usize]) -> (World, Vec<String>, String) {
    let mut world = World::new();
    let ids = world.add_many(20, MINUTE * 9, MINUTE);
    for index in indices {
        world.simulator.get_mut().faults_mut().poison(&ids[*index]);
    }
    assert!(world.forward().is_complete());
    assert_eq!(world.dead_letters().len(), indices.len());
    let key = world.state.keys().into_iter().find(|key| key.starts_with("dead:")).unwrap();
    (world, ids, key)
}

/// One replay of a key; none where the process ends before it does.
fn replay(world: &World, key: &str) -> Option<Result<Option<Replayed>, Error>> {
    let sign_in = SignIn::default();
    let sink = BigQuerySink::new(world, world.config.bigquery.as_ref().unwrap(), &sign_in);
    dead::replay(&world.state, &world.config.source, &sink, key, world.config.ids_ttl).now_or_never()
}

#[test]
fn what_the_sink_takes_now_is_brought_in_as_it_was_and_the_key_is_gone() {
    let (mut world, ids, key) = refused(&[3, 7]);
    world.end_faults();
    let expected = Replayed { key: key.clone(), rows: 2, known: 0, refused: 0 };
    assert_eq!(replay(&world, &key).unwrap().unwrap(), Some(expected));
    assert_eq!((world.dead_letters().len(), world.copies_of(&ids)), (0, vec![1; 20]));
    // No letter excuses an entry any more: every one is there once, value by value.
    world.assert_once();
    assert_eq!(replay(&world, &key).unwrap().unwrap(), None);
}

#[test]
fn what_is_refused_again_stays_with_the_new_reason() {
    let (mut world, ids, key) = refused(&[3, 7]);
    world.end_faults();
    world.simulator.get_mut().faults_mut().poison(&ids[7]);
    world.state.set(&key, &world.state.value(&key).unwrap().replace("cannot be stored", "is from another time"));
    let expected = Replayed { key: key.clone(), rows: 1, known: 0, refused: 1 };
    assert_eq!(replay(&world, &key).unwrap().unwrap(), Some(expected));
    let letters = world.stored(&key);
    assert_eq!((letters["rows"].as_array().unwrap().len(), &letters["rows"][0]["id"]), (1, &json!(ids[7])));
    assert!(letters["rows"][0]["reason"].as_str().unwrap().contains("cannot be stored"), "{letters}");
    let put = world.state.entry(&key).unwrap().1;
    assert_eq!((put.ttl, put.metadata), (Some(Duration::from_hours(45 * 24)), Some(json!({ "n": 1 }))));
    world.assert_once();
}

#[test]
fn a_replay_that_dies_or_fails_at_any_call_loses_no_row() {
    let strikes = [Strike::Fails, Strike::FailsAfter, Strike::Silence, Strike::SilenceAfter, Strike::DiesBefore];
    for strike in strikes.into_iter().chain([Strike::DiesAfter]) {
        for nth in 1.. {
            let (mut world, _, key) = refused(&[3, 7]);
            world.end_faults();
            world.strike(nth, strike, 3);
            let first = replay(&world, &key);
            let calls = world.outside.calls();
            assert!(first.is_some() || matches!(strike, Strike::DiesBefore | Strike::DiesAfter));
            world.outside.plan(None);
            replay(&world, &key).unwrap().unwrap();
            assert_eq!(world.dead_letters().len(), 0, "{strike:?} at call {nth}");
            world.assert_complete();
            if nth > calls {
                assert!(nth > 4, "read, sign in, write, take away");
                break;
            }
        }
    }
}

#[test]
fn a_deployed_workers_keys_are_all_listed_and_its_values_are_kept_as_they_are() {
    let world = World::new();
    let settings = BTreeMap::from_iter(world.simulator.borrow().settings("http://127.0.0.1:1"));
    let kv = Kv::from_vars(|name| settings.get(name).cloned()).unwrap();
    let store = RestKv::new(&world, &kv, &kv.state);
    let key = |n| format!("dead:a/b %:{n:04}");
    let options = Put { ttl: Some(Duration::from_mins(1)), metadata: Some(json!({ "n": 3 })) };
    let value = "--aig-logs\r\n\"ünïcode\" 🦀\r\n";
    for n in 0..1_001 {
        store.put(&key(n), value, &options).now_or_never().unwrap().unwrap();
    }
    let keys = dead::keys(&store).now_or_never().unwrap().unwrap();
    assert!(keys.into_iter().eq((0..1_001).map(|n| (key(n), 3))));
    let [first, last] = [key(0), key(1_000)];
    store.delete(&first).now_or_never().unwrap().unwrap();
    let values = store.get_many(&[&last, &first]).now_or_never().unwrap().unwrap();
    assert_eq!(values, [Some(value.to_owned()), None]);
    world.outside.pass_time(MINUTE);
    assert_eq!(store.get_many(&[&last]).now_or_never().unwrap().unwrap(), [None]);
}
