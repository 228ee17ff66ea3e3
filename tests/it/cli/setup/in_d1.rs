//! `setup --events` and `setup --no-google`: from an empty folder to a database that takes events and logs.

use std::fs;

use super::{Folder, TOKEN, mode, permit, world};
use crate::cli::World;

/// The database that the simulator's own settings name.
const ID: &str = "d1d1d1d1-0000-4000-8000-000000000001";

/// All but those of D1.
const PERMISSIONS: [&str; 3] = ["Account Settings Read", "AI Gateway Read", "Workers KV Storage Write"];

/// What a statement in the database returns.
fn in_d1(world: &World, sql: &str) -> String {
    world.tell("POST", "/simulator/d1", sql)
}

fn files(folder: &Folder) -> [String; 2] {
    ["wrangler.toml", ".dev.vars"].map(|name| folder.read(name))
}

/// The texts below a path of `wrangler.toml`.
fn parsed(folder: &Folder) -> toml::Table {
    folder.read("wrangler.toml").parse().unwrap()
}

#[test]
fn setup_events_from_nothing() {
    let (world, folder) = (world(), Folder::new());
    let (said, code) = folder.setup(&world, &["--events", "--yes"], &[]);
    assert_eq!(code, 0, "{said}");
    for step in [
        "✓ D1 database aig-events\n",
        "✓ tables and views in D1\n",
        "✓ KV namespace cf-aig-logs-poller-STATE_KV\n",
        "EVENTS_ADMIN_KEY (secret, not shown)",
        "npx wrangler secret put EVENTS_ADMIN_KEY --env events\n  npm run deploy:events",
    ] {
        assert!(said.contains(step), "{step} is not in: {said}");
    }
    let secrets = folder.read(".dev.vars");
    let key = secrets.lines().find_map(|line| line.strip_prefix("EVENTS_ADMIN_KEY='")?.strip_suffix('\'')).unwrap();
    assert!(key.len() == 64 && !said.contains(key), "{said}");
    assert_eq!(mode(&folder.path(".dev.vars")), 0o600);
    let worker = parsed(&folder);
    let events = &worker["env"]["events"];
    assert_eq!(events["d1_databases"][0]["database_id"].as_str(), Some(ID));
    assert_eq!(events["kv_namespaces"][0]["id"], worker["kv_namespaces"][0]["id"]);
    // Nothing of Google is asked for, and the poller stays as it is.
    assert_eq!(worker["vars"]["SINKS"].as_str(), Some("bigquery"));
    assert!(in_d1(&world, "SELECT count(*) AS n FROM events_raw").contains(r#""n":0"#));
}

#[test]
fn setup_makes_the_database_once() {
    let (world, folder) = (world(), Folder::new());
    let arguments = ["--events", "--no-google", "--yes"];
    let (said, code) = folder.setup(&world, &arguments, &[]);
    assert_eq!(code, 0, "{said}");
    let before = files(&folder);
    let (said, code) = folder.setup(&world, &arguments, &[]);
    assert_eq!((code, files(&folder)), (0, before.clone()), "{said}");
    assert!(
        !said.contains("✓ D1 database") && !said.contains("✓ KV namespace") && !said.contains("✓ tables and"),
        "{said}"
    );
    assert!(said.contains("= wrangler.toml and .dev.vars: nothing to change"), "{said}");
    // In another folder the same database is found by its name.
    let other = Folder::new();
    let (said, code) = other.setup(&world, &arguments, &[]);
    assert!(code == 0 && said.contains("= D1 database aig-events: there already"), "{said}");
    assert_eq!(other.read("wrangler.toml"), before[0]);
}

#[test]
fn without_google_the_poller_copies_into_d1() {
    let (world, folder) = (world(), Folder::new());
    let (said, code) = folder.setup(&world, &["--no-google", "--yes"], &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("npx wrangler secret put CF_API_TOKEN --env=\n  npm run deploy"), "{said}");
    assert_eq!(folder.read(".dev.vars"), format!("CF_API_TOKEN='{TOKEN}'\n"));
    let worker = parsed(&folder);
    assert_eq!(worker["vars"]["SINKS"].as_str(), Some("d1"));
    assert_eq!(worker["d1_databases"][0]["database_id"].as_str(), Some(ID));
    assert_eq!(worker["d1_databases"][0]["binding"].as_str(), Some("EVENTS_DB"));
    for job in ["forward", "backfill"] {
        let output = folder.command(&world, &[job, "--sink", "d1"]).env("SETTLE_SECONDS", "0").output().unwrap();
        assert_eq!(super::told(&output).1, 0, "{}", super::words(&output));
    }
    assert!(in_d1(&world, "SELECT count(*) AS n FROM aig_logs").contains(r#""n":60"#));
}

#[test]
fn setup_makes_a_staging_environment_beside_the_first() {
    let (world, folder) = (world(), Folder::new());
    assert_eq!(folder.setup(&world, &["--events", "--yes"], &[]).1, 0);
    let first = files(&folder);
    let arguments = ["--events", "--env", "staging", "--yes"];
    let (said, code) = folder.setup(&world, &arguments, &[]);
    assert!(code == 0 && said.contains("✓ D1 database aig-events-staging"), "{said}");
    assert!(said.contains("npx wrangler deploy --env events-staging"), "{said}");
    let worker = parsed(&folder);
    let [events, staging] = ["events", "events-staging"].map(|name| &worker["env"][name]);
    assert_eq!(staging["name"].as_str(), Some("aig-events-staging"));
    assert_eq!(staging["d1_databases"][0]["database_name"].as_str(), Some("aig-events-staging"));
    for list in [("d1_databases", "database_id"), ("kv_namespaces", "id")] {
        let ids = [events, staging].map(|env| env[list.0][0][list.1].as_str().unwrap());
        assert_ne!(ids[0], ids[1]);
    }
    assert_eq!(events["d1_databases"][0]["database_id"].as_str(), Some(ID));
    assert_eq!(staging["vars"], events["vars"]);
    // What is there stays, and a second time changes nothing.
    let [worker_file, secrets] = files(&folder);
    assert!(secrets == first[1] && first[0].lines().all(|line| worker_file.contains(line)), "{worker_file}");
    let (said, code) = folder.setup(&world, &arguments, &[]);
    assert_eq!((code, folder.read("wrangler.toml")), (0, worker_file), "{said}");
}

#[test]
fn setup_puts_a_queue_in_front_of_the_database() {
    let (world, folder) = (world(), Folder::new());
    let arguments = ["--events", "--queue", "--yes"];
    let (said, code) = folder.setup(&world, &arguments, &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("✓ queue aig-events\n✓ queue aig-events-dead\n"), "{said}");
    // As the lines say that are comments in the program's own file.
    let commented: Vec<_> = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/wrangler.toml"))
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .skip_while(|line| !line.starts_with("[[env.events.queues.producers]]"))
        .take_while(|line| !line.starts_with("Keeps"))
        .collect();
    let expected: toml::Table = commented.join("\n").parse().unwrap();
    assert_eq!(parsed(&folder)["env"]["events"]["queues"], expected["env"]["events"]["queues"]);

    let before = files(&folder);
    let (said, code) = folder.setup(&world, &arguments, &[]);
    assert_eq!((code, files(&folder)), (0, before), "{said}");
    assert!(said.contains("= queue aig-events: bound already"), "{said}");
    // In another folder the same queues are found by their names.
    let (said, _) = Folder::new().setup(&world, &arguments, &[]);
    assert!(said.contains("= queue aig-events: there already\n= queue aig-events-dead: there already"), "{said}");

    // Another environment takes nothing from the first one's queue.
    let (said, code) = folder.setup(&world, &["--events", "--env", "staging", "--yes"], &[]);
    assert!(code == 0 && parsed(&folder)["env"]["events-staging"].get("queues").is_none(), "{said}");
    let (said, code) = folder.setup(&world, &["--events", "--env", "staging", "--queue", "--yes"], &[]);
    let staging = parsed(&folder)["env"]["events-staging"]["queues"].clone();
    assert!(code == 0 && staging["producers"][0]["queue"].as_str() == Some("aig-events-staging"), "{said}");
    assert_eq!(staging["consumers"][0]["dead_letter_queue"].as_str(), Some("aig-events-dead-staging"));
    assert_eq!(staging["consumers"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_token_that_does_not_work_is_named_and_nothing_is_written() {
    let (world, folder) = (world(), Folder::new());
    let original = folder.read("wrangler.toml");
    world.tell("POST", "/simulator/change", r#"{"token":{"status":"expired"}}"#);
    let (said, code) = folder.setup(&world, &["--events", "--yes", "--account", "a"], &[]);
    assert!(code == 2 && said.contains("it is expired") && said.contains("CF_API_TOKEN"), "{said}");
    assert!(folder.read("wrangler.toml") == original && !folder.path(".dev.vars").exists());
}

#[test]
fn a_queue_that_somebody_has_bound_stays() {
    let (world, folder) = (world(), Folder::new());
    let own = "\n[[env.events.queues.producers]]\nbinding = \"EVENTS_QUEUE\"\nqueue = \"mine\"\n";
    fs::write(folder.path("wrangler.toml"), folder.read("wrangler.toml") + own).unwrap();
    let (said, code) = folder.setup(&world, &["--events", "--queue", "--yes"], &[]);
    assert!(code == 0 && said.contains("= queue mine: bound already") && !said.contains("queue aig-events"), "{said}");
    assert!(folder.read("wrangler.toml").contains(own));
}

#[test]
fn a_stage_shares_nothing_with_the_first_deployment_even_if_its_own_may_not_be_made() {
    let (world, folder) = (world(), Folder::new());
    let further = "\n[[env.events.r2_buckets]]\nbinding = \"EVENTS_ARCHIVE\"\nbucket_name = \"a\"\n";
    let text =
        folder.read("wrangler.toml").replace("[env.events]\n", "[env.events]\nroutes = [\"a.example/*\"]\n") + further;
    fs::write(folder.path("wrangler.toml"), text).unwrap();
    assert_eq!(folder.setup(&world, &["--events", "--yes"], &[]).1, 0);
    permit(&world, &["AI Gateway Read"]);
    let (said, code) = folder.setup(&world, &["--events", "--env", "staging", "--yes", "--account", "a"], &[]);
    let worker = parsed(&folder);
    let Some(staging) = worker["env"].get("events-staging") else { panic!("{said}") };
    assert_eq!(code, 2, "{said}");
    assert!(staging.get("routes").is_none() && staging.get("r2_buckets").is_none(), "{staging:?}");
    assert_eq!(staging["d1_databases"][0]["database_id"].as_str(), Some("<id of EVENTS_DB>"));
    assert_eq!(staging["kv_namespaces"][0]["id"].as_str(), Some("<id of STATE_KV>"));
}

#[test]
fn a_queue_that_may_not_be_made_is_left_for_a_person_and_the_rest_goes_on() {
    let (world, folder) = (world(), Folder::new());
    permit(&world, &[&PERMISSIONS[..], &["D1 Write"]].concat());
    let (said, code) = folder.setup(&world, &["--events", "--queue", "--yes"], &[]);
    assert!(
        code == 2 && said.contains("Queues Edit") && said.contains("npx wrangler queues create aig-events"),
        "{said}"
    );
    let events = &parsed(&folder)["env"]["events"];
    // A queue has no id: it is bound, and made before the Worker is deployed.
    assert_eq!(events["queues"]["producers"][0]["queue"].as_str(), Some("aig-events"));
    assert_eq!(events["d1_databases"][0]["database_id"].as_str(), Some(ID), "{said}");
    assert_eq!(folder.setup(&world, &["--queue", "--yes"], &[]).1, 2, "--queue is for --events");
}

#[test]
fn a_database_that_may_not_be_made_is_left_for_a_person() {
    let (world, folder) = (world(), Folder::new());
    let original = folder.read("wrangler.toml");
    permit(&world, &PERMISSIONS);
    let (said, code) = folder.setup(&world, &["--events", "--yes"], &[]);
    assert!(code == 2 && said.contains("D1 Edit") && said.contains("npx wrangler d1 create aig-events"), "{said}");
    let id = "database_id = \"<id of EVENTS_DB>\"";
    assert!(original.contains(id) && folder.read("wrangler.toml").contains(id));
    let (said, code) = folder.setup(&world, &["--no-google", "--project", "p"], &[]);
    assert!(code == 2 && said.contains("--project"), "{said}");
    assert!(fs::exists(folder.path(".dev.vars")).unwrap());
}
