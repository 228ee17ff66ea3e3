//! The files of settings: the one of `--vars`, or the two beside the Worker, `.dev.vars` and `wrangler.toml`.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path};

use serde::Deserialize;
use serde_json::Value;

use crate::{
    cli::{
        failure::Failure,
        vars::{
            dotenv,
            events_worker::{Database, EventsWorker},
            names,
        },
    },
    config::{Problem, SETTINGS},
};

/// The file that is read if it exists and no other file is named.
pub const FILE: &str = ".dev.vars";

/// The Worker's configuration. Its `[vars]` hold here as well, where no other file is named.
pub const WORKER: &str = "wrangler.toml";

/// What the group and everybody else may read.
const READABLE: u32 = 0o044;

/// The settings of the files. The program trusts all files alike: together they are one source.
#[derive(Debug, Default)]
pub struct SettingFiles {
    vars: BTreeMap<String, String>,
    /// The schedules that wake the Worker of this folder; none where there is none, or another file is named.
    pub crons: Option<Vec<String>>,
    /// The Worker of this folder that receives events; none where there is none, or another file is named.
    pub events: Option<EventsWorker>,
    /// The file of each name, for messages.
    names: BTreeMap<String, String>,
    warnings: Vec<String>,
}

impl SettingFiles {
    /// Reads the file that is named, or else what the Worker in this folder has: its variables, and its secrets, which win.
    pub fn read(named: Option<&Path>) -> Result<Self, Failure> {
        let mut files = Self::default();
        if let Some(path) = named {
            files.add(path, secrets(path)?);
            return Ok(files);
        }
        let (worker_file, file) = (Path::new(WORKER), Path::new(FILE));
        if worker_file.exists() {
            let worker = worker(worker_file)?;
            files.crons = Some(worker.triggers.crons.clone());
            files.events.clone_from(&worker.env.events);
            files.add(worker_file, worker.vars());
        }
        if file.exists() {
            files.add(file, secrets(file)?);
        }
        Ok(files)
    }

    fn add(&mut self, path: &Path, vars: BTreeMap<String, String>) {
        let vars: BTreeMap<_, _> = vars.into_iter().filter(|(_, text)| !text.trim().is_empty()).collect();
        let mode = fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|file| file.permissions().mode());
        let secret = SETTINGS.iter().any(|setting| setting.secret && vars.contains_key(setting.name));
        if secret && mode.is_some_and(|mode| mode & READABLE != 0) {
            let path = path.display();
            self.warnings.push(format!("others can read the secrets in {path}: chmod 600 {path}"));
        }
        self.names.extend(vars.keys().map(|name| (name.clone(), path.display().to_string())));
        self.vars.extend(vars);
    }

    /// The text of a setting, unless it is not set or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str)
    }

    /// The same, with the file that gives it.
    pub fn found(&self, name: &str) -> Option<(&str, &str)> {
        Some((self.get(name)?, self.names.get(name)?))
    }

    /// What may stay as it is, and should not.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        self.warnings.iter().cloned()
    }

    /// Names that are almost those of settings.
    pub fn misspelt(&self) -> Vec<Problem> {
        let names = self.names.iter().filter_map(|(name, file)| {
            let setting = names::resembled(name)?;
            Some(Problem { setting, problem: format!("is written {name} in {file}: correct the name") })
        });
        names.collect()
    }
}

/// The Worker's bindings of KV, and the settings that hold the ids of their namespaces.
pub const NAMESPACES: [(&str, &str); 2] = [("STATE_KV", "CF_KV_STATE_ID"), ("IDS_KV", "CF_KV_IDS_ID")];

/// The binding of the database in D1, and the setting that holds its id.
pub const DATABASE: (&str, &str) = ("EVENTS_DB", "CF_D1_DATABASE_ID");

/// What matters here of a `wrangler.toml`.
#[derive(Deserialize, Default)]
struct Worker {
    #[serde(default)]
    vars: BTreeMap<String, Value>,
    #[serde(default)]
    kv_namespaces: Vec<Namespace>,
    #[serde(default)]
    d1_databases: Vec<Database>,
    #[serde(default)]
    triggers: Triggers,
    #[serde(default)]
    env: Environments,
}

/// The other Worker of the same file. It may have the database alone.
#[derive(Deserialize, Default)]
struct Environments {
    events: Option<EventsWorker>,
}

#[derive(Deserialize)]
struct Namespace {
    binding: String,
    #[serde(default)]
    id: String,
}

#[derive(Deserialize, Default)]
struct Triggers {
    #[serde(default)]
    crons: Vec<String>,
}

impl Worker {
    /// Its `[vars]`, and the ids of its namespaces and its database. What is no text in `[vars]` is read as its JSON.
    fn vars(self) -> BTreeMap<String, String> {
        let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let ids = self.kv_namespaces.into_iter().filter_map(|Namespace { binding, id }| {
            let (_, name) = NAMESPACES.iter().find(|(known, _)| *known == binding)?;
            // A placeholder is no id.
            let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_id.then(|| ((*name).to_owned(), id))
        });
        let (binding, setting) = DATABASE;
        let of_events = self.env.events.into_iter().flat_map(|events| events.d1_databases);
        let mut databases = self.d1_databases.into_iter().chain(of_events);
        let database = databases.find(|database| database.binding == binding && database.has_id());
        let database = database.map(|database| (setting.to_owned(), database.database_id));
        let vars = self.vars.into_iter().map(|(name, value)| (name, text(value)));
        ids.chain(database).chain(vars).collect()
    }
}

fn worker(path: &Path) -> Result<Worker, Failure> {
    let action = || format!("reading the settings in {}", path.display());
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::denied(action(), error, "Make it readable, or name another file with --vars"))?;
    // Its own words would quote a line, which may hold a secret that does not belong there.
    toml::from_str(&text).map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
        Failure::denied(
            action(),
            format!("line {line} cannot be understood"),
            "wrangler itself says more: npx wrangler deploy --dry-run",
        )
    })
}

/// A file in the form of `.dev.vars`. A message about it never quotes it, because its text may be a secret.
fn secrets(path: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let action = || format!("reading the settings in {}", path.display());
    let text = fs::read(path).map_err(|error| Failure::denied(action(), error, "Name another file with --vars"))?;
    let vars = dotenv::parse(&String::from_utf8_lossy(&text));
    let open = |text: &str| {
        let quote = text.chars().next().filter(|first| matches!(first, '\'' | '"' | '`'));
        quote.is_some_and(|quote| text.len() == 1 || !text.ends_with(quote))
    };
    let open = SETTINGS.iter().find(|setting| vars.get(setting.name).is_some_and(|text| open(text)));
    open.map_or(Ok(()), |setting| {
        let problem = format!("the quotation mark before {} is not closed", setting.name);
        Err(Failure::denied(action(), problem, "Close it, or leave it out"))
    })?;
    Ok(vars)
}
