//! `aig-logs status`: where the copying stands, from the state alone.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use indicatif::HumanCount;
use serde_json::{Value, json};

use tokio::sync::watch;

use super::{
    args::Options,
    failure::{Exit, Failure},
    show,
    state::OpenState,
    target::no_state,
};
use crate::{
    error::{Error, StoreError},
    host::{Store, native::now},
    pass::dead,
    state::{self, BACKFILL_STOP_AT, Backfill, Done, FORWARD, Forward, OLDEST, Oldest, Position, STATUS, Status},
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
    /// Keys of dead letters, and how many rows each holds.
    dead: Vec<(String, u64)>,
}

/// Says how things stand.
pub async fn status(options: &Options, stop: watch::Receiver<bool>) -> Result<Exit, Failure> {
    let state = OpenState::to_look_at(options, stop)?;
    let place = state.place();
    let standing = Standing::load(&state.store()?, state.target().await?).await?;
    if standing.forward.by_id.is_empty() && standing.oldest.by_id.is_empty() && standing.status.failing.is_empty() {
        return Err(no_state(&place));
    }
    let text = if options.json { format!("{:#}", standing.to_json(&place)) } else { standing.in_words(&place) };
    show::print(&text)?;
    Ok(Exit::Done)
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
        Ok(Self {
            now: now(),
            target,
            forward: forward.unwrap_or_default(),
            oldest: oldest.unwrap_or_default(),
            stop,
            status: status.unwrap_or_default(),
            dead: dead::keys(state).await?,
        })
    }

    /// Every gateway, with its two cursors.
    fn gateways(&self) -> impl Iterator<Item = Gateway<'_>> {
        let (forward, oldest) = (&self.forward.by_id, &self.oldest.by_id);
        let ids: BTreeSet<&String> = forward.keys().chain(oldest.keys()).collect();
        ids.into_iter().map(move |id| Gateway {
            id,
            position: forward.get(id),
            backfill: oldest.get(id),
            standing: self,
        })
    }

    fn rows_refused(&self) -> u64 {
        self.dead.iter().map(|(_, rows)| rows).sum()
    }

    fn in_words(&self, place: &str) -> String {
        let target = self.target.as_deref().unwrap_or("not known");
        let mut lines = vec![format!("State of {place}; rows go to {target}")];
        lines.extend(self.gateways().map(|gateway| gateway.in_words()));
        lines.push(match self.rows_refused() {
            0 => "Dead letters  none".to_owned(),
            rows => {
                let rows = show::counted(rows, "row");
                format!("Dead letters  {rows} refused for good: `aig-logs dead-letters list` shows where and why")
            }
        });
        for (job, failing) in &self.status.failing {
            let who = if failing.transient { "may pass by itself" } else { "somebody must act" };
            let since = time::text(failing.since);
            lines.push(format!("Problem       {job} has failed since {since} ({who}): {}", failing.error));
        }
        if self.status.failing.is_empty() {
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
        })
    }
}

/// How things stand with one gateway.
struct Gateway<'a> {
    id: &'a str,
    position: Option<&'a Position>,
    backfill: Option<&'a Backfill>,
    standing: &'a Standing,
}

impl Gateway<'_> {
    /// Entries that forward has delivered of the time since `back` before now, to ten minutes.
    fn delivered(&self, back: TimeDelta) -> u64 {
        let since = self.standing.now - back;
        let slots = self.position.into_iter().flat_map(|position| position.slots.iter());
        slots.filter(|(start, _)| *start >= since).map(|(_, slot)| slot.delivered).sum()
    }

    fn is_finished(&self) -> bool {
        self.backfill.is_some_and(|backfill| backfill.is_done(self.standing.stop))
    }

    fn in_words(&self) -> String {
        let forward = self.position.map_or("not begun".to_owned(), |position| {
            let ts = position.cursor.ts;
            let lag = show::ago(self.standing.now - ts);
            format!("delivered up to {} ({lag})", time::text(ts))
        });
        let backfill = match self.backfill {
            None => "not begun".to_owned(),
            Some(Backfill { cursor, done, .. }) if self.is_finished() => {
                let end = match done {
                    Some(Done { stop: Some(_) }) => "backfill_stop_at",
                    Some(Done { stop: None }) | None => "the first entry",
                };
                format!("finished, down to {end} ({})", time::text(cursor.ts))
            }
            Some(Backfill { cursor, .. }) => {
                format!("under way, delivered down to {}", time::text(cursor.ts))
            }
        };
        let [hour, day] = [1, 24].map(|hours| HumanCount(self.delivered(TimeDelta::hours(hours))));
        format!(
            "Gateway {}\n  complete    {}\n  forward     {forward}\n  backfill    {backfill}\n  \
             delivered   {hour} entries of the last hour, {day} of the last day, by forward",
            self.id,
            self.complete()
        )
    }

    /// What the counts at the source have proven.
    fn complete(&self) -> String {
        let Some(through) = self.complete_through() else { return "not counted yet".to_owned() };
        let read_again = self.position.is_some_and(|position| position.comparison.is_some());
        let more = if read_again { "; a stretch is being read again" } else { "" };
        format!("through {} UTC, by count{more}", through.format("%Y-%m-%d %H:%M"))
    }

    fn complete_through(&self) -> Option<Timestamp> {
        self.position?.complete_through()
    }

    fn to_json(&self) -> Value {
        let reached = self.backfill.map(|backfill| time::text(backfill.cursor.ts));
        let backfill = match (self.backfill, self.is_finished()) {
            (None, _) => "not begun",
            (Some(_), true) => "finished",
            (Some(_), false) => "under way",
        };
        json!({
            "gateway": self.id,
            "complete_through": self.complete_through().map(time::text),
            "forward": self.position.map(|position| json!({
                "delivered_up_to": time::text(position.cursor.ts),
                "lag_seconds": (self.standing.now - position.cursor.ts).num_seconds(),
            })),
            "backfill": { "state": backfill, "delivered_down_to": reached },
            "delivered_last_hour": self.delivered(TimeDelta::hours(1)),
            "delivered_last_day": self.delivered(TimeDelta::hours(24)),
        })
    }
}

fn loading(error: StoreError) -> Error {
    Error::Store { action: "loading", key: "of the status".into(), error }
}
