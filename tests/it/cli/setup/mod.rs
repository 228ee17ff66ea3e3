//! `aig-logs setup` against the simulator and the BigQuery peer, and against a `gcloud` and a `bq` that note what they are
//! asked to do.

mod google;
mod in_d1;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
};

use serde_json::json;
use tempfile::TempDir;

use super::{World, command, words};
use crate::peer::{BigQuery as _, DATASET, PROJECT, Peer};

const TOKEN: &str = "simulated-api-token";

const NAMES: [&str; 3] = ["--yes", "--project", PROJECT];

/// A folder with the program's own `wrangler.toml`.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/wrangler.toml"), folder.path("wrangler.toml")).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self, world: &World, arguments: &[&str]) -> Command {
        let mut command = command(self.0.path());
        let base = format!("http://{}/client/v4", world.address);
        command.args(arguments).envs([("CF_API_TOKEN", TOKEN), ("CLOUDFLARE_BASE_URL", &base)]);
        // Nothing of this machine is found.
        command.env("PATH", self.path("bin"));
        command
    }

    /// What setup says of a world with these settings; no secret is in it.
    fn setup(&self, world: &World, arguments: &[&str], vars: &[(&str, &str)]) -> (String, i32) {
        let output =
            self.command(world, &[&["setup"], arguments].concat()).envs(vars.iter().copied()).output().unwrap();
        told(&output)
    }
}

fn told(output: &Output) -> (String, i32) {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), words(output));
    assert!(!text.contains(TOKEN) && !text.contains("PRIVATE KEY"), "a secret is printed");
    (text, output.status.code().unwrap())
}

