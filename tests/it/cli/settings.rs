//! `aig-logs settings` tells what holds and where it comes from, and no letter of a secret.

use std::fs;

use serde_json::Value;

use super::{command, words};

const SECRET: &str = "s3cr3t-of-somebody";

#[test]
fn each_setting_is_told_with_its_value_and_whoever_gives_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = command(folder.path());
        let output = command.args(arguments).env("AIG_GATEWAY_ID", "main").env("HASH_KEY", SECRET).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", words(&output));
        assert!(!words(&output).contains(SECRET), "{}", words(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let told = |name: &str| -> Value {
        let all: Value = serde_json::from_str(&run(&["settings", "--json", "--pages", "7"])).unwrap();
        all["settings"].as_array().unwrap().iter().find(|setting| setting["name"] == name).unwrap().clone()
    };
    let check = |name: &str, value: &str, from: &str| {
        let told = told(name);
        assert_eq!((told["value"].as_str(), told["from"].as_str()), (Some(value), Some(from)), "{told}");
    };
    // Nothing is configured.
    check("SETTLE_SECONDS", "30", "default");
    assert_eq!((&told("CF_API_TOKEN")["value"], &told("CF_API_TOKEN")["from"]), (&Value::Null, &Value::Null));
    write(".dev.vars", &format!("CF_API_TOKEN={SECRET}\nAIG_GATEWAY_ID=other\nCF_ACCOUNT_ID={SECRET}\n"));
    write("wrangler.toml", "[vars]\nSETTLE_SECONDS = 45\n");
    check("SETTLE_SECONDS", "45", "wrangler.toml");
    check("CF_API_TOKEN", "[set]", ".dev.vars");
    check("HASH_KEY", "[set]", "environment");
    check("AIG_GATEWAY_ID", "main", "environment");
    check("FORWARD_MAX_PAGES", "7", "--pages");
    let text = run(&["settings"]);
    for part in ["[set] (.dev.vars)", "45 (wrangler.toml)", "main (environment)", "auto (default)", "not set"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}
