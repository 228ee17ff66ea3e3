//! `aig-logs status`: where the copying stands, from the state alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    cli::{
        args::{Options, State},
        commands::standing::{GatewayStanding, Summary},
        failure::{Exit, Failure},
        files::{
            names,
            open::{no_state, read_only},
            passes::{Pass, Passes},
            state::OpenState,
        },
        health::problem::{self, Problem},
        show,
        vars::settings::Vars,
    },
    error::{Error, StoreError},
    foreign::clean,
    host::{Store, native::now},
    pass::dead,
    plan::slots::{HOUR, floor_hour},
    state::{
        self, BACKFILL_STOP_AT, FORWARD, Forward, Ledger, LedgerPage, OLDEST, Oldest, STATUS, Status, midnight_of,
        place_of,
    },
    time::{self, Timestamp},
};

/// The name of the one gateway of a state that names none.
const UNNAMED: &str = "(unnamed)";

/// All that a state says.
pub struct Standing {
    now: Timestamp,
    target: Option<String>,
    forward: Forward,
    oldest: Oldest,
    stop: Option<Timestamp>,
    status: Status,
    /// By gateway.
    ledgers: BTreeMap<String, Summary>,
    /// `SETTLE_SECONDS` as it is set here, where it can be read.
    settle: Option<Duration>,
    /// Entries that can be read in a minute by the settings here, where these can be read.
    readable: Option<u64>,
    /// Keys of dead letters, and how many rows each holds.
    dead: Vec<(String, u64)>,
    /// The same of those that were discarded.
    discarded: Vec<(String, u64)>,
    /// When passes were made, where the state says.
    pub passes: Passes,
}

/// Even a gateway without logs is counted each hour, and its state saved then: where none is for so long, nothing runs.
const LONGEST_SILENCE: TimeDelta = TimeDelta::minutes(150);

/// Says how things stand.
pub async fn status(options: &Options, stop: watch::Receiver<bool>) -> Result<Exit, Failure> {
    let state = OpenState::to_read(options, stop)?;
    let place = state.place();
    let Some(standing) = Standing::read(&state, options).await? else { return Err(no_state(&place)) };
    if options.json {
        show::print(&format!("{:#}", standing.to_json(&place)))?;
    } else {
        let kv = if options.state == Some(State::Kv) { " --state kv" } else { "" };
        show::words(&standing.in_words(&place, kv))?;
    }
    Ok(problem::exit(&standing.problems(None)))
}

impl Standing {
    /// What the file of the options says; none: no pass has saved anything there.
    pub async fn of_file(options: &Options, path: &Path) -> Result<Option<Self>, Failure> {
        if !path.exists() {
            return Ok(None);
        }
        let state = OpenState::File { connection: read_only(path)?, path: path.to_owned() };
        Self::read(&state, options).await
    }

    /// What an open state says; none: no pass has saved anything there.
    async fn read(state: &OpenState, options: &Options) -> Result<Option<Self>, Failure> {
        // A status must not fail for want of good settings.
        let vars = Vars::read(options).ok();
        let (settle, readable) = vars.map(|vars| (vars.settle(), vars.readable())).unwrap_or_default();
        let passes = state.passes().await?;
        let standing = Self { settle, readable, passes, ..Self::load(&state.store()?, state.target().await?).await? };
        let is_new = standing.forward.by_id.is_empty() && standing.oldest.by_id.is_empty();
        Ok(if is_new && standing.status.failing.is_empty() { None } else { Some(standing) })
    }

    async fn load(state: &impl Store, target: Option<String>) -> Result<Self, Error> {
        let keys = [FORWARD, OLDEST, BACKFILL_STOP_AT, STATUS];
        let mut values = state.get_many(&keys).await.map_err(loading)?.into_iter();
        let mut value = || values.next().flatten();
        let unnamed = [UNNAMED.to_owned()];
        let forward = value().map(|text| Forward::from_json(FORWARD, &text, &unnamed)).transpose()?;
        let oldest = value().map(|text| Oldest::read(&text, &unnamed)).transpose()?;
        let stop = value().map(|text| state::read_stop(&text)).transpose()?;
        let status = value().map(|text| Status::from_json(&text)).transpose()?;
        let (now, forward) = (now(), forward.unwrap_or_default());
        Ok(Self {
            now,
            target,
            ledgers: ledgers(state, &forward, now).await?,
            settle: None,
            readable: None,
            forward,
            oldest: oldest.unwrap_or_default(),
            stop,
            status: status.unwrap_or_default(),
            dead: dead::keys(state).await?,
            discarded: dead::discarded_keys(state).await?,
            passes: Passes::default(),
        })
    }

