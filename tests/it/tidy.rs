//! The habits that no lint knows: where things may be named, how long files are, which columns belong together.
//! The length of functions is clippy's part.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use aig_logs::{
    config::{Need, Program, SETTINGS, Setting},
    event::EVENTS,
    log::columns::{LEDGER, LOGS},
    pass::RUNS,
    record::Kind,
    sink::sql::{BIGQUERY, BIGQUERY_EVENTS, ROLLUPS, SQLITE, Script, bigquery, view},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const MAX_LINES: usize = 300;

/// The only files that may ask which platform they are built for.
const PLATFORM_SPLITS: &[&str] =
    &["src/lib.rs", "src/config/settings.rs", "src/database/mod.rs", "src/host/mod.rs", "src/sink/mod.rs"];

/// What decides, and so never waits.
const PURE: &[&str] = &[
    "src/plan/",
    "src/config/",
    "src/event/",
    "src/foreign.rs",
    "src/google/",
    "src/log/",
    "src/record.rs",
    "src/source/",
];

/// Who may name a concrete host.
const HOST_PICKERS: &[&str] = &["src/lib.rs", "src/main.rs", "src/cli/", "src/worker/", "src/host/"];

/// Which files must not name which modules.
const FORBIDDEN: &[(&[&str], &[&str])] = &[
    (
        &["src/plan/", "src/log/", "src/record.rs", "src/error.rs", "src/foreign.rs", "src/time.rs"],
        &["pass", "sink", "host", "state", "source", "google", "simulator", "cli", "worker"],
    ),
    // Requests and answers are values of the host; sending is what these leave to others.
    (&["src/source/", "src/google/"], &["pass", "sink", "state", "simulator", "cli", "worker"]),
    (&["src/state/"], &["pass", "source", "google", "simulator", "cli", "worker"]),
    (&["src/sink/"], &["pass", "state", "source", "simulator", "cli", "worker"]),
    (&["src/pass/"], &["simulator", "cli", "worker", "event", "ingest", "api"]),
    (&["src/event/"], &["pass", "sink", "host", "state", "source", "google", "database", "ingest", "api", "simulator"]),
    (&["src/database/"], &["pass", "state", "source", "google", "event", "ingest", "api", "simulator", "worker"]),
    (&["src/ingest/", "src/api/"], &["pass", "sink", "source", "google", "simulator", "cli", "worker"]),
    (
        &["src/simulator/"],
        &[
            "pass", "plan", "sink", "state", "source", "google", "log", "record", "config", "host", "cli", "worker",
            "event", "ingest", "api", "database",
        ],
    ),
];

/// Marks of unfinished work, in halves: whole, this file would find itself.
const UNFINISHED: &[&str] = &[
    concat!("to", "do!"),
    concat!("unimpl", "emented!"),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("db", "g!"),
    concat!("#[ig", "nore"),
];

#[test]
fn files_are_short() {
    let long = sources("src").filter_map(|file| {
        let lines = file.code().trim_end().lines().count();
        (lines > MAX_LINES)
            .then(|| format!("{}:{lines}: {lines} lines, at most {MAX_LINES} before the tests", file.path))
    });
    none(long, "Make it a folder of its name, with one idea a file.");
}

#[test]
fn the_platform_is_asked_for_where_platforms_part() {
    let others = sources("src").filter(|file| !file.is_in(PLATFORM_SPLITS));
    none(find(others, &["target_arch", "target_family"]), "Split in src/host/mod.rs or src/sink/mod.rs.");
}

#[test]
fn what_decides_never_waits() {
    let pure = sources("src").filter(|file| file.is_in(PURE));
    none(find(pure, &["async ", ".await"]), "Return the request as a value; a pass or a sink sends it.");
}

#[test]
fn concrete_hosts_are_named_by_who_picks_one() {
    let others = sources("src").filter(|file| !file.is_in(HOST_PICKERS));
    none(find(others, &["host::native", "host::cloudflare"]), "Take an `impl Host` as an argument.");
}

#[test]
fn modules_name_only_what_is_below_them() {
    let upward = sources("src").flat_map(|file| {
        let forbidden: Vec<_> =
            FORBIDDEN.iter().filter(|(parts, _)| file.is_in(parts)).flat_map(|(_, names)| *names).collect();
        let named = file.modules_named().into_iter().filter(move |(_, name)| forbidden.contains(&name));
        named.map(|(line, name)| format!("{}:{line}: crate::{name}", file.path)).collect::<Vec<_>>()
    });
    none(upward, "Take the value as an argument, or move its type down (the map is in ARCHITECTURE.md).");
}

