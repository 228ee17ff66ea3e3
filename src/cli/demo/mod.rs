//! `aig-logs demo`: everything at once on this machine, with nothing configured. A simulated gateway with a past and live
//! traffic, real HTTP, real passes, a real table; and then the proof that nothing is missing.

pub mod clock;
pub mod landed;
mod proof;
mod storm;
mod survival;
mod trouble;

use std::{
    fs,
    io::{self, IsTerminal},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use rusqlite::Connection;
use serde_json::Value;
use tokio::sync::watch;

use crate::{
    cli::{
        args::Demo,
        commands::{serve, simulate},
        demo::{clock::DemoClock, proof::DemoProof},
        failure::{Exit, Failure},
        files::{
            guard, open,
            target::{Files, Opened},
        },
        jobs::{Poller, Work},
        progress::Screen,
        show,
    },
    config::{Config, Destination},
    host::{
        Host,
        native::{NativeHost, now},
    },
    pass::Report,
    simulator::{Simulator, options::SimulatorOptions},
    time::{Timestamp, floor_ms},
};

/// What a state remembers as its target, by which a later demo knows that the file may be replaced.
const TARGET: &str = "demo";

/// New entries a minute: enough to watch them arrive within seconds.
const LIVE: f64 = 600.0;

/// The gateway, as the simulator calls it by itself.
pub const GATEWAY: &str = "main";

/// Forward passes after the backfill, which bring what has arrived meanwhile.
const ROUNDS: u32 = 3;

/// From one of them to the next.
const PAUSE: Duration = Duration::from_secs(2);

/// What differs from the settings of the simulator.
const SETTINGS: [(&str, &str); 3] =
    [("SETTLE_SECONDS", "2"), ("FORWARD_MAX_PAGES", "auto"), ("BACKFILL_MAX_PAGES", "auto")];

/// Runs the demo.
pub async fn demo(arguments: Demo, json: bool, stop: watch::Receiver<bool>, screen: &Screen) -> Result<Exit, Failure> {
    let Demo { file, history, faults, once, no_open } = &arguments;
    replace(file, screen).await?;
    screen.say(&format!(
        "Simulating an AI Gateway with {} of {} days; more arrive while you watch.",
        show::counted(history.entries as u64, "log"),
        history.days
    ));
    // The limit of Cloudflare's API would hold a larger demo back for minutes.
    let options = SimulatorOptions { live_per_minute: LIVE, rate_limit: None, ..simulate::past(*history) };
    let options = match faults {
        Some(seed) => storm::world(*seed, options),
        None => options,
    };
    let clock = DemoClock::new(options.start);
    let simulator = Arc::new(Mutex::new(Simulator::new(options)));
    let listener = simulate::listen(0).await?;
    let base = simulate::address(&listener)?;
    let host = NativeHost::new(stop.clone(), screen.observer()).map_err(|error| Failure::host(&error))?;
    let config = match faults {
        Some(_) => simulate::config(&simulator, &base, &storm::SETTINGS, Destination::BigQuery)?,
        None => simulate::config(&simulator, &base, &SETTINGS, Destination::default())?,
    };
    let stage = Stage { host: &host, config: &config, file, simulator: &simulator, screen };
    let copying = async {
        Ok::<_, Failure>(match faults {
            Some(seed) => storm::survive(*seed, &stage, &clock).await?.ending(&arguments),
            None => copy_and_prove(&stage).await?.ending(file),
        })
    };
    let (outside, hurried) = (clock.clone(), faults.is_some());
    let time = move || if hurried { outside.now() } else { now() };
    let ending = tokio::select! {
        ended = simulate::serve(simulator.clone(), listener, time, std::future::pending()) => {
            return Err(ended.err().unwrap_or(Failure::Unread));
        }
        ending = copying => ending?,
    };
    if json {
        show::print(&format!("{:#}", ending.json))?;
    } else {
        show::words(&ending.words)?;
    }
    if !ending.holds {
        return Ok(Exit::Person);
    }
    // The logs of a storm are not of the present, and so the page would show nothing.
    let is_alone = json || faults.is_some() || *once || !io::stdout().is_terminal();
    if is_alone { Ok(Exit::Done) } else { serve::page_of(file, !no_open, stop, screen).await }
}

/// Where a demo plays.
pub struct Stage<'a> {
    /// This machine.
    pub host: &'a NativeHost,
    /// The settings.
    pub config: &'a Config,
    /// The file to fill.
    pub file: &'a Path,
    /// The world outside.
    pub simulator: &'a Mutex<Simulator>,
    /// Whom to tell.
    pub screen: &'a Screen,
}

