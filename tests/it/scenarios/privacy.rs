//! Metadata that nobody but its user may read.

use std::collections::BTreeMap;

use aig_logs::{
    config::{Config, Destination},
    pass::dead,
    sink::bigquery::{BigQuerySink, SignIn},
};
use chrono::TimeDelta;
use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::world::{MINUTE, Table, World};

const SETTINGS: [(&str, &str); 3] =
    [("DROP_METADATA", "email, name"), ("HASH_METADATA", "user_id"), ("HASH_KEY", "a key of 20 letters.")];

/// What `user_id` becomes.
const HASH: &str = "800cc63c3a7f701baedeefdd9130778a";

/// What is in no row.
const CLEAR: [&str; 3] = ["grace", "hopper", "example.com"];

fn private_world() -> World {
    let mut world = World::new();
    let mut settings = BTreeMap::from_iter(world.simulator.borrow().settings("http://127.0.0.1:1"));
    settings.extend(SETTINGS.map(|(name, text)| (name, text.to_owned())));
    world.config = Config::from_vars(|name| settings.get(name).cloned(), &[Destination::BigQuery]).unwrap();
    world
}

fn metadata() -> Value {
    json!({ "team": "search", "user_id": "grace", "name": "hopper", "email": "grace@example.com" })
}

impl World {
    /// Everything that is written anywhere.
    fn written(&self) -> String {
        let stored = [&self.state, &self.ids].map(|store| {
            let values = store.keys().into_iter().map(|key| format!("{key}\n{}\n", store.value(&key).unwrap()));
            values.collect::<String>()
        });
        format!("{}\n{}", Value::from_iter(self.table.rows(self)), stored.concat())
    }

    #[track_caller]
    fn assert_nothing_is_clear(&self) {
        let written = self.written();
        assert!(written.contains(HASH), "{written}");
        for clear in CLEAR {
            assert!(!written.contains(clear), "{clear} is in {written}");
        }
    }
}

#[test]
fn no_sink_holds_what_is_dropped_or_hashed() {
    for table in [Table::BigQuery, Table::sqlite(), Table::ndjson()] {
        let mut world = private_world();
        world.table = table;
        let ids = [metadata(), metadata().to_string().into()]
            .map(|metadata| world.add_with(MINUTE, json!({ "metadata": metadata })));
        assert!(world.forward().is_complete());
        for id in ids {
            assert_eq!(world.row(&id)["metadata"], json!({ "team": "search", "user_id": HASH }));
        }
        world.assert_nothing_is_clear();
    }
}

#[test]
fn the_history_and_what_appears_late_are_treated_too() {
    let mut world = private_world();
    world.add_with(MINUTE * 120, json!({ "metadata": metadata() }));
    assert!(world.forward().is_complete());
    assert!(world.backfill().is_complete());
    let now = world.now();
    world.add_at("main", now, now + MINUTE * 5, json!({ "metadata": metadata(), "duration": 200_000 }));
    world.pass_time(MINUTE);
    world.add(TimeDelta::zero());
    world.pass_time(MINUTE);
    assert!(world.forward().is_complete());
    world.pass_time(MINUTE * 30);
    assert_eq!(world.forward().sum(|gateway| gateway.late), 1, "found by a count");
    assert_eq!(world.table.rows(&world).len(), 3);
    world.assert_nothing_is_clear();
}

#[test]
fn dead_letters_are_hashed_once_and_come_in_as_they_are() {
    let mut world = private_world();
    let id = world.add_with(MINUTE, json!({ "metadata": metadata() }));
    world.simulator.get_mut().faults_mut().poison(&id);
    world.add(MINUTE);
    assert!(world.forward().is_complete());
    let key = world.state.keys().into_iter().find(|key| key.starts_with("dead:")).unwrap();
    world.assert_nothing_is_clear();

    world.end_faults();
    let sign_in = SignIn::default();
    let sink = BigQuerySink::new(&world, world.config.bigquery.as_ref().unwrap(), &sign_in);
    let replayed = dead::replay(&world.state, &world.config.source, &sink, &key, world.config.ids_ttl)
        .now_or_never()
        .unwrap()
        .unwrap();
    assert_eq!(replayed.unwrap().rows, 1);
    assert_eq!(world.row(&id)["metadata"], json!({ "team": "search", "user_id": HASH }));
}

#[test]
fn metadata_that_has_no_keys_goes_nowhere() {
    let unreadable = [json!("grace"), json!(["grace"]), json!("[\"grace\"]"), json!("{\"name\":\"hopper\""), json!(7)];
    for metadata in unreadable {
        let mut world = private_world();
        let id = world.add_with(MINUTE, json!({ "metadata": metadata, "timings": null }));
        assert!(world.forward().is_complete());
        let row = world.row(&id);
        assert!(!row.contains_key("metadata") && !row.contains_key("extra"), "{row:?}");
    }
}