#[test]
fn nothing_is_left_unfinished() {
    let files = sources("src").chain(sources("tests"));
    let marks = files.flat_map(|file| mentions(&file.path, &file.text, UNFINISHED));
    none(marks, "Write the code or an issue; delete the line or mend the test.");
}

#[test]
fn rows_and_runs_have_the_columns_of_their_tables() {
    let sql_types = |kind| match kind {
        Kind::Text => ["STRING", "TEXT"],
        Kind::Integer => ["INT64", "INTEGER"],
        Kind::Float => ["FLOAT64", "REAL"],
        Kind::Bool => ["BOOL", "INTEGER"],
        Kind::Instant => ["TIMESTAMP", "TEXT"],
        Kind::Json => ["JSON", "TEXT"],
    };
    let tables = [
        ("1_table.sql", &LOGS),
        ("1_aig_runs.sql", &RUNS),
        ("1_aig_ledger.sql", &LEDGER),
        ("1_events_raw.sql", &EVENTS),
    ];
    for (file, table) in tables {
        for (dialect, folder) in ["bigquery", "sqlite"].into_iter().enumerate() {
            let path = format!("sql/{folder}/{file}");
            // BigQuery has no ledger.
            if table == &LEDGER && folder == "bigquery" {
                continue;
            }
            let expected: Vec<_> = table
                .columns
                .iter()
                .map(|column| format!("{} {}", column.name, sql_types(column.kind)[dialect]))
                .collect();
            assert_eq!(columns(&path), expected, "Give {path} the columns and types of {}.", table.name);
        }
    }
}

#[test]
fn a_table_of_the_typescript_program_gets_every_column_it_lacks() {
    let (table, migration) = (read("sql/bigquery/1_table.sql"), read("sql/bigquery/2_columns.sql"));
    let (_, ours) = table.split_once("\n  ingested_at ").unwrap();
    let ours: Vec<_> = definitions(ours, "  ").collect();
    let added: Vec<_> = definitions(&migration, "  ADD COLUMN IF NOT EXISTS ").collect();
    assert_eq!(added, ours, "sql/bigquery/2_columns.sql adds other columns than 1_table.sql has after ingested_at.");
}

/// What follows `start` in the lines that begin with it.
fn definitions<'a>(sql: &'a str, start: &'a str) -> impl Iterator<Item = &'a str> {
    sql.lines().filter_map(move |line| Some(line.strip_prefix(start)?.trim_end_matches([',', ';'])))
}

#[test]
fn every_file_of_sql_is_a_script_of_the_program() {
    let of_bigquery: Vec<_> = bigquery(true).collect();
    let rollups = ROLLUPS.iter().collect();
    for (folder, scripts) in [("bigquery", of_bigquery), ("rollups", rollups), ("sqlite", SQLITE.iter().collect())] {
        let files = fs::read_dir(Path::new(ROOT).join("sql").join(folder)).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        let mut names: Vec<_> = scripts.iter().map(|script| script.name).collect();
        names.sort_unstable();
        assert_eq!(names, files, "sql/{folder}/ and the list in src/sink/sql.rs differ.");
    }
}

#[test]
fn views_have_the_same_columns_in_both_dialects_and_each_is_described() {
    let of_bigquery = bigquery(true).filter_map(|script| {
        let (list, _) = script.text.split_once("\n)\nOPTIONS (description = \"")?;
        let (_, list) = list.split_once("CREATE OR REPLACE VIEW ")?.1.split_once(" (\n")?;
        let columns = list.lines().map(|line| line.trim().split_once(" OPTIONS (description = \"").expect(line).0);
        Some((&script.name[2..], columns.collect::<Vec<_>>()))
    });
    // One has triggers, and questions make the other themselves.
    let is_of_both = |script: &&Script| !["3_Uu_sink.sql", "3_activity.sql"].contains(&script.name);
    let of_sqlite = SQLITE.iter().filter(is_of_both).filter_map(|script| {
        let (_, list) = view(script.text)?.1.split_once(" (\n  ")?;
        Some((&script.name[2..], list.split_once("\n) AS\n")?.0.split(',').map(str::trim).collect()))
    });
    let (of_bigquery, of_sqlite): (BTreeMap<_, _>, BTreeMap<_, Vec<_>>) = (of_bigquery.collect(), of_sqlite.collect());
    // All but the tables and their migration, and aig_logs and events, which have the columns of their tables.
    assert_eq!(of_bigquery.len(), BIGQUERY.len() - 4 + BIGQUERY_EVENTS.len() - 2);
    assert_eq!(of_bigquery, of_sqlite, "Give a view the same columns in both dialects.");
}

