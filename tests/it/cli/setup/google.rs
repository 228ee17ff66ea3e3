//! Google's commands, as setup and `scripts/gcp-setup.sh` call them.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::{Command, Output},
};

use super::{Folder, NAMES, TOKEN, mode, world};
use crate::peer::{DATASET, PROJECT, Peer};

/// Notes its arguments in `calls`, and does what matters here of its original. Nothing is there until it is made, and
/// `refuse` holds what it refuses.
const GCLOUD: &str = r#"#!/bin/bash
here="${0%/*}"
echo "${0##*/} $*" >>"$here/calls"
[[ ! -e "$here/refuse" || "$*" != *"$(<"$here/refuse")"* ]] || { echo "PERMISSION_DENIED: no" >&2; exit 1; }
case "$*" in
  *describe* | *show*) exit 1 ;;
  "config get-value project") echo test-project ;;
  *keys\ create*) printf '{\n  "type": "service_account",\n  "private_key": "-----BEGIN PRIVATE KEY-----\\nMII\\n"\n}\n' >"$5" ;;
  *query*) while read -r line; do echo "$line" >>"$here/statements"; done ;;
esac
"#;

/// Google's commands, and nothing else but a shell.
fn install(folder: &Folder) {
    fs::create_dir(folder.path("bin")).unwrap();
    let shell = ["/bin/bash", "/usr/bin/bash"].into_iter().find(|path| Path::new(path).exists()).unwrap();
    symlink(shell, folder.path("bin/bash")).unwrap();
    for name in ["bin/gcloud", "bin/bq"] {
        fs::write(folder.path(name), GCLOUD).unwrap();
        fs::set_permissions(folder.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// What they were asked to do, but for looking.
fn calls(folder: &Folder) -> Vec<String> {
    let all = folder.read("bin/calls");
    let looks = |line: &&str| !line.contains("describe") && !line.contains(" show ") && !line.contains("get-value");
    all.lines().filter(looks).map(bare).collect()
}

fn script(folder: &Folder, arguments: &[&str]) -> Output {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/gcp-setup.sh"));
    command.current_dir(folder.0.path()).env_clear();
    command.env("PATH", format!("{}:/usr/bin:/bin", folder.path("bin").display())).args(arguments).output().unwrap()
}

/// A command without what a shell takes away.
fn bare(command: &str) -> String {
    command.replace(['\'', '\\'], "")
}

/// The commands that the script prints, as their arguments arrive.
fn printed(folder: &Folder, arguments: &[&str]) -> Vec<String> {
    let output = script(folder, &[&["--print"], arguments].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(bare).collect()
}

#[test]
fn the_commands_listed_are_those_that_run_and_the_key_lands_in_one_line_of_one_file() {
    let Some(peer) = Peer::start() else { return };
    let custom = "GRANT `projects/test-project/roles/aigLogsWriter` ON SCHEMA `test-project.ai_gateway` TO";
    let editor = "GRANT `roles/bigquery.dataEditor` ON TABLE `test-project.ai_gateway.aig_runs` TO";
    for (flags, grant) in [(&[][..], custom), (&["--data-editor"], editor)] {
        let (world, folder, origin) = (world(), Folder::new(), peer.origin());
        install(&folder);
        fs::create_dir(folder.path("tmp")).unwrap();
        let tmp = folder.path("tmp");
        let vars = [("BIGQUERY_EMULATOR_HOST", origin.as_str()), ("TMPDIR", tmp.to_str().unwrap())];
        // The project is gcloud's.
        let (said, code) = folder.setup(&world, &[&["--yes", "--service-account"], flags].concat(), &vars);
        // The doctor sees that the key is none.
        let steps = said.split("\n\n").next().unwrap();
        assert!(code == 2 && steps.ends_with("✓ .dev.vars: GCP_SA_KEY_JSON (secret, not shown)"), "{said}");
        assert!(!steps.contains("\n! "), "{said}");

        let called = calls(&folder);
        let file = called.last().unwrap().split(' ').nth(5).unwrap().to_owned();
        let options = [flags, &["--account", "--key", &file, PROJECT, DATASET]].concat();
        assert_eq!(called, printed(&folder, &options));
        assert_eq!(called.iter().filter(|call| call.contains(grant)).count(), 1, "{called:?}");

        assert!(file.starts_with(tmp.to_str().unwrap()), "{file}");
        assert_eq!(fs::read_dir(&tmp).unwrap().count(), 0, "the key is still there");
        let key = r#"{"private_key":"-----BEGIN PRIVATE KEY-----\nMII\n","type":"service_account"}"#;
        let expected = format!("CF_API_TOKEN='{TOKEN}'\nGCP_SA_KEY_JSON='{key}'\n");
        assert_eq!(folder.read(".dev.vars"), expected);
        assert_eq!(mode(&folder.path(".dev.vars")), 0o600);
        assert!(!folder.read("wrangler.toml").contains("MII"));

        fs::remove_file(folder.path("bin/calls")).unwrap();
        let (said, _) = folder.setup(&world, &["--yes", "--service-account"], &vars);
        assert!(said.contains("= service account: one is set already"), "{said}");
        assert!(!folder.path("bin/calls").exists() && folder.read(".dev.vars") == expected);
    }
}

#[test]
fn what_google_refuses_is_named_with_the_permission() {
    let Some(peer) = Peer::start() else { return };
    let (world, folder, origin) = (world(), Folder::new(), peer.origin());
    install(&folder);
    let refusals = [
        ("service-accounts create", "iam.serviceAccounts.create"),
        ("roles create", "iam.roles.create"),
        ("ON SCHEMA", "bigquery.datasets.update"),
        ("keys create", "iam.serviceAccountKeys.create"),
    ];
    for (call, permission) in refusals {
        fs::write(folder.path("bin/refuse"), call).unwrap();
        let arguments = [&NAMES[..], &["--service-account"]].concat();
        let (said, code) = folder.setup(&world, &arguments, &[("BIGQUERY_EMULATOR_HOST", &origin)]);
        let expected = format!("Whoever is signed in needs {permission}, which the role");
        assert!(code == 2 && said.contains(&expected) && said.contains("PERMISSION_DENIED: no"), "{said}");
        assert!(!folder.read(".dev.vars").contains("GCP_SA_KEY_JSON"));
    }
}

#[test]
fn where_nobody_is_signed_in_the_commands_are_printed_and_the_rest_goes_on() {
    let (world, folder) = (world(), Folder::new());
    install(&folder);
    for program in ["bin/gcloud", "bin/bq"] {
        fs::remove_file(folder.path(program)).unwrap();
    }
    let (said, code) = folder.setup(&world, &[&NAMES[..], &["--location", "EU"]].concat(), &[]);
    assert!(code == 2 && said.contains("gcloud cannot be started") && said.contains("✓ wrangler.toml"), "{said}");
    let listed = printed(&folder, &[PROJECT, DATASET, "aig_logs_raw", "EU"]);
    assert_eq!(listed.len(), 6, "{listed:?}");
    for command in listed.iter().filter(|command| !command.starts_with("bash")) {
        assert!(bare(&said).contains(&format!("\n  {command}\n")), "{command} is not in: {said}");
    }
    // Without a shell the script itself is the command.
    fs::remove_file(folder.path("bin/bash")).unwrap();
    let (said, _) = folder.setup(&world, &NAMES, &[]);
    assert!(said.contains("\n  scripts/gcp-setup.sh test-project ai_gateway aig_logs_raw US\n"), "{said}");
}

#[test]
fn the_script_alone_does_the_google_half_and_makes_no_second_key() {
    let folder = Folder::new();
    install(&folder);
    let run = || {
        let output = script(&folder, &["my-project", "logs", "raw", "EU"]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
        said
    };
    let said = run();
    assert_eq!(said.lines().filter(|line| line.starts_with("✓ ")).count(), 6, "{said}");
    let statements = folder.read("bin/statements");
    assert!(statements.contains("CREATE OR REPLACE VIEW `my-project.logs.aig_usage_by_day`"));
    assert!(statements.contains("CREATE TABLE IF NOT EXISTS `my-project.logs.raw`") && !statements.contains("${GCP"));
    let made = calls(&folder);
    let of_dataset = "bq --project_id=my-project --location=EU mk --dataset my-project:logs";
    assert_eq!(made[0], of_dataset);
    assert_eq!(mode(&folder.path("key.json")), 0o600);
    fs::remove_file(folder.path("bin/calls")).unwrap();
    assert!(run().ends_with("= key key.json: there already\n"));
    assert!(!folder.read("bin/calls").contains("keys create"));
}

#[test]
fn the_script_refuses_a_name_that_is_none_before_anything_is_done() {
    let folder = Folder::new();
    install(&folder);
    for wrong in [
        &["my project"][..],
        &["p; rm"],
        &["my-project", "a-b"],
        &["my-project", "ai_gateway", "a'b"],
        &["my-project", "ai_gateway", "a/b"],
        &["my-project", "ai_gateway", "raw", "US; x"],
        &["my-project", ".."],
    ] {
        let output = script(&folder, wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", String::from_utf8_lossy(&output.stdout));
        assert!(!folder.path("bin/calls").exists(), "{wrong:?}");
    }
}

#[test]
fn the_script_works_in_a_folder_with_spaces_and_quotes() {
    let folder = Folder::new();
    install(&folder);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let copy = folder.path("the user's own $folder");
    for part in ["scripts", "sql/bigquery"] {
        fs::create_dir_all(copy.join(part)).unwrap();
    }
    for file in fs::read_dir(root.join("sql/bigquery")).unwrap().map(Result::unwrap) {
        fs::copy(file.path(), copy.join("sql/bigquery").join(file.file_name())).unwrap();
    }
    let path = copy.join("scripts/gcp-setup.sh");
    fs::copy(root.join("scripts/gcp-setup.sh"), &path).unwrap();
    let mut command = Command::new(&path);
    command.current_dir(folder.0.path()).env_clear();
    command.env("PATH", format!("{}:/usr/bin:/bin", folder.path("bin").display()));
    let output = command.args(["--key", "the key.json", "my-project"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(folder.read("bin/statements").contains("`my-project.ai_gateway.aig_logs_raw`"));
    assert_eq!(mode(&folder.path("the key.json")), 0o600);
}
