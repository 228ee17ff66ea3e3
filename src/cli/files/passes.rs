//! What a file has beside its rows: when the last passes were made, even those that found nothing, and what is counted of
//! closed hours. A Worker's state has no such notes, because each value there costs money.

use std::{collections::BTreeMap, time::Duration};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{
    cli::{
        failure::Failure,
        files::hold::Hold,
        jobs::{Poller, Work},
    },
    database::sqlite::SqliteDatabase,
    error::Error,
    host::{Clock, Host, Put, Store, native::SqliteStore},
    pass::{GatewayReport, Job, Report},
    plan::budget::Ended,
    rollup,
    sink::place::{MOVED, Place},
    time::{Timestamp, floor_ms, stored},
};

/// The key, in the store of what only a file has.
const KEY: &str = "passes";

/// Ticks after which a poller that makes no pass stands still.
const MISSED: i32 = 3;

/// The shortest tick that counts.
const SHORTEST: TimeDelta = TimeDelta::minutes(1);

/// The last pass of each job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passes {
    /// By job.
    #[serde(default)]
    pub last: BTreeMap<String, Pass>,
}

/// The last pass of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// UTC.
    #[serde(deserialize_with = "stored::instant")]
    pub began: Timestamp,
    /// UTC.
    #[serde(deserialize_with = "stored::instant")]
    pub ended: Timestamp,
    /// What came of it.
    pub verdict: String,
    /// From one pass to the next: what `run` was told, else the time since the pass before.
    #[serde(default)]
    pub every_seconds: Option<i64>,
    /// Entries that the source still counted at its end, of gateways of which that is more than the pass has read.
    #[serde(default)]
    pub behind: u64,
}

impl Passes {
    /// Reads the passes from a store. They are empty if the store has none, or if their text cannot be read.
    pub async fn load(native: &impl Store) -> Result<Self, Error> {
        let loaded = native.get_many(&[KEY]).await.map_err(|error| error.during("loading", KEY))?.pop().flatten();
        Ok(loaded.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// Notes a pass. `every` is the time from one pass to the next, if it is known.
    pub async fn note(native: &impl Store, report: &Report, every: Option<Duration>) -> Result<(), Error> {
        let mut passes = Self::load(native).await?;
        let job = report.job.to_string();
        let since = passes.last.get(&job).map(|before| (report.started - before.began).num_seconds());
        let every = every.and_then(|every| i64::try_from(every.as_secs()).ok());
        passes.last.insert(
            job,
            Pass {
                began: floor_ms(report.started),
                ended: floor_ms(report.finished),
                verdict: report.verdict().to_string(),
                every_seconds: every.or(since),
                behind: report.sum(behind),
            },
        );
        let value = serde_json::to_string(&passes).unwrap_or_default();
        native.put(KEY, &value, &Put::default()).await.map_err(|error| error.during("saving", KEY))
    }

    /// Entries by which forward falls behind. None: it keeps up.
    pub fn behind(&self) -> Option<u64> {
        self.last.get("forward").map(|pass| pass.behind).filter(|entries| *entries > 0)
    }

    /// Since when forward stands still: its last pass is three ticks old.
    pub fn stalled_since(&self, now: Timestamp) -> Option<Timestamp> {
        let pass = self.last.get("forward")?;
        (now - pass.ended > Self::patience(Some(pass))).then_some(pass.ended)
    }

    /// How long no pass may end after a forward pass; none: after the start.
    pub fn patience(last: Option<&Pass>) -> TimeDelta {
        let tick = last.and_then(|pass| pass.every_seconds).map_or(SHORTEST, TimeDelta::seconds);
        tick.max(SHORTEST) * MISSED
    }
}

/// The entries of a gateway that a pass has left, if they are more than it has read, and it ended because it may not read
/// more. A pass that failed or was stopped says nothing of that.
fn behind(gateway: &GatewayReport) -> u64 {
    match gateway.ended {
        Ended::Pages | Ended::Time | Ended::Rate | Ended::Calls if gateway.left > gateway.entries => gateway.left,
        Ended::Pages
        | Ended::Time
        | Ended::Rate
        | Ended::Calls
        | Ended::Complete
        | Ended::Doubtful
        | Ended::Stopped
        | Ended::Failed => 0,
    }
}

/// The most hours and days that are counted after a pass, and how many of them before it looks whether to stop. The next
/// pass counts the others; until then questions about them read their rows.
const MOST_SPANS: usize = 100;
const SPANS: usize = 5;

/// A poller, the files that it uses, and where it notes its passes.
pub struct Keeper<'a> {
    /// The poller.
    pub poller: &'a Poller<'a>,
    /// The files that must stay in their place.
    pub places: Vec<Place>,
    /// None: it moves no cursor.
    pub hold: Option<Hold>,
    /// The store of what only a file has; none: nothing is noted.
    pub native: Option<SqliteStore<'a>>,
    /// From one forward pass to the next, where that is known.
    pub every: Option<Duration>,
    /// The files whose closed hours and days are counted after each pass.
    pub counted: Vec<SqliteDatabase>,
}

impl Keeper<'_> {
    /// One pass, as long as it takes.
    ///
    /// # Errors
    /// Where the files are not those that were opened, or another program takes over.
    pub async fn pass(&self, work: Work) -> Result<Report, Failure> {
        self.check()?;
        Ok(self.noted(self.poller.pass(work).await).await)
    }