/// In each row of its tables that has a view, what else stands in small letters between backticks.
#[test]
fn the_page_on_looker_studio_has_every_view_and_names_columns_that_it_has() {
    let page = read("docs/looker-studio.md");
    // aig_logs has a line for each log: a report reads the others.
    for (view, columns) in BIGQUERY.iter().filter_map(Script::bigquery_view).filter(|(view, _)| *view != "aig_logs") {
        let quoted = format!("`{view}`");
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with('|') && line.contains(&quoted)).collect();
        assert!(!rows.is_empty(), "{quoted} is in no table of docs/looker-studio.md.");
        for row in rows {
            let code = row.split('`').skip(1).step_by(2).filter(|code| !code.starts_with("aig_") && *code != "team");
            let words = code.flat_map(|code| {
                code.split(|letter: char| !letter.is_ascii_lowercase() && !matches!(letter, '_' | '0'..='9'))
            });
            for word in words.filter(|word| word.starts_with(|letter: char| letter.is_ascii_lowercase())) {
                assert!(columns.contains(&word), "docs/looker-studio.md: {quoted} has no column {word}.");
            }
        }
    }
}

#[test]
fn every_setting_is_in_the_documentation_with_its_default() {
    let rows = read("docs/settings.md");
    let rows: Vec<_> = rows.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<_> = SETTINGS.iter().map(documented).collect();
    assert_eq!(rows[..expected.len().min(rows.len())], expected, "Bring docs/settings.md up to config::SETTINGS.");
}

fn documented(setting: &Setting) -> String {
    let need = match (setting.default, setting.need) {
        (Some(default), _) => format!("`{default}`"),
        (None, Need::Always) => "required".into(),
        (None, Need::BigQuery) => "for BigQuery".into(),
        (None, Need::Never) => String::new(),
    };
    let secret = if setting.secret { "secret" } else { "" };
    let columns: Vec<_> = [need.as_str(), secret].into_iter().filter(|word| !word.is_empty()).collect();
    format!("| `{}` | {} | {} |", setting.name, columns.join(", "), setting.meaning)
}

#[test]
fn the_example_holds_every_secret_and_nothing_else() {
    let example = read(".dev.vars.example");
    let given: Vec<_> = example.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    let secrets: Vec<_> = SETTINGS.iter().filter(|setting| setting.secret).map(|setting| setting.name).collect();
    assert_eq!(given, secrets, ".dev.vars.example and config::SETTINGS differ.");
}

#[test]
fn each_worker_is_given_every_setting_that_is_no_secret() {
    let configuration = read("wrangler.toml");
    for (section, program) in [("[vars]", Program::Poller), ("[env.events.vars]", Program::Events)] {
        let (_, vars) = configuration.split_once(&format!("\n{section}\n")).unwrap();
        let vars = vars.split_once("\n\n").map_or(vars.to_owned(), |(vars, _)| format!("{vars}\n"));
        let settings = SETTINGS.iter().filter(|setting| !setting.secret && setting.program.includes(program));
        let expected: Vec<_> = settings.map(worker_var).collect();
        assert_eq!(vars, expected.concat(), "Bring {section} of wrangler.toml up to config::SETTINGS.");
    }
}

/// All pages that the budgets allow: the Worker's own default is what the TypeScript program had.
fn worker_var(setting: &Setting) -> String {
    let Setting { name, default, meaning, .. } = setting;
    let value = if name.ends_with("_MAX_PAGES") { "auto" } else { default.unwrap_or_default() };
    format!("# {meaning}\n{name} = \"{value}\"\n")
}

