//! `aig-logs simulate`: the simulated outside as a server on this machine.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader, Write},
    net::Ipv4Addr,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::TimeDelta;
use indicatif::HumanCount;
use tokio::{net::TcpListener, sync::watch};

use crate::{
    cli::{
        args::{PastOptions, Simulate},
        failure::{Exit, Failure},
        progress::Screen,
        show,
    },
    config::{Config, Destination},
    host::native::now,
    simulator::{Simulator, cloudflare, options, server},
    time::Timestamp,
};

/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// The first line of the settings. A file that begins with it may be overwritten.
const HEAD: &str = "# Settings of `aig-logs simulate`: nothing in here is secret, or good anywhere else.";

/// Serves until stopped.
pub async fn simulate(
    arguments: Simulate,
    vars: Option<&Path>,
    mut stop: watch::Receiver<bool>,
    screen: &Screen,
) -> Result<Exit, Failure> {
    if let Some(path) = vars {
        refuse_foreign(path)?;
    }
    let listener = listen(arguments.port).await?;
    let base = address(&listener)?;
    let Simulate { history: PastOptions { entries, days, .. }, rate, faults, .. } = arguments;
    let gateways = arguments.gateways.join(", ");
    let simulator = Simulator::new(options(arguments));
    let settings = settings(&simulator, &base);
    match vars {
        Some(path) => save(path, &settings)
            .map_err(|error| Failure::denied(format!("writing {}", path.display()), error, "Name another file"))?,
        None => show::deliver(&settings)?,
    }
    screen.say(&format!(
        "Serving {} entries of {days} days, and {rate} more each minute, for gateway {gateways} at {base} until Ctrl-C.",
        HumanCount(entries as u64)
    ));
    if let Some(seed) = faults {
        screen
            .say(&format!("Every service fails now and then, by seed {seed}; {base}/simulator/calls lists the faults"));
    }
    if let Some(path) = vars {
        screen.say(&format!("In another terminal: {} run --vars {}", show::program(), path.display()));
    }
    let stopped = async move {
        // Nobody left to say stop is as good as stop.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    serve(Arc::new(Mutex::new(simulator)), listener, now, stopped).await?;
    Ok(Exit::Done)
}

/// A listener on this machine alone; port 0 takes a free one.
pub async fn listen(port: u16) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    listener.map_err(|error| {
        Failure::denied(format!("listening on port {port}"), error, "Choose another: --port 0 takes a free one")
    })
}

/// Where a listener is reached, without a slash at the end.
pub fn address(listener: &TcpListener) -> Result<String, Failure> {
    let address = listener.local_addr();
    address.map(|address| format!("http://{address}")).map_err(|error| served(&error))
}

/// Serves by a clock until `stopped`.
pub async fn serve(
    simulator: Arc<Mutex<Simulator>>,
    listener: TcpListener,
    clock: impl Fn() -> Timestamp + Clone + Send + Sync + 'static,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Failure> {
    server::serve(simulator, listener, clock, stopped).await.map_err(|error| served(&error))
}

fn served(error: &std::io::Error) -> Failure {
    Failure::denied("serving the simulator", error, "Start it again")
}

fn options(arguments: Simulate) -> options::SimulatorOptions {
    let Simulate { history, rate, gateways, latency, unlimited, late, late_from, late_to, faults, .. } = arguments;
    let limit = cloudflare::RateLimit::default();
    let options = options::SimulatorOptions {
        gateways,
        live_per_minute: rate,
        latency_ms: latency,
        lateness: late.map(|share| options::LatenessRange::between(share, late_from, late_to)),
        rate_limit: (!unlimited).then_some(limit),
        ..past(history)
    };
    match faults {
        Some(seed) => options::stormy(seed, options),
        None => options,
    }
}

/// A world that begins now and has a past.
pub fn past(history: PastOptions) -> options::SimulatorOptions {
    options::SimulatorOptions {
        seed: history.seed,
        start: now(),
        entries: history.entries,
        history: TimeDelta::from_std(Duration::from_secs_f64(history.days * DAY)).unwrap_or_default(),
        ..options::SimulatorOptions::default()
    }
}

/// The settings that lead to a simulator, with some of ours.
pub fn config(
    simulator: &Mutex<Simulator>,
    base: &str,
    ours: &[(&'static str, &str)],
    destination: Destination,
) -> Result<Config, Failure> {
    let simulated = lock(simulator).settings(base);
    let ours = ours.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let vars: BTreeMap<_, _> = simulated.into_iter().chain(ours).collect();
    Ok(Config::from_vars(|name| vars.get(name).cloned(), &[destination])?)
}

/// The settings as lines of a `.dev.vars` file, which shells read as well.
fn settings(simulator: &Simulator, base: &str) -> String {
    let settings = simulator.settings(base).into_iter();
    let lines = settings.map(|(name, value)| format!("{name}=\"{}\"", value.trim_end().replace('\n', "\\n")));
    [HEAD.to_owned()].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

/// Real settings are never overwritten.
fn refuse_foreign(path: &Path) -> Result<(), Failure> {
    let Ok(file) = File::open(path) else { return Ok(()) };
    let ours = BufReader::new(file).lines().next().is_some_and(|line| line.is_ok_and(|line| line == HEAD));
    let action = || format!("writing {}", path.display());
    let problem = "it holds settings that the simulator has not written";
    if ours { Ok(()) } else { Err(Failure::denied(action(), problem, "Name another file with --vars")) }
}

fn save(path: &Path, settings: &str) -> std::io::Result<()> {
    let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path);
    writeln!(file?, "{settings}")
}

/// The simulator, whoever else has it.
pub fn lock(simulator: &Mutex<Simulator>) -> std::sync::MutexGuard<'_, Simulator> {
    simulator.lock().unwrap_or_else(PoisonError::into_inner)
}