    /// Every gateway, with its two cursors.
    fn gateways(&self) -> impl Iterator<Item = GatewayStanding<'_>> {
        let (forward, oldest) = (&self.forward.by_id, &self.oldest.by_id);
        let ids: BTreeSet<&String> = forward.keys().chain(oldest.keys()).collect();
        ids.into_iter().map(move |id| GatewayStanding {
            id,
            position: forward.get(id),
            backfill: oldest.get(id),
            stop: self.stop,
            status: &self.status,
            hours: self.ledgers.get(id),
            settle: self.settle,
            readable: self.readable,
            letters: [&self.dead, &self.discarded].map(|keys| rows_of(keys, id)),
            now: self.now,
        })
    }

    /// Up to when each gateway is complete, where that is known, UTC.
    pub fn complete_through(&self) -> impl Iterator<Item = (String, Timestamp)> {
        self.gateways().filter_map(|gateway| Some((gateway.id.to_owned(), gateway.complete_through()?)))
    }

    /// Since when no forward pass was made, if that is too long ago.
    fn stalled_since(&self) -> Option<Timestamp> {
        if !self.passes.last.is_empty() {
            return self.passes.stalled_since(self.now);
        }
        let counted = self.forward.by_id.values().filter_map(|position| Some(position.counted?[0])).max()?;
        (self.now - counted > LONGEST_SILENCE).then_some(counted)
    }

    /// Why all is not well. A poller that began at `started` has time for its first pass.
    pub fn problems(&self, started: Option<Timestamp>) -> Vec<Problem> {
        let is_young = |started: Timestamp| self.now - started <= Passes::patience(self.passes.last.get("forward"));
        let stalled = self.stalled_since().filter(|_| !started.is_some_and(is_young)).map(|since| {
            let (ago, since) = (show::ago(self.now - since), time::text(since));
            let words = format!("nothing was copied since {since} ({ago}): is the poller running?");
            Problem { label: "Stalled", words, details: None, needs_person: true }
        });
        let behind = self.passes.behind().map(|left| {
            let left = show::counted(left, "log");
            let words = format!(
                "the source had {left} more than forward has read, which is more than a pass reads: raise \
                 FORWARD_MAX_PAGES or API_SHARE if this does not end"
            );
            Problem { label: "Behind", words, details: None, needs_person: false }
        });
        let failing = self.status.failing.iter().map(|(job, failing)| {
            let who = if failing.transient { "may pass by itself" } else { "somebody must act" };
            let words = format!("{job} has failed since {} ({who})", time::text(failing.since));
            let details = Some(clean(&failing.error));
            Problem { label: "Problem", words, details, needs_person: !failing.transient }
        });
        stalled.into_iter().chain(behind).chain(failing).collect()
    }

    fn pass_in_words(&self, job: &str) -> Option<String> {
        let Pass { began, ended, verdict, .. } = self.passes.last.get(job)?;
        let (began, ended, ago) = (time::text(*began), time::text(*ended), show::ago(self.now - *ended));
        Some(format!("Last pass     {job} from {began} to {ended}, {ago}: {verdict}"))
    }

    /// Rows that no sink takes.
    pub fn rows_refused(&self) -> u64 {
        self.dead.iter().map(|(_, rows)| rows).sum()
    }

    /// `option` is what other commands need to find the same state.
    fn in_words(&self, place: &str, option: &str) -> String {
        let target = self.target.as_deref().unwrap_or("not known");
        let mut lines: Vec<_> = self.gateways().map(|gateway| gateway.in_a_line()).collect();
        lines.push(format!("\nState of {place}; rows go to {}", clean(&names::parts(target).join(" and "))));
        lines.extend(self.gateways().map(|gateway| gateway.in_words()));
        lines.push(match self.rows_refused() {
            0 => "Dead letters  none".to_owned(),
            rows => {
                let rows = show::counted(rows, "row");
                format!("Dead letters  {rows}: `aig-logs dead-letters list{option}` shows where and why")
            }
        });
        lines.extend(self.passes.last.keys().filter_map(|job| self.pass_in_words(job)));
        let problems = self.problems(None);
        lines.extend(problems.iter().map(|problem| format!("{:<14}{problem}", problem.label)));
        if problems.is_empty() {
            lines.push("Problems      none".to_owned());
        }
        lines.join("\n")
    }

    fn to_json(&self, place: &str) -> Value {
        let gateways: Vec<_> = self.gateways().map(|gateway| gateway.to_json()).collect();
        let dead: Vec<_> = self.dead.iter().map(|(key, rows)| json!({ "key": key, "rows": rows })).collect();
        json!({
            "state": place,
            "target": self.target,
            "gateways": gateways,
            "dead_letters": dead,
            "failing": self.status.failing,
            "passes": self.passes.last,
            "behind": self.passes.behind(),
            "stalled_since": self.stalled_since().map(time::text),
        })
    }
}

