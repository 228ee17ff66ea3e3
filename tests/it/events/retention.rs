//! Events that are too old: each goes only after the archive has it, whatever fails and whenever the program ends.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io::Read as _,
};

use aig_logs::{
    config::EventSettings,
    error::CallError,
    host::{Archive, Object, folder::Folder},
    removal::retention::{Gone, Most, Retention, retain},
    rollup,
    time::{self, Timestamp},
};
use chrono::TimeDelta;
use flate2::read::MultiGzDecoder;
use futures_util::FutureExt;
use rusqlite::params;
use serde_json::{Value, json};

use super::world::{ADMIN, Memory, STRIKES, World};

const NOW: &str = "2026-11-29T12:34:56Z";

const ALL: Most = Most { rows: u64::MAX, hours: u64::MAX };

/// What happens to the bytes of an object when it is put.
type AtPut<'a> = Box<dyn Fn(&str, &mut Vec<u8>) + 'a>;

/// An archive in memory. Its calls are struck as those of the database are.
struct Shelf<'a> {
    memory: &'a Memory,
    objects: RefCell<BTreeMap<String, Object>>,
    versions: Cell<u32>,
    at_put: AtPut<'a>,
}

impl<'a> Shelf<'a> {
    fn beside(world: &'a World) -> Self {
        Self::with(world, |_, _| {})
    }

    fn with(world: &'a World, at_put: impl Fn(&str, &mut Vec<u8>) + 'a) -> Self {
        let memory = &world.host.memory;
        Self { memory, objects: RefCell::default(), versions: Cell::new(0), at_put: Box::new(at_put) }
    }

    /// The events of all objects, by the names of the objects.
    fn events(&self) -> Vec<(String, Value)> {
        let objects = self.objects.borrow();
        objects.iter().flat_map(|(name, object)| lines(&object.bytes).map(|line| (name.clone(), line))).collect()
    }