/// The list of features names tests: functions of Rust, and sentences that name tests of the JavaScript client.
#[test]
fn every_test_that_the_list_of_features_names_is_there() {
    let tests: String = sources("tests").chain(sources("src")).map(|file| file.text).collect();
    let client = fs::read_dir(Path::new(ROOT).join("clients/js/test")).unwrap().map(|entry| entry.unwrap().path());
    let client: String = client.filter(|path| path.is_file()).map(|path| fs::read_to_string(path).unwrap()).collect();
    let is_there = |name: &str| tests.contains(&format!("fn {name}(")) || client.contains(&format!("test(\"{name}\","));
    let list = read("docs/seeds.md");
    let named = list.lines().filter_map(|line| line.strip_suffix("` |")?.rsplit_once("| `")).map(|(_, name)| name);
    let missing: Vec<_> = named.filter(|name| !name.contains('/') && !is_there(name)).collect();
    none(missing.into_iter().map(str::to_owned), "Name a test that is there, or a dash.");
}

#[test]
fn the_backfill_is_one_of_the_workers_crons() {
    let configuration: toml::Table = read("wrangler.toml").parse().unwrap();
    let crons = configuration["triggers"]["crons"].as_array().unwrap();
    let backfill = &configuration["vars"]["BACKFILL_CRON"];
    assert_eq!(crons.iter().filter(|cron| *cron == backfill).count(), 1, "BACKFILL_CRON and the crons differ.");
}

/// A file of Rust: its path from the package's folder, and its text.
pub struct Source {
    pub path: String,
    text: String,
}

impl Source {
    /// Whether it is one of these files, or in one of these folders, which end in a slash.
    fn is_in(&self, parts: &[&str]) -> bool {
        parts.iter().any(|part| self.path == *part || part.ends_with('/') && self.path.starts_with(part))
    }

    /// The text before the tests.
    pub fn code(&self) -> &str {
        let is_module = |at: &usize| self.text[*at..].lines().nth(1).is_some_and(|line| line.contains("mod "));
        let tests = self.text.match_indices("#[cfg(test)]\n").map(|(at, _)| at).find(is_module);
        &self.text[..tests.unwrap_or(self.text.len())]
    }

    /// The modules that the code names after `crate::`, alone or in braces, with the lines.
    fn modules_named(&self) -> Vec<(usize, &str)> {
        let code = self.code();
        let mut named = Vec::new();
        for (at, before) in code.match_indices("crate::") {
            let line = code[..at].lines().count();
            let rest = &code[at + before.len()..];
            let paths = rest.strip_prefix('{').map_or_else(|| vec![rest], listed);
            named.extend(paths.into_iter().map(|path| (line, first_word(path))));
        }
        named
    }
}

/// The lines before the tests of some files that have one of these texts.
fn find(files: impl Iterator<Item = Source>, texts: &[&str]) -> Vec<String> {
    files.flat_map(|file| mentions(&file.path, file.code(), texts)).collect()
}

fn mentions(path: &str, text: &str, wanted: &[&str]) -> Vec<String> {
    let lines = (1..).zip(text.lines());
    let hits = lines
        .flat_map(|(number, line)| wanted.iter().filter(|word| line.contains(**word)).map(move |word| (number, word)));
    hits.map(|(number, word)| format!("{path}:{number}: {word}")).collect()
}

/// The paths of a braced import, given what follows its brace.
fn listed(list: &str) -> Vec<&str> {
    let mut depth = 0;
    let outer_comma = |letter| {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        letter == ',' && depth == 0
    };
    list.split("};").next().unwrap().split(outer_comma).map(str::trim).collect()
}

fn first_word(text: &str) -> &str {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap()
}

/// The files of Rust in a folder of the package and below.
pub fn sources(folder: &str) -> impl Iterator<Item = Source> {
    let mut folders = vec![Path::new(ROOT).join(folder)];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let (inner, here): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
        folders.extend(inner);
        files.extend(here.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")));
    }
    files.sort();
    files.into_iter().map(|path| Source {
        path: path.strip_prefix(ROOT).unwrap().to_str().unwrap().replace('\\', "/"),
        text: fs::read_to_string(&path).unwrap(),
    })
}

/// Name and type of each column of a CREATE TABLE that has one column a line, indented by two spaces.
fn columns(path: &str) -> Vec<String> {
    let text = read(path);
    let lines = text.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with("PRIMARY KEY"));
    lines.map(|line| line.split([' ', ',']).take(2).collect::<Vec<_>>().join(" ")).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

/// Fails with all that was found, one a line, and the way out.
fn none(found: impl IntoIterator<Item = String>, way_out: &str) {
    let found: Vec<_> = found.into_iter().collect();
    assert!(found.is_empty(), "\n{}\n{way_out}", found.join("\n"));
}
