//! Mistakes are named with the way out, and leave everything as it was.

use std::fs;

use rusqlite::Connection;

use super::{World, assert_same, command, cursors, table, words};

/// A mistake: what is set wrongly, with which options, and what the message must name.
struct Mistake {
    vars: &'static [(&'static str, &'static str)],
    sink: &'static str,
    named: &'static [&'static str],
}

/// Mistakes that show before anything is opened.
const WRONG_SETTINGS: &[Mistake] = &[
    Mistake { vars: &[("SETTLE_SECONDS", "soon")], sink: "sqlite", named: &["SETTLE_SECONDS", "whole number"] },
    Mistake { vars: &[("BACKFILL_CRON", "hourly")], sink: "sqlite", named: &["BACKFILL_CRON", "five fields"] },
    Mistake { vars: &[("CLOUDFLARE_BASE_URL", "http://example.com")], sink: "sqlite", named: &["https://"] },
    Mistake {
        vars: &[("GCP_SA_PRIVATE_KEY_PEM", "not a key")],
        sink: "bigquery",
        named: &["GCP_SA_PRIVATE_KEY_PEM", "BEGIN PRIVATE KEY"],
    },
    Mistake {
        vars: &[("GCP_SA_PRIVATE_KEY_PEM", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----")],
        sink: "bigquery",
        named: &["GCP_SA_PRIVATE_KEY_PEM", "as Google Cloud made it"],
    },
];

/// Mistakes that only the other side knows.
const REFUSED: &[Mistake] = &[
    Mistake { vars: &[("CF_API_TOKEN", "wrong")], sink: "sqlite", named: &["CF_API_TOKEN", "AI Gateway Read"] },
    Mistake { vars: &[("AIG_GATEWAY_ID", "nowhere")], sink: "sqlite", named: &["AIG_GATEWAY_ID"] },
    Mistake { vars: &[("GCP_BQ_TABLE", "nowhere")], sink: "bigquery", named: &["GCP_BQ_TABLE"] },
    Mistake { vars: &[("GCP_SA_EMAIL", "nobody@example.com")], sink: "bigquery", named: &["GCP_SA_EMAIL"] },
];

impl Mistake {
    /// Makes the mistake: exit code 2, and a message with the names and without a secret.
    fn make(&self, world: &World, state: &str) {
        let mut command = world.command(&["forward", "--sink", self.sink, "--state", state]);
        let output = command.envs(self.vars.iter().copied()).output().unwrap();
        let words = words(&output);
        assert_eq!(output.status.code(), Some(2), "{:?}: {words}", self.vars);
        for named in self.named {
            assert!(words.contains(named), "{named} is not in: {words}");
        }
        assert!(!words.contains("c2VjcmV0") && !words.contains("simulated-api-token"), "{words}");
    }
}

#[test]
fn a_wrong_setting_is_named_and_leaves_nothing_behind() {
    let world = World::start(&["--entries", "100", "--rate", "0"]);
    for mistake in WRONG_SETTINGS {
        mistake.make(&world, "fresh.sqlite");
        let files: Vec<_> = fs::read_dir(world.folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(files, [".dev.vars"], "{:?}", mistake.vars);
    }
}

#[test]
fn a_refusal_names_the_setting_and_leaves_the_cursors_alone() {
    let world = World::start(&["--entries", "400", "--rate", "60000", "--days", "1"]);
    for sink in ["sqlite", "bigquery"] {
        let state = format!("{sink}-begun.sqlite");
        world.run(&["forward", "--sink", sink, "--state", &state]);
        world.run(&["backfill", "--sink", sink, "--state", &state, "--pages", "1"]);
    }
    for mistake in REFUSED {
        mistake.make(&world, "fresh.sqlite");
        assert_eq!(cursors(&world.path("fresh.sqlite")), [], "{:?}", mistake.vars);
        fs::remove_file(world.path("fresh.sqlite")).unwrap();
    }
    for mistake in REFUSED {
        let state = format!("{}-begun.sqlite", mistake.sink);
        let before = cursors(&world.path(&state));
        assert_eq!(before.len(), 2);
        mistake.make(&world, &state);
        assert_eq!(cursors(&world.path(&state)), before, "{:?}", mistake.vars);
    }
}

#[test]
fn a_time_that_cannot_be_is_refused_with_its_option_and_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let check = |arguments: &[&str], named: &[&str]| {
        let output = command(folder.path()).args(arguments).output().unwrap();
        let words = words(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {words}");
        for named in named {
            assert!(words.contains(named), "{arguments:?}: {named} is not in: {words}");
        }
    };
    check(&["backfill", "--from", "-7d"], &["--from needs --to", "--to now"]);
    check(&["backfill", "--to", "now"], &["--to needs --from", "first log"]);
    check(&["backfill", "--from", "-7d", "--to", "2199-01-01"], &["--to lies in the future", "--to now"]);
    check(&["backfill", "--from", "2198-01-01", "--to", "now"], &["--from lies in the future", "--from 7d"]);
    check(&["verify", "--from", "2198-01-01T10:00+02:00"], &["--from lies in the future"]);
    check(&["verify", "--from", "-24h", "--to", "yesterday"], &["--from must lie before --to", "the day after"]);
    check(&["ask", "--since", "2198-01-01"], &["--since lies in the future"]);
    for command in ["backfill", "verify"] {
        check(&[command, "--from", "soon"], &["--from <TIME>", "2026-11-01T10:00", "yesterday", "90m"]);
    }
    for every in ["0s", "-60", "2d", "often"] {
        check(&["run", "--every", every], &["--every <DURATION>", "from 1s to 24h, such as 60s or 5m"]);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_range_of_time_may_begin_and_end_so_long_ago() {
    let world = World::start(&["--entries", "100", "--rate", "0", "--days", "1"]);
    for [from, to] in [["-7d", "now"], ["48h", "0m"], ["2026-01-01T00:00", "now"]] {
        fs::remove_file(world.path("aig-logs.sqlite")).unwrap_or_default();
        world.run(&["backfill", "--from", from, "--to", to]);
        assert_same(&world.entries(), table(&world.path("aig-logs.sqlite")));
        let counted = world.run(&["ask", "--since", from, "--until", to, "--csv", "count"]);
        assert_eq!(counted.lines().collect::<Vec<_>>(), ["count", "100"]);
        let counted = world.run(&["query", "requests-by-day", &format!("start={from}"), &format!("end={to}"), "--csv"]);
        assert!(counted.lines().count() > 1, "{counted}");
    }
}

#[test]
fn a_file_with_another_programs_tables_is_refused_with_its_name_and_stays_as_it_is() {
    let world = World::start(&["--entries", "10", "--rate", "0"]);
    for (table, named) in [
        ("aig_logs", "has the table aig_logs, which aig-logs has not made"),
        ("aig_usage_by_day", "has the table aig_usage_by_day"),
        ("aig_logs_raw", "a table of another program"),
    ] {
        let file = format!("{table}.sqlite");
        Connection::open(world.path(&file)).unwrap().execute_batch(&format!("CREATE TABLE {table} (own)")).unwrap();
        let output = world.command(&["forward", "--sink", &format!("sqlite:{file}")]).output().unwrap();
        let words = words(&output);
        assert_eq!(output.status.code(), Some(2), "{words}");
        for named in [named, &file, "--sink sqlite:PATH"] {
            assert!(words.contains(named), "{named} is not in: {words}");
        }
        assert!(!words.contains("DROP"), "{words}");
    }
}

#[test]
fn a_service_that_gives_no_answer_is_named_with_the_setting_of_its_address() {
    let world = World::start(&["--entries", "10", "--rate", "60", "--days", "0.01"]);
    let check = |setting: &str, sink: &str| {
        let mut command = world.command(&["forward", "--sink", sink, "--state", "state.sqlite"]);
        // Nobody listens there.
        let output = command.env(setting, "http://127.0.0.1:1").output().unwrap();
        let words = words(&output);
        let named = words.contains("Check the network") && words.contains(setting);
        assert!(output.status.code() == Some(1) && named, "{setting}: {words}");
    };
    check("CLOUDFLARE_BASE_URL", "sqlite:rows.sqlite");
    check("GCP_TOKEN_URI", "bigquery");
    check("BIGQUERY_EMULATOR_HOST", "bigquery");
}
