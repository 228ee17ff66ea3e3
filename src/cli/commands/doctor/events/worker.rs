//! The Worker that receives events, as `wrangler.toml` has it.

use crate::{
    cli::{
        commands::doctor::check::Check,
        vars::{
            events_worker::{EventsWorker, RateLimit},
            setting_files::DATABASE,
        },
    },
    config::EventSettings,
};

/// The binding of the runtime's limit of requests.
const LIMIT: &str = "EVENTS_RATE_LIMIT";

/// Looks at the bindings. `database` is the id of the database that is asked, where it is known.
pub fn checks(worker: Option<&EventsWorker>, database: Option<&str>, settings: Option<&EventSettings>) -> Vec<Check> {
    let Some(worker) = worker else {
        let why = "no wrangler.toml with [env.events] is in this folder, or --vars names another file";
        return [DATABASE.0, "rate"].map(|name| Check::skipped(name, why)).into();
    };
    vec![binding(worker, database), rate(worker, settings)]
}

fn binding(worker: &EventsWorker, database: Option<&str>) -> Check {
    let (name, setting) = DATABASE;
    let fix = "npx wrangler d1 create aig-events";
    let Some(bound) = worker.d1_databases.iter().find(|database| database.binding == name) else {
        let hint = "Without a database the Worker answers 503: add [[env.events.d1_databases]] to wrangler.toml";
        return Check::failed(name, "the Worker has no such binding", hint).mended_by(fix);
    };
    if !bound.has_id() {
        let says = format!("database_id is {:?}, which is no id", bound.database_id);
        let hint = "Put the id that `npx wrangler d1 list` shows into [[env.events.d1_databases]] of wrangler.toml";
        return Check::failed(name, says, hint).mended_by(fix);
    }
    if database.is_some_and(|database| database != bound.database_id) {
        let says = format!("the Worker writes into {}, and another database is checked here", bound.database_id);
        return Check::warning(name, says, "Give both the same id").mended_by(setting);
    }
    Check::ok(name, "bound to a database")
}

/// The number that a sender is told, and the one that holds it back.
fn rate(worker: &EventsWorker, settings: Option<&EventSettings>) -> Check {
    const NAME: &str = "rate";
    let Some(settings) = settings else { return Check::skipped(NAME, "the settings must be right first") };
    let Some(told) = settings.rate else { return Check::ok(NAME, "EVENTS_RATE is 0: there is no limit") };
    let limit = worker.ratelimits.iter().find(|limit| limit.name == LIMIT).and_then(RateLimit::a_minute);
    match limit {
        Some(limit) if limit == u64::from(told) => Check::ok(NAME, format!("{told} requests a minute and key")),
        Some(limit) => {
            let says = format!("EVENTS_RATE is {told}, and the limit of {LIMIT} is {limit} requests a minute");
            let hint = "The limit counts, and whoever is held back is told the other number: make them equal";
            Check::warning(NAME, says, hint).mended_by("[[env.events.ratelimits]] of wrangler.toml")
        }
        None => {
            let says = format!("EVENTS_RATE is {told}, and no {LIMIT} is bound: nobody is held back");
            let hint = "Bind it, or set EVENTS_RATE to 0 to say so";
            Check::warning(NAME, says, hint).mended_by("[[env.events.ratelimits]] of wrangler.toml")
        }
    }
}