/// A session without the doctor's part, which must be there.
fn own(said: &str) -> String {
    let parts: Vec<_> = said.split("\n\n").collect();
    let [steps, checks, _, next] = parts[..] else { panic!("{said}") };
    assert!(checks.contains("✓ settings") && checks.contains("✓ KV") && !checks.contains('✗'), "{checks}");
    [steps, next].join("\n\n")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn world() -> World {
    World::start(&["--entries", "60", "--rate", "0", "--days", "0.003"])
}

/// Takes all permissions from the token but these.
fn permit(world: &World, permissions: &[&str]) {
    world.tell("POST", "/simulator/change", &json!({ "token": { "permissions": permissions } }).to_string());
}

#[test]
fn from_an_empty_folder_to_rows_and_views_and_again_changes_nothing() {
    let Some(peer) = Peer::bare() else { return };
    let (world, folder) = (world(), Folder::new());
    let origin = peer.origin();
    let vars = [("BIGQUERY_EMULATOR_HOST", origin.as_str())];
    let (said, code) = folder.setup(&world, &NAMES, &vars);
    assert_eq!((own(&said).as_str(), code), (include_str!("first.txt"), 0));
    assert_eq!(folder.read(".dev.vars"), format!("CF_API_TOKEN='{TOKEN}'\n"));
    assert_eq!(mode(&folder.path(".dev.vars")), 0o600);

    let files = || ["wrangler.toml", ".dev.vars"].map(|name| folder.read(name));
    let before = files();
    let (said, code) = folder.setup(&world, &["--yes"], &vars);
    assert_eq!((own(&said).as_str(), code), (include_str!("again.txt"), 0));
    assert_eq!(files(), before);
    let names: Vec<_> = fs::read_dir(folder.0.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    // Elsewhere the same namespaces are found by their titles.
    let other = Folder::new();
    assert_eq!(other.setup(&world, &NAMES, &vars).1, 0);
    assert_eq!(other.read("wrangler.toml"), before[0]);

    let mut forward = folder.command(&world, &["forward", "--sink", "bigquery"]);
    let output = forward.envs(vars).env("SETTLE_SECONDS", "0").output().unwrap();
    assert_eq!(told(&output).1, 0, "{}", words(&output));
    let rows = peer.query(&format!("SELECT SUM(requests) AS n FROM `{PROJECT}.{DATASET}.aig_usage_by_day`"));
    assert_eq!(rows[0]["n"], "60");
}

#[test]
fn what_a_file_of_secrets_has_is_kept_and_the_file_becomes_private() {
    let (world, folder) = (world(), Folder::new());
    let refusing = refusing();
    fs::write(folder.path(".dev.vars"), "# mine\nLOG_LEVEL=debug").unwrap();
    folder.setup(
        &world,
        &NAMES,
        &[("BIGQUERY_EMULATOR_HOST", &refusing), ("GCP_SA_KEY_JSON", "{\n\"a\": \"it's\"\n}")],
    );
    let expected =
        format!("# mine\nLOG_LEVEL=debug\nCF_API_TOKEN='{TOKEN}'\nGCP_SA_KEY_JSON='{{\"a\":\"it\\u0027s\"}}'\n");
    assert_eq!(folder.read(".dev.vars"), expected);
    assert_eq!(mode(&folder.path(".dev.vars")), 0o600);
}

#[test]
fn each_permission_that_is_missing_is_named() {
    let (world, folder) = (world(), Folder::new());
    let refusing = refusing();
    let vars = [("BIGQUERY_EMULATOR_HOST", refusing.as_str())];
    let original = folder.read("wrangler.toml");
    let check = |permissions: &[&str], expected: &[&str]| {
        permit(&world, permissions);
        let (said, code) = folder.setup(&world, &NAMES, &vars);
        assert_eq!(code, 2, "{said}");
        for part in expected {
            assert!(said.contains(part), "{part} is not in: {said}");
        }
    };
    check(&["AI Gateway Read"], &["Account Settings Read", "--account", "CF_ACCOUNT_ID"]);
    check(&["Account Settings Read"], &["AI Gateway Read"]);
    assert_eq!(folder.read("wrangler.toml"), original);
    assert!(!folder.path(".dev.vars").exists());
    let kv = ["Workers KV Storage Edit", "npx wrangler kv namespace create cf-aig-logs-poller-IDS_KV"];
    let google = ["bigquery.tables.get, which the role BigQuery Metadata Viewer has", "✓ wrangler.toml"];
    check(&["Account Settings Read", "AI Gateway Read", "Workers KV Storage Read"], &[kv, google].concat());
    check(&["Account Settings Read", "AI Gateway Read"], &kv);
    let written = folder.read("wrangler.toml");
    assert!(written.contains("<id of STATE_KV>") && written.contains("AIG_GATEWAY_ID = \"main\""), "{written}");
}

#[test]
fn unattended_what_is_not_known_is_an_error_and_nothing_is_made() {
    let (world, folder) = (world(), Folder::new());
    let original = folder.read("wrangler.toml");
    let check = |arguments: &[&str], vars: &[(&str, &str)], expected: &[&str]| {
        let (said, code) = folder.setup(&world, arguments, vars);
        assert_eq!(code, 2, "{said}");
        for part in expected {
            assert!(said.contains(part), "{part} is not in: {said}");
        }
        assert!(!said.contains('✓'), "{said}");
    };
    check(&["--yes"], &[("CF_API_TOKEN", "")], &["CF_API_TOKEN"]);
    check(&["--yes"], &[], &["--project", "GCP_BQ_PROJECT"]);
    check(&["--yes", "--gateways", "main,other"], &[], &["no gateway other", "It has main", "--gateways"]);
    check(&[], &[], &["--yes"]);
    assert_eq!(folder.read("wrangler.toml"), original);
    assert!(!folder.path(".dev.vars").exists());
}

#[test]
fn a_file_that_cannot_be_read_is_never_touched() {
    let world = world();
    for (name, text) in [("wrangler.toml", "name = \"secret-in-it"), (".dev.vars", "CF_API_TOKEN=\"secret-in-it\nx")] {
        let folder = Folder::new();
        fs::write(folder.path(name), text).unwrap();
        let (said, code) = folder.setup(&world, &NAMES, &[]);
        assert_eq!((code, folder.read(name).as_str()), (2, text), "{said}");
        assert!(said.contains(name) && !said.contains("secret-in-it"), "{said}");
    }
}

#[test]
fn a_key_without_its_file_is_deployed_with_its_account() {
    let (world, folder, origin) = (world(), Folder::new(), refusing());
    let email = "poller@p.iam.gserviceaccount.com";
    let key = [("GCP_SA_PRIVATE_KEY_PEM", "a key"), ("GCP_SA_EMAIL", email), ("BIGQUERY_EMULATOR_HOST", &origin)];
    // The doctor says of this key that it is none.
    let output = folder.command(&world, &[&["setup"][..], &NAMES].concat()).envs(key).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("npx wrangler secret put GCP_SA_PRIVATE_KEY_PEM\n  npm run deploy"), "{said}");
    assert!(!said.contains("secret put GCP_SA_KEY_JSON"), "{said}");
    assert!(folder.read("wrangler.toml").contains(&format!("GCP_SA_EMAIL = \"{email}\"")), "{said}");
    assert!(folder.read(".dev.vars").contains("GCP_SA_PRIVATE_KEY_PEM='a key'"));
}

/// The address of a BigQuery that refuses everything.
fn refusing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let body = include_str!("../../../fixtures/access_denied.json");
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let _ = connection.read(&mut [0; 4096]);
            let head = "HTTP/1.1 403 Forbidden\r\ncontent-type: application/json\r\nconnection: close\r\n";
            let _ = write!(connection, "{head}content-length: {}\r\n\r\n{body}", body.len());
        }
    });
    address
}