    fn ids(&self) -> Vec<String> {
        let mut ids: Vec<_> =
            self.events().into_iter().map(|(_, event)| event["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    }
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = Value> + use<> {
    let mut text = String::new();
    MultiGzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>().into_iter()
}

impl Archive for Shelf<'_> {
    async fn get(&self, name: &str) -> Result<Option<Object>, CallError> {
        self.memory.call(|| self.objects.borrow().get(name).cloned())
    }

    async fn put(&self, name: &str, mut bytes: Vec<u8>, replaces: Option<&str>) -> Result<(), CallError> {
        self.memory.call(|| {
            let mut objects = self.objects.borrow_mut();
            if objects.get(name).map(|object| object.version.as_str()) != replaces {
                return Err(CallError::Broken("another version is there".into()));
            }
            (self.at_put)(name, &mut bytes);
            self.versions.set(self.versions.get() + 1);
            objects.insert(name.to_owned(), Object { bytes, version: self.versions.get().to_string() });
            Ok(())
        })?
    }
}

fn write(world: &World, org: &str, at: &str, id: &str) {
    let insert = "INSERT INTO events_raw (org, created_at, id, name, success, duration, source, ingested_at, metadata) \
                  VALUES (?1, ?2, ?3, 'x', 0, 1.5, 'http', ?2, '{\"place\":[1,null]}')";
    world.host.memory.connection.execute(insert, params![org, at, id]).unwrap();
}

fn kept(world: &World) -> Vec<String> {
    let lines = world.host.memory.lines("SELECT id FROM events_raw ORDER BY id", &[]);
    lines.iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect()
}

fn at(text: &str) -> Timestamp {
    time::parse(text).unwrap()
}

/// A pass after everything is counted.
fn pass(world: &World, archive: Option<&Shelf<'_>>, most: Most) -> Result<Gone, CallError> {
    let (calls, strike) = (world.host.memory.calls.get(), world.host.memory.strike.take());
    let counted =
        rollup::pass(&world.host.memory, "org", TimeDelta::days(760), at(NOW), usize::MAX).now_or_never().unwrap();
    counted.unwrap();
    world.host.memory.calls.set(calls);
    world.host.memory.strike.set(strike);
    pass_alone(world, archive, most)
}

fn pass_alone(world: &World, archive: Option<&Shelf<'_>>, most: Most) -> Result<Gone, CallError> {
    let now = at(NOW);
    let kept = Retention { events: TimeDelta::days(90), counts: TimeDelta::days(760) };
    retain(&world.host.memory, archive, now, kept, most).now_or_never().unwrap()
}

/// Events of two orgs around the beginning of what is kept, which is 2026-08-31: the first whole day.
fn world() -> World {
    let world = World::new();
    for (org, times) in [
        ("acme", ["30 10:00:00.000", "30 10:59:59.999", "30 23:00:00.000", "30 23:59:59.999", "31 00:00:00.000"]),
        ("b/c", ["30 10:30:00.000", "31 00:00:00.000", "31 10:30:00.000", "31 12:34:56.000", "31 23:00:00.000"]),
    ] {
        for at in times {
            write(&world, org, &format!("2026-08-{}Z", at.replace(' ', "T")), &format!("{org} {at}"));
        }
    }
    world
}

const TOO_OLD: [&str; 5] = [
    "acme 30 10:00:00.000",
    "acme 30 10:59:59.999",
    "acme 30 23:00:00.000",
    "acme 30 23:59:59.999",
    "b/c 30 10:30:00.000",
];

#[test]
fn what_is_too_old_goes_after_it_is_archived() {
    let world = world();
    let shelf = Shelf::beside(&world);
    let young: Vec<_> = kept(&world).into_iter().filter(|id| !TOO_OLD.contains(&id.as_str())).collect();
    assert_eq!(pass(&world, Some(&shelf), ALL), Ok(Gone { rows: 5, hours: 3 }));
    assert_eq!(kept(&world), young);
    assert_eq!(shelf.ids(), TOO_OLD);
    let names: Vec<_> = shelf.objects.borrow().keys().cloned().collect();
    assert_eq!(
        names,
        [
            "events/org=acme/2026-08-30/10.ndjson.gz",
            "events/org=acme/2026-08-30/23.ndjson.gz",
            "events/org=b%2Fc/2026-08-30/10.ndjson.gz",
        ]
    );
    let instant = "2026-08-30T10:00:00.000Z";
    let event = json!({
        "org": "acme", "created_at": instant, "id": "acme 30 10:00:00.000", "name": "x", "success": false, "duration": 1.5,
        "source": "http", "ingested_at": instant, "metadata": { "place": [1, null] },
    });
    assert_eq!(shelf.events()[0].1, event);
    assert_eq!(pass(&world, Some(&shelf), ALL), Ok(Gone::default()), "again");

    // An event that comes when its hour is archived already is added to the object.
    write(&world, "acme", instant, "late");
    assert_eq!(pass(&world, Some(&shelf), ALL), Ok(Gone { rows: 1, hours: 1 }));
    assert_eq!(shelf.ids(), [&TOO_OLD[..], &["late"]].concat());
}

#[test]
fn the_documentation_tells_each_retention() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/events.md");
    let text = std::fs::read_to_string(path).unwrap();
    let EventSettings { retention, rollup_retention, .. } = EventSettings::from_vars(|_| None).unwrap();
    for (what, days, setting) in [
        ("events", retention, "EVENT_RETENTION_DAYS"),
        ("dead letters of the queue", retention, "EVENT_RETENTION_DAYS"),
        ("counts of closed hours and days", rollup_retention, "ROLLUP_RETENTION_DAYS"),
    ] {
        let row = format!("| {what} | {} days (`{setting}`)", days.num_days());
        assert_eq!(text.matches(&row).count(), 1, "{row}");
    }
}

#[test]
fn what_is_too_old_goes_only_after_it_is_counted_and_stays_counted() {
    let world = world();
    let before = kept(&world);
    let answer = |groups: &[&str], exact: bool| {
        let question = json!({
            "start": "2026-08-30T00:00:00Z", "end": "2026-09-01T00:00:00Z", "groupBy": groups, "exact": exact,
            "metrics": if exact { ["count", "p95"].as_slice() } else { &["count"] },
        });
        let (status, answer) = world.ask("POST", "/query", ADMIN, &question.to_string());
        assert_eq!(status, 200, "{answer}");
        answer
    };
    let by_org = || answer(&["organization"], false)["rows"].clone();
    assert_eq!(pass_alone(&world, None, ALL), Ok(Gone::default()));
    assert_eq!(kept(&world), before);
    let whole = by_org();
    assert_eq!(pass(&world, None, ALL), Ok(Gone { rows: 5, hours: 3 }));
    assert_eq!(by_org(), whole);
    // Nothing that comes or goes later counts it anew: neither an hour nor the day, which are of one mind.
    write(&world, "acme", "2026-08-30T10:00:00.000Z", "late");
    write(&world, "acme", "2026-08-30T15:00:00.000Z", "late too");
    assert_eq!(pass(&world, None, ALL), Ok(Gone { rows: 2, hours: 2 }));
    assert_eq!(by_org(), whole);
    let hours = answer(&["hour"], false);
    let sum: u64 = hours["rows"].as_array().unwrap().iter().map(|row| row["count"].as_u64().unwrap()).sum();
    assert_eq!((sum, &hours["meta"]["warnings"]), (10, &json!([])));
    // Who needs the rows is told that they are gone.
    let exact = answer(&[], true);
    let warning = "events before 2026-08-31T00:00:00.000Z are no longer kept, and this answer needs their rows: ask for later ones";
    assert_eq!((&exact["rows"][0]["count"], &exact["meta"]["warnings"]), (&5.into(), &json!([warning])));
}

#[test]
fn a_pass_that_is_killed_at_any_call_loses_nothing_and_is_completed_by_the_next() {
    let calls = {
        let world = world();
        world.host.memory.calls.set(0);
        pass(&world, Some(&Shelf::beside(&world)), ALL).unwrap();
        world.host.memory.calls.get()
    };
    assert_eq!(calls, 3 * (3 + 3 + 1) + 2 + 3, "each hour, the end of each org, and the orgs");
    for (strike, is_once, call) in STRIKES
        .into_iter()
        .flat_map(|strike| [true, false].map(|once| (strike, once)))
        .flat_map(|(strike, once)| (0..calls).map(move |call| (strike, once, call)))
    {
        let world = world();
        let shelf = Shelf::beside(&world);
        let all = kept(&world);
        world.host.memory.is_once.set(is_once);
        world.host.memory.strike.set(Some((call, strike)));
        assert!(pass(&world, Some(&shelf), ALL).is_err(), "{strike:?} at {call}");
        world.host.memory.strike.set(None);
        let mut found = [kept(&world), shelf.ids()].concat();
        found.sort();
        found.dedup();
        assert_eq!(found, all, "{strike:?} at {call}: an event is lost");
        pass(&world, Some(&shelf), ALL).unwrap();
        assert_eq!(shelf.ids(), TOO_OLD, "{strike:?} at {call}: an event is archived twice, or never");
        assert_eq!(kept(&world).len(), all.len() - TOO_OLD.len());
    }
}

#[test]
fn only_what_the_archive_shows_is_deleted() {
    let refuse = |shelf: &Shelf<'_>, world: &World| {
        let before = kept(world);
        assert!(pass(world, Some(shelf), ALL).is_err());
        assert_eq!(kept(world), before);
    };
    // An archive that confirms what it does not have.
    let lying = world();
    refuse(&Shelf::with(&lying, |_, bytes| bytes.truncate(bytes.len() / 2)), &lying);
    refuse(&Shelf::with(&lying, |_, bytes| bytes.clear()), &lying);
    // An object that cannot be read is left as it is.
    let shelf = Shelf::beside(&lying);
    let (name, object) = ("events/org=acme/2026-08-30/10.ndjson.gz", b"no gzip".to_vec());
    shelf.objects.borrow_mut().insert(name.into(), Object { bytes: object.clone(), version: "x".into() });
    refuse(&shelf, &lying);
    assert_eq!(shelf.objects.borrow()[name].bytes, object);

    // An event that comes between the object and the deletion.
    let world = world();
    let shelf = Shelf::with(&world, |name, _| {
        if name.ends_with("acme/2026-08-30/10.ndjson.gz") && !kept(&world).contains(&"acme 30 10:15".to_owned()) {
            write(&world, "acme", "2026-08-30T10:15:00.000Z", "acme 30 10:15");
        }
    });
    assert_eq!(pass(&world, Some(&shelf), Most { hours: 1, ..ALL }), Ok(Gone { rows: 2, hours: 1 }));
    assert_eq!(kept(&world)[0], "acme 30 10:15");
    assert_eq!(pass(&world, Some(&shelf), Most { hours: 1, ..ALL }), Ok(Gone { rows: 1, hours: 1 }));
    assert_eq!(shelf.ids(), ["acme 30 10:00:00.000", "acme 30 10:15", "acme 30 10:59:59.999"]);
}

/// More rows than are in memory at once, and more than one transaction deletes.
#[test]
fn a_full_hour_goes_in_parts() {
    let world = World::new();
    let fill = "INSERT INTO events_raw (org, created_at, id, name, source, ingested_at) SELECT 'acme', \
                printf('2026-08-01T00:%02d:00.000Z', value % 60), value, 'x', 'http', '' FROM json_each(?1)";
    let numbers = serde_json::to_string(&(0..23_000).collect::<Vec<_>>()).unwrap();
    let refill = || world.host.memory.connection.execute(fill, [&numbers]).unwrap();
    refill();
    world.host.memory.calls.set(0);
    assert_eq!(pass(&world, None, ALL), Ok(Gone { rows: 23_000, hours: 2 }));
    assert_eq!(world.events(), 0);
    // Pages, transactions of 5,000 rows, and what is left.
    assert_eq!(world.host.memory.calls.get(), (2 + 20 + 4) + (2 + 4 + 1) + 1 + 2);
    refill();
    let shelf = Shelf::beside(&world);
    assert_eq!(pass(&world, Some(&shelf), Most { rows: 100, ..ALL }), Ok(Gone { rows: 20_000, hours: 1 }));
    assert_eq!((world.events(), shelf.ids().len()), (3_000, 20_000));
    pass(&world, Some(&shelf), ALL).unwrap();
    let mut ids = shelf.ids();
    ids.dedup();
    assert_eq!((world.events(), ids.len(), shelf.objects.borrow().len()), (0, 23_000, 1));
}

#[test]
fn each_org_has_a_folder_of_its_own_within_the_archive() {
    let orgs = ["acme", "Acme", "a.b", "..", "a/../b", "a b", "ä", &"ä".repeat(64), &"ä".repeat(63)];
    let world = World::new();
    for org in orgs {
        write(&world, org, "2026-08-01T00:00:00.000Z", org);
    }
    let shelf = Shelf::beside(&world);
    pass(&world, Some(&shelf), ALL).unwrap();
    let names: Vec<_> = shelf.objects.borrow().keys().cloned().collect();
    assert_eq!(names.len(), orgs.len());
    for name in names {
        let parts: Vec<_> = name.split('/').collect();
        let [_, folder, "2026-08-01", "00.ndjson.gz"] = parts[..] else { panic!("{name}") };
        assert!(folder.len() < 250 && !folder.contains('.') && name.is_ascii(), "{name}");
    }
}

#[tokio::test]
async fn a_folder_keeps_whole_objects_and_never_replaces_what_it_did_not_show() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/archive");
    let (archive, other) = (Folder::at(&path).unwrap(), Folder::at(&path).unwrap());
    let name = "events/org=a/2026-08-01/00.ndjson.gz";
    assert_eq!(archive.get(name).await, Ok(None));
    archive.put(name, b"one".to_vec(), None).await.unwrap();
    let one = other.get(name).await.unwrap().unwrap();
    assert_eq!(one.bytes, b"one");
    assert!(archive.put(name, b"two".to_vec(), None).await.is_err());
    other.put(name, b"two".to_vec(), Some(&one.version)).await.unwrap();
    assert!(archive.put(name, b"three".to_vec(), Some(&one.version)).await.is_err());
    assert_eq!(archive.get(name).await.unwrap().unwrap().bytes, b"two");
    // Nothing else is left beside it.
    let files = std::fs::read_dir(path.join(name).parent().unwrap()).unwrap();
    assert_eq!(files.count(), 1);
}
