//! What commands print at a terminal of 80 columns, and elsewhere.

use std::{env, process::Command};

use serde_json::json;

use super::{World, words};
use crate::terminal::Terminal;

/// What a command prints at a terminal, without colours.
fn at_a_terminal(mut command: Command, coloured: bool) -> String {
    if !coloured {
        command.env("NO_COLOR", "1");
    }
    let terminal = Terminal::of(&mut command);
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    drop(command);
    let text = terminal.text();
    assert!(!text.trim().is_empty(), "{}", words(&output));
    assert!(coloured || !text.contains('\u{1b}'), "{text}");
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or("", |(_, plain)| plain))
}

/// The lines that are too wide. A line may be wider only if it is a command to copy, or one word.
fn too_wide(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim_end);
    lines.filter(|line| line.chars().count() > 80 && !line.contains('→') && line.trim().contains(' '))
}

/// A world with long names, and with a log that no partition of BigQuery is old enough for.
fn world() -> World {
    let world = World::start(&[
        "--entries",
        "200",
        "--days",
        "1",
        "--rate",
        "0",
        "--gateways",
        "main,a-gateway-with-a-long-name-in-an-account-of-many",
    ]);
    let recent = world.entries().into_values().next().unwrap()["created_at"].clone();
    let long = json!({ "id": "long", "created_at": recent, "model": "a-model/".repeat(9) });
    let old = json!({ "id": "old", "created_at": "2000-01-01T00:00:00.000Z" });
    for entry in [long, old] {
        world.tell("POST", "/simulator/entries?gateway=main", &entry.to_string());
    }
    for sink in ["bigquery", "sqlite"] {
        world.run(&["forward", "--sink", sink]);
        world.run(&["backfill", "--sink", sink]);
    }
    world
}

#[test]
fn every_table_fits_a_terminal_with_and_without_colour_and_is_whole_in_a_pipe() {
    let world = world();
    let long = "an-org-of-a-long-name-".repeat(2) + "x";
    let keys = ["keys", "create", "--db", "aig-logs.sqlite", "--org", &long, "--scopes", "ingest,query"];
    world.run(&[&keys[..], &["--origin", "https://an-origin.of-a-long-name.example"]].concat());
    let prices =
        ["prices", "set", "--db", "aig-logs.sqlite", "--org", &long, "--sku", "a-sku-of-a-long-name-of-its-own"];
    world.run(&[&prices[..], &["--unit", "call", "--since", "2026-01-01", "--price", "0.01"]].concat());
    let id = world.entries().keys().next().unwrap().clone();
    let mut wide = Vec::new();
    for arguments in [
        &["status"][..],
        &["verify"],
        &["explain", &id],
        &["doctor"],
        &["ask", "--by", "model,provider,path", "--since=-2d", "count", "cost"],
        &["query", "endpoint-performance"],
        &["query"],
        &["estimate", "--logs-per-month", "1000000", "--sink", "bigquery", "--sink", "d1"],
        &["dead-letters", "list", "--sink", "bigquery"],
        &["alerts", "list"],
        &["keys", "list", "--db", "aig-logs.sqlite"],
        &["prices", "list", "--db", "aig-logs.sqlite"],
    ] {
        for coloured in [true, false] {
            let mut command = world.command(arguments);
            command.env("ALERT_WEBHOOK", "http://127.0.0.1:9/x").env("BUDGETS", "team=*:1000/month");
            command.env("AIG_GATEWAY_ID", "*").env("PATH", env::var_os("PATH").unwrap());
            let text = at_a_terminal(command, coloured);
            wide.extend(too_wide(&text).map(|line| format!("{arguments:?}: {line}")));
        }
    }
    assert_eq!(wide, [""; 0]);
    let piped = String::from_utf8(world.command(&["keys", "list", "--db", "aig-logs.sqlite"]).output().unwrap().stdout);
    assert!(piped.unwrap().lines().any(|line| line.contains(&long) && line.contains("ingest,query")));
    let list = world.run(&["dead-letters", "list", "--sink", "bigquery"]);
    assert!(list.lines().next().unwrap().contains("when") && list.lines().count() == 2, "{list}");
    let models = world.run(&["ask", "--by", "model", "--since=-2d", "count"]);
    assert!(models.contains(&"a-model/".repeat(9)), "{models}");
}