/// How many of the rows under some keys are a gateway's.
fn rows_of(keys: &[(String, u64)], gateway: &str) -> u64 {
    let own = keys.iter().filter(|(key, _)| place_of(key).is_some_and(|(of, _)| of == gateway));
    own.map(|(_, rows)| rows).sum()
}

/// What the ledger says of the last 24 hours of each gateway of `forward`, as whole hours.
async fn ledgers(state: &impl Store, forward: &Forward, now: Timestamp) -> Result<BTreeMap<String, Summary>, Error> {
    let mut summaries = BTreeMap::new();
    let since = floor_hour(now - TimeDelta::hours(24));
    for gateway in forward.by_id.keys() {
        let mut hours = Summary::new();
        let dates: BTreeSet<_> = [since, now].map(|instant| instant.date_naive()).into();
        let keys: Vec<_> = dates.iter().map(|date| Ledger::key(gateway, *date)).collect();
        let values = state.get_many(&keys.iter().map(String::as_str).collect::<Vec<_>>()).await.map_err(loading)?;
        for ((date, key), value) in dates.into_iter().zip(&keys).zip(values) {
            for (hour, finding) in Ledger::read(key, value.as_deref())?.hours {
                let start = hour.parse().ok().map(|hour: i32| midnight_of(date) + HOUR * hour);
                if start.is_some_and(|start| start >= since) {
                    *hours.entry(finding.verdict).or_default() += 1;
                }
            }
        }
        summaries.insert(gateway.clone(), hours);
    }
    Ok(summaries)
}

fn loading(error: StoreError) -> Error {
    error.during("loading", "of the status")
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use rusqlite::Connection;

    use super::*;
    use crate::{
        cli::jobs::{native_store, stores},
        host::{Put, native::SqliteStore},
    };

    fn put(store: &SqliteStore<'_>, key: &str, value: &str) {
        store.put(key, value, &Put::default()).now_or_never().unwrap().unwrap();
    }

    #[test]
    fn a_poller_that_has_just_begun_has_time_for_its_first_pass() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite");
        let options = Options { sinks: Vec::new(), state: None, vars: None, json: false, dry_run: false, pages: None };
        let read = || Standing::of_file(&options, &path).now_or_never().unwrap().unwrap();
        assert!(read().is_none());
        let file = Connection::open(&path).unwrap();
        let [state, _] = stores(&file).unwrap();
        put(&state, FORWARD, r#"{"ts":"2026-10-06T09:01:00.5Z","id":"1"}"#);
        let pass = r#"{"began":"2026-10-06T09:00:00Z","ended":"2026-10-06T09:00:05Z","verdict":"complete"}"#;
        put(&native_store(&file).unwrap(), "passes", &format!(r#"{{"last":{{"forward":{pass}}}}}"#));
        let standing = read().unwrap();
        let labels = |started| standing.problems(started).iter().map(|problem| problem.label).collect::<Vec<_>>();
        assert_eq!(labels(None), ["Stalled"]);
        assert_eq!(labels(Some(standing.now - TimeDelta::minutes(2))), [""; 0]);
        assert_eq!(labels(Some(standing.now - TimeDelta::minutes(4))), ["Stalled"]);
    }
}
