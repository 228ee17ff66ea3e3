//! `aig-logs status`: where the copying stands, from the state alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    cli::{
        args::Options,
        commands::standing::{GatewayStanding, Summary},
        failure::{Exit, Failure},
        files::{
            names,
            open::no_state,
            passes::{Pass, Passes},
            state::OpenState,
        },
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
struct Standing {
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
    passes: Passes,
}

/// Even a gateway without logs is counted each hour, and its state saved then: where none is for so long, nothing runs.
const LONGEST_SILENCE: TimeDelta = TimeDelta::minutes(150);

/// Says how things stand.
pub async fn status(options: &Options, stop: watch::Receiver<bool>) -> Result<Exit, Failure> {
    let state = OpenState::to_read(options, stop)?;
    let place = state.place();
    // A status must not fail for want of good settings.
    let vars = Vars::read(options).ok();
    let (settle, readable) = vars.map(|vars| (vars.settle(), vars.readable())).unwrap_or_default();
    let passes = state.passes().await?;
    let standing =
        Standing { settle, readable, passes, ..Standing::load(&state.store()?, state.target().await?).await? };
    if standing.forward.by_id.is_empty() && standing.oldest.by_id.is_empty() && standing.status.failing.is_empty() {
        return Err(no_state(&place));
    }
    let text = if options.json { format!("{:#}", standing.to_json(&place)) } else { standing.in_words(&place) };
    show::print(&text)?;
    Ok(standing.exit())
}

impl Standing {
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

    /// Since when no forward pass was made, if that is too long ago.
    fn stalled_since(&self) -> Option<Timestamp> {
        if !self.passes.last.is_empty() {
            return self.passes.stalled_since(self.now);
        }
        let counted = self.forward.by_id.values().filter_map(|position| Some(position.counted?[0])).max()?;
        (self.now - counted > LONGEST_SILENCE).then_some(counted)
    }

    /// Whether all is well, may be by itself, or somebody must act.
    fn exit(&self) -> Exit {
        let failing = || self.status.failing.values();
        if self.stalled_since().is_some() || failing().any(|failing| !failing.transient) {
            Exit::Person
        } else if failing().next().is_some() || self.passes.behind().is_some() {
            Exit::Later
        } else {
            Exit::Done
        }
    }

    fn pass_in_words(&self, job: &str) -> Option<String> {
        let Pass { began, ended, verdict, .. } = self.passes.last.get(job)?;
        let (began, ended, ago) = (time::text(*began), time::text(*ended), show::ago(self.now - *ended));
        Some(format!("Last pass     {job} from {began} to {ended}, {ago}: {verdict}"))
    }

    fn rows_refused(&self) -> u64 {
        self.dead.iter().map(|(_, rows)| rows).sum()
    }

    fn in_words(&self, place: &str) -> String {
        let target = self.target.as_deref().unwrap_or("not known");
        let mut lines: Vec<_> = self.gateways().map(|gateway| gateway.in_a_line()).collect();
        lines.push(format!("\nState of {place}; rows go to {}", clean(&names::parts(target).join(" and "))));
        lines.extend(self.gateways().map(|gateway| gateway.in_words()));
        lines.push(match self.rows_refused() {
            0 => "Dead letters  none".to_owned(),
            rows => {
                let rows = show::counted(rows, "row");
                format!("Dead letters  {rows}: `aig-logs dead-letters list` shows where and why")
            }
        });
        lines.extend(self.passes.last.keys().filter_map(|job| self.pass_in_words(job)));
        if let Some(since) = self.stalled_since() {
            let ago = show::ago(self.now - since);
            lines.push(format!(
                "Stalled       nothing was copied since {} ({ago}): is the poller running?",
                time::text(since)
            ));
        }
        if let Some(left) = self.passes.behind() {
            let left = show::counted(left, "log");
            lines.push(format!(
                "Behind        the source had {left} more than forward has read, which is more than a pass reads: raise \
                 FORWARD_MAX_PAGES or API_SHARE if this does not end"
            ));
        }
        for (job, failing) in &self.status.failing {
            let who = if failing.transient { "may pass by itself" } else { "somebody must act" };
            let since = time::text(failing.since);
            lines.push(format!("Problem       {job} has failed since {since} ({who}): {}", clean(&failing.error)));
        }
        if self.status.failing.is_empty() && self.stalled_since().is_none() && self.passes.behind().is_none() {
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
