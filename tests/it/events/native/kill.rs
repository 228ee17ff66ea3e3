//! A server that dies at any moment has lost nothing that it acknowledged.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::mpsc::{Sender, channel},
    thread,
};

use serde_json::json;

use super::served::{Client, Place, event};

/// How often the server dies.
const DEATHS: usize = 200;

/// Senders at once.
const SENDERS: usize = 4;

/// Sends batches until the server dies, and tells the ids of each that was acknowledged.
fn send(address: SocketAddr, key: &str, name: &str, acknowledged: &Sender<Vec<String>>) {
    let Ok(mut client) = Client::connect(address) else { return };
    for n in 0.. {
        let ids: Vec<_> = (0..=n % 7).map(|place| format!("{name}-{n}-{place}")).collect();
        let batch = json!(ids.iter().map(|id| event(id)).collect::<Vec<_>>());
        let Ok((status, answer)) = client.post("/events/batch", key, &batch.to_string()) else { return };
        assert_eq!((status, &answer["accepted"]), (202, &json!(ids.len())), "{answer}");
        if acknowledged.send(ids).is_err() {
            return;
        }
    }
}

#[test]
fn whatever_is_acknowledged_outlives_kill_9_once() {
    let place = Place::new();
    let key = place.key("acme", "ingest");
    let mut kept = BTreeSet::new();
    for death in 0..DEATHS {
        let served = place.serve(&[("EVENTS_RATE", "0")]);
        let (acknowledged, told) = channel();
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let (address, key, acknowledged) = (served.address, key.clone(), acknowledged.clone());
                thread::spawn(move || send(address, &key, &format!("{death}-{sender}"), &acknowledged))
            })
            .collect();
        drop(acknowledged);
        // After another number of answers each time, in the middle of what the others have sent.
        kept.extend(told.iter().take(1 + death * 13 % 37).flatten());
        served.signal("-KILL");
        kept.extend(told.iter().flatten());
        for sender in senders {
            sender.join().unwrap();
        }
        served.end();
    }
    assert!(kept.len() > 10 * DEATHS, "{}", kept.len());
    let file = rusqlite::Connection::open(place.db()).unwrap();
    let mut statement = file.prepare("SELECT id FROM events_raw").unwrap();
    let rows: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let once: BTreeSet<_> = rows.iter().cloned().collect();
    assert_eq!(rows.len(), once.len(), "an id is there twice");
    let lost: Vec<_> = kept.difference(&once).take(5).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    assert_eq!(place.count("SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
}
