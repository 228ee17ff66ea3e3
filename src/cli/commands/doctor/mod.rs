//! `aig-logs doctor`: checks a set-up, and says how to fix it. It changes nothing; the test event of `--events` is taken
//! out again.
//!
//! The doctor asks each question once, without the retries of a pass. It signs in to Google with a scope of its own
//! that can only read (`cloud-platform.read-only`: `tables.testIamPermissions` takes no narrower scope of BigQuery). It
//! asks for permissions and tries no insert, because BigQuery always refuses an empty insert. Numbers that depend on
//! the time of the question, such as a count of live traffic, are compared within one answer.

mod check;
mod cloudflare;
mod d1;
mod events;
mod gateway;
mod google;
mod headroom;
mod report;
mod table;
mod worker;

use futures_util::future;
use tokio::sync::watch;

use crate::{
    cli::{
        args::{Doctor, Options, State},
        commands::doctor::check::{Asker, Check, Grade},
        failure::{Exit, Failure},
        files::open::read_only,
        show,
        vars::settings::{self, Vars},
    },
    config::{Config, Destination},
    host::{
        Host,
        native::{NativeHost, SqliteStore},
    },
    pass::dead,
};

/// The largest number of failed checks that an exit code tells.
const MOST: usize = 100;

/// Checks everything, and says what it has found.
pub async fn doctor(arguments: &Doctor, options: &Options, stop: watch::Receiver<bool>) -> Result<Exit, Failure> {
    let host = NativeHost::new(stop, |_| {}).map_err(|error| Failure::host(&error))?;
    let vars = Vars::read(options)?;
    let checks = if arguments.events {
        events::checks(&host, &vars, arguments, options).await?
    } else {
        let mut checks = examine(&host, &vars, &destinations(options, &vars)?).await;
        checks.extend(dead_letters(options).await);
        checks
    };
    let text = if options.json { report::in_json(&checks) } else { report::in_words(&checks) };
    // With the colours of its marks.
    show::deliver(&text)?;
    let failed = checks.iter().filter(|check| check.verdict == Grade::Failed).count();
    Ok(match u8::try_from(failed.min(MOST)) {
        Ok(0) | Err(_) => Exit::Done,
        Ok(failed) => Exit::Checks(failed),
    })
}

/// Where rows go: as the options say, or else the Worker's `SINKS` if they name D1, or else as the settings let one think.
fn destinations(options: &Options, vars: &Vars) -> Result<Vec<Destination>, Failure> {
    if !options.sinks.is_empty() {
        return Ok(options.destinations());
    }
    let of_worker = vars.sinks_of_worker()?;
    Ok(if of_worker.contains(&Destination::D1) {
        of_worker
    } else if vars.names_bigquery() {
        vec![Destination::BigQuery]
    } else {
        options.destinations()
    })
}

/// The order of the checks: settings, Cloudflare, D1, Google, clocks, Worker.
async fn examine(host: &impl Host, vars: &Vars, destinations: &[Destination]) -> Vec<Check> {
    let (settings, config) = read(vars, destinations);
    let mut checks = vec![settings];
    let asker = Asker::new(host);
    let Some(config) = config else {
        checks.extend(skipped(&["token", cloudflare::LOG_SYSTEM, "gateways"]));
        if destinations.contains(&Destination::D1) {
            checks.extend(skipped(&[d1::NAME]));
        }
        if destinations.contains(&Destination::BigQuery) {
            checks.extend(skipped(google::NAMES));
        }
        return checks;
    };
    let kv = vars.kv().ok();
    let google = async {
        match &config.bigquery {
            Some(table) => google::checks(&asker, vars, &config, table).await,
            None if destinations.contains(&Destination::BigQuery) => skipped(google::NAMES),
            None => Vec::new(),
        }
    };
    let database = async {
        match &config.d1 {
            Some(database) => vec![d1::check(host, database, &config.metadata).await],
            None if destinations.contains(&Destination::D1) => skipped(&[d1::NAME]),
            None => Vec::new(),
        }
    };
    let cloudflare = cloudflare::checks(&asker, &config, kv.as_ref());
    let (cloudflare, database, google) = future::join3(cloudflare, database, google).await;
    checks.extend(cloudflare);
    checks.extend(database);
    checks.extend(google);
    checks.extend(asker.clocks());
    checks.extend(vars.crons().map(|crons| worker::crons(crons, &config)));
    checks
}

/// The dead letters in this machine's state, if there is one. Those of a Worker's state cost calls: `status` tells
/// them.
async fn dead_letters(options: &Options) -> Option<Check> {
    let State::File(path) = options.state() else { return None };
    let connection = read_only(&path).ok()?;
    let store = SqliteStore::new(&connection, "state").ok()?;
    let letters: u64 = dead::keys(&store).await.ok()?.iter().map(|(_, letters)| letters).sum();
    let says = format!("{} no sink takes", show::counted(letters, "log"));
    let hint = "They are kept with their reasons; all others are delivered";
    (letters > 0).then(|| Check::warning("dead letters", says, hint).mended_by("aig-logs dead-letters list"))
}

fn skipped(names: &[&str]) -> Vec<Check> {
    names.iter().map(|name| Check::skipped(*name, "its settings must be right first")).collect()
}

/// All problems of the settings together. Where those of BigQuery alone are wrong, the source can still be checked.
fn read(vars: &Vars, destinations: &[Destination]) -> (Check, Option<Config>) {
    let with_schedule = |config: Config| settings::schedule(&config).map(|_| config);
    let error = match vars.config(destinations).and_then(with_schedule) {
        Ok(config) => return (Check::ok("settings", "complete"), Some(config)),
        Err(error) => error,
    };
    let hint = "Set them in the environment, in .dev.vars or in [vars] of wrangler.toml";
    let check = Check::failed("settings", error.problem(), hint).mended_by("aig-logs help settings");
    (check, vars.config(&[Destination::default()]).ok())
}