    /// One pass of a schedule.
    ///
    /// # Errors
    /// The same.
    pub async fn scheduled(&self, work: Work) -> Result<Report, Failure> {
        self.check()?;
        Ok(self.noted(self.poller.scheduled(work).await).await)
    }

    /// Makes sure that the files are still in their places: a value that is saved into a file without a place would be
    /// lost.
    fn check(&self) -> Result<(), Failure> {
        if let Some(place) = self.places.iter().find(|place| !place.holds()) {
            let hint = "Nothing more was saved. Put the file back, or start again with the file that is there";
            return Err(Failure::denied(format!("using {}", place.path().display()), MOVED, hint));
        }
        self.hold.as_ref().map_or(Ok(()), Hold::check)
    }

    async fn noted(&self, report: Report) -> Report {
        // By a wrong clock nothing is saved.
        if let Some(native) = self.native.as_ref().filter(|_| report.clock != Clock::Wrong) {
            let every = self.every.filter(|_| report.job == Job::Forward);
            // It says how things stand, and nothing depends on it.
            if let Err(error) = Passes::note(native, &report, every).await {
                log::warn!("the pass is not noted: {}", error.chain());
            }
        }
        self.count(&report).await;
        report
    }

    async fn count(&self, report: &Report) {
        let Poller { host, config, .. } = self.poller;
        for file in self.counted.iter().filter(|_| report.clock != Clock::Wrong) {
            for _ in 0..MOST_SPANS / SPANS {
                if host.stopping() {
                    return;
                }
                match rollup::pass(file, &config.metadata.org, config.rollup_retention, host.now(), SPANS).await {
                    Ok(counted) if counted.spans >= SPANS => {}
                    Ok(_) => break,
                    Err(error) => {
                        log::warn!("closed hours are not counted: {error}");
                        break;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time;

    #[test]
    fn only_a_pass_that_may_not_read_more_falls_behind() {
        let check = |entries, ended, expected| {
            let mut report = GatewayReport::new("main", Timestamp::UNIX_EPOCH, None);
            (report.entries, report.left, report.ended) = (entries, 9, ended);
            assert_eq!(behind(&report), expected, "{ended}");
        };
        check(8, Ended::Pages, 9);
        check(8, Ended::Rate, 9);
        check(9, Ended::Pages, 0);
        check(8, Ended::Stopped, 0);
        check(8, Ended::Failed, 0);
    }

    #[test]
    fn a_poller_stands_still_after_three_ticks() {
        let at = |clock: &str| time::parse(&format!("2026-10-06T{clock}Z")).unwrap();
        let check = |every_seconds, now: &str, expected: bool| {
            let pass = Pass {
                began: at("09:00:00"),
                ended: at("09:00:05"),
                verdict: "complete".into(),
                every_seconds,
                behind: 0,
            };
            let passes = Passes { last: BTreeMap::from([("forward".to_owned(), pass)]) };
            assert_eq!(passes.stalled_since(at(now)).is_some(), expected, "{every_seconds:?} {now}");
        };
        check(None, "09:03:05", false);
        check(None, "09:03:06", true);
        check(Some(1), "09:03:05", false);
        check(Some(300), "09:15:05", false);
        check(Some(300), "09:15:06", true);
        assert_eq!(Passes::default().stalled_since(at("09:00:00")), None);
    }
}
