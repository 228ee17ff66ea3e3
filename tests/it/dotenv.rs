//! Our reading of `.dev.vars` beside that of Node's dotenv, which `wrangler` uses.

use std::{
    collections::BTreeMap,
    env, fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use aig_logs::cli::vars::dotenv::parse;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::properties::number;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What texts are made of: all that means something to either of the two, and little else.
const PARTS: &[&str] = &[
    "A", "B", "A=", "B=", "=", ":", ": ", " ", "\t", "\n", "\n", "\n\n", "\r\n", "\r", "'", "\"", "`", "\\", "\\'",
    "\\\"", "\\n", "\\r", "#", " # ", "$", "${A}", "export ", "export", "x", ".", "-", "é", "\u{feff}", "\u{85}",
    "\u{a0}", "\u{2028}", "\u{2029}",
];

/// Texts that are tried where `AIG_LOGS_CASES` says nothing else; `AIG_LOGS_SEED` makes others.
const TEXTS: u64 = 5_000;

/// Reads texts as JSON, and prints what dotenv makes of each.
const SCRIPT: &str =
    "const { parse } = require('dotenv'); let text = ''; process.stdin.setEncoding('utf8').on('data', part => text += part);
process.stdin.on('end', () => console.log(JSON.stringify(JSON.parse(text).map(text => parse(text)))))";

/// What Node makes of each text; none where the Worker's tools are left out on purpose.
fn by_node(texts: &[String]) -> Option<Vec<BTreeMap<String, String>>> {
    if env::var_os("AIG_LOGS_WITHOUT_WORKER").is_some() {
        return None;
    }
    let node = Path::new(ROOT).join("node_modules/.bin/node");
    let mut node = Command::new(&node);
    node.current_dir(ROOT).args(["-e", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut node = node.spawn().expect("npm ci has put Node into node_modules");
    node.stdin.take().unwrap().write_all(serde_json::to_string(texts).unwrap().as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    Some(serde_json::from_slice(&output.stdout).expect("dotenv is in node_modules: npm ci"))
}

#[test]
fn every_text_is_read_as_node_reads_it() {
    let folder = Path::new(ROOT).join("tests/fixtures/dotenv");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "vars"));
    let mut texts: Vec<_> = files.map(|path| fs::read_to_string(path).unwrap()).collect();
    texts.push(fs::read_to_string(Path::new(ROOT).join(".dev.vars.example")).unwrap());
    let mut chance = ChaCha8Rng::seed_from_u64(number("AIG_LOGS_SEED").unwrap_or(16));
    for n in 0..number("AIG_LOGS_CASES").unwrap_or(TEXTS) {
        let parts = (0..n % 24).map(|_| *PARTS.choose(&mut chance).unwrap());
        texts.push(parts.collect());
    }
    let Some(expected) = by_node(&texts) else { return };
    for (text, expected) in texts.iter().zip(expected) {
        assert_eq!(parse(text), expected, "{text:?}");
    }
}
