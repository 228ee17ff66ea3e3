//! One program at a time moves the cursors of a state.

use std::{
    fs::{File, TryLockError},
    io::{Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    cli::{failure::Failure, files::open::PRIVATE},
    host::Host,
    time,
};

/// How long a program waits for another one that makes a single pass, and from one look to the next.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(100);

/// How long it waits for a poller from which it takes over: a tick and its pass.
const LONGEST_HANDOVER: Duration = Duration::from_mins(5);

/// Who wants the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// A single pass.
    Pass,
    /// A poller that runs until it is stopped.
    Run,
    /// The same, in place of another one.
    Takeover,
}

/// Who has it, as its lock file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    pid: u32,
    /// UTC.
    since: String,
    /// Whether it runs until it is stopped.
    runs: bool,
}

/// The state of a poller, held for as long as this lives. The system takes the lock away when the process ends, however it does.
#[derive(Debug)]
pub struct Hold {
    path: PathBuf,
    lock: File,
    holder: Holder,
}

impl Hold {
    /// Takes the state at `path`, as soon as nobody else has it.
    pub async fn take(path: &Path, claim: Claim, host: &impl Host) -> Result<Self, Failure> {
        let place = lock_file(path);
        let open = File::options().read(true).write(true).create(true).truncate(false).mode(PRIVATE).open(&place);
        let mut lock = open.map_err(|error| unusable(&place, error))?;
        let holder = Holder {
            pid: process::id(),
            since: time::text(host.now()),
            runs: matches!(claim, Claim::Run | Claim::Takeover),
        };
        let began = host.now();
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(unusable(&place, error)),
                Err(TryLockError::WouldBlock) => {}
            }
            let other = read(&mut lock);
            let longest = match (claim, &other) {
                (Claim::Takeover, Some(other)) if *other != holder => {
                    write(&mut lock, &holder).map_err(|error| unusable(&place, error))?;
                    LONGEST_HANDOVER
                }
                (Claim::Takeover, _) => LONGEST_HANDOVER,
                (Claim::Run, _) | (Claim::Pass, Some(Holder { runs: true, .. })) => Duration::ZERO,
                (Claim::Pass, _) => LONGEST_WAIT,
            };
            if (host.now() - began).to_std().unwrap_or_default() >= longest || host.stopping() {
                return Err(held(path, other.as_ref()));
            }
            host.sleep(LOOK).await;
        }
        write(&mut lock, &holder).map_err(|error| unusable(&place, error))?;
        Ok(Self { path: path.to_owned(), lock, holder })
    }

    /// Makes sure that nobody has taken over. Before each pass.
    pub fn check(&self) -> Result<(), Failure> {
        // Through a file of its own: the place in this one may move.
        let other = File::open(lock_file(&self.path)).ok().and_then(|mut file| read(&mut file));
        match other.filter(|other| *other != self.holder) {
            Some(Holder { pid, .. }) => Err(Failure::denied(
                format!("using the state in {}", self.path.display()),
                format!("process {pid} takes it over"),
                "Nothing more was saved, and nothing is lost: the other process goes on from here",
            )),
            None => Ok(()),
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Whoever waits sees that it is free, and who had it last says nothing.
        drop(self.lock.set_len(0));
    }
}

fn lock_file(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-lock");
    name.into()
}

fn read(lock: &mut File) -> Option<Holder> {
    let mut text = String::new();
    lock.rewind().ok()?;
    lock.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write(lock: &mut File, holder: &Holder) -> std::io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    lock.write_all(serde_json::to_string(holder)?.as_bytes())
}

fn held(path: &Path, other: Option<&Holder>) -> Failure {
    let who = other.map_or_else(
        || "another aig-logs".to_owned(),
        |Holder { pid, since, runs }| {
            let does = if *runs { "runs" } else { "makes a pass" };
            format!("another aig-logs, process {pid}, {does} with it since {since}")
        },
    );
    Failure::denied(
        format!("using the state in {}", path.display()),
        format!("{who}: two at once would undo each other's work"),
        "Stop that one, give this one a state of its own with --state PATH, or take over with `aig-logs run --takeover`",
    )
}

fn unusable(path: &Path, error: std::io::Error) -> Failure {
    Failure::denied(format!("using {}", path.display()), error, "Check the path and who may write there")
}