impl Stage<'_> {
    /// The state's file, opened for this demo alone.
    pub async fn open(&self) -> Result<Connection, Failure> {
        let state = open::connect(self.file)?;
        guard::check(&state, self.file, TARGET, &self.config.source.account).await?;
        Ok(state)
    }

    /// Every entry that the source shows at an instant.
    pub fn source(&self, now: Timestamp) -> Vec<Value> {
        let simulator = simulate::lock(self.simulator);
        let gateway = simulator.gateway(GATEWAY).map(|gateway| gateway.entries(now).collect());
        gateway.unwrap_or_default()
    }

    /// Up to where a complete forward pass has delivered everything: this instant and what comes after it is not due.
    fn delivered_before(&self, report: &Report) -> Timestamp {
        floor_ms(report.started - self.config.settle)
    }
}

/// A file that an earlier demo left is replaced; any other is not touched.
async fn replace(file: &Path, screen: &Screen) -> Result<(), Failure> {
    if !file.exists() {
        return Ok(());
    }
    if guard::target(&open::read_only(file)?, file).await?.as_deref() != Some(TARGET) {
        return Err(Failure::denied(
            format!("replacing {}", file.display()),
            "no demo has made this file",
            "Name another one with --file",
        ));
    }
    screen.say(&format!("Replacing {}, which an earlier demo left.", file.display()));
    for suffix in ["", "-wal", "-shm"] {
        let path = format!("{}{suffix}", file.display());
        // The two companions are there only after a crash.
        if Path::new(&path).exists() {
            fs::remove_file(&path).map_err(|error| {
                Failure::denied(format!("replacing {path}"), error, "Name another file with --file")
            })?;
        }
    }
    Ok(())
}

async fn copy_and_prove(stage: &Stage<'_>) -> Result<DemoProof, Failure> {
    let Stage { host, config, screen, .. } = *stage;
    let files = Files { state: stage.open().await?, place: None, rows: vec![Opened::WithState] };
    let poller = Poller::new(host, config, &files)?;
    let started = host.now();
    let mut repeated = pass(&poller, Work::Forward, screen).await?.sum(|gateway| gateway.known);
    repeated += pass(&poller, Work::Backfill, screen).await?.sum(|gateway| gateway.known);
    let mut until = started;
    for _ in 0..ROUNDS {
        host.sleep(PAUSE).await;
        let report = pass(&poller, Work::Forward, screen).await?;
        repeated += report.sum(|gateway| gateway.known);
        until = stage.delivered_before(&report);
    }
    let proof = DemoProof::new(stage.source(host.now()).into_iter(), &files.state, until, host.now() - started)?;
    Ok(proof.with_repeated(repeated))
}

/// One pass that must come to its end.
async fn pass(poller: &Poller<'_>, work: Work, screen: &Screen) -> Result<Report, Failure> {
    let report = poller.pass(work).await;
    screen.clear();
    screen.say(&show::report(&report));
    if report.is_complete() {
        return Ok(report);
    }
    let errors = report.error.into_iter();
    let error = errors.chain(report.gateways.into_iter().filter_map(|gateway| gateway.error)).next();
    Err(error.map_or_else(stopped, Failure::from))
}

/// The failure of a demo that somebody stopped.
pub fn stopped() -> Failure {
    Failure::denied("running the demo", "it was stopped before its end", "Start it again")
}
