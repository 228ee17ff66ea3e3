//! One program at a time moves the cursors of a state. The system releases the lock when its process ends, for whatever
//! reason.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    cli::{
        failure::Failure,
        files::{names::absolute, open::PRIVATE},
    },
    host::Host,
    sink::place::Place,
    time,
};

/// How long a program waits for another one that makes a single pass, and how long from one check to the next.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(100);

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

/// The state of a poller, held for as long as this lives.
#[derive(Debug)]
pub struct Hold {
    /// The file of the state.
    path: PathBuf,
    lock: Lock,
}

impl Hold {
    /// Takes the state at `path`, as soon as no other program has it. If that takes a while, `tell` is called.
    ///
    /// A takeover waits until the other program reaches its next pass, for as long as that takes. Any other claim
    /// refuses at once if the other program is a `run`, and waits a minute if it makes a single pass.
    pub async fn take(path: &Path, claim: Claim, host: &impl Host, tell: &dyn Fn(&str)) -> Result<Self, Failure> {
        // The same file by whatever link it is reached.
        let path = fs::canonicalize(path).or_else(|_| absolute(path))?;
        let runs = matches!(claim, Claim::Run | Claim::Takeover);
        let holder = Holder { pid: process::id(), since: time::text(host.now()), runs };
        let mut lock = Lock::beside(&path, LOCK)?;
        // It goes with this function, and with the process: whoever gives up, or is killed, takes nothing over.
        let mut request = (claim == Claim::Takeover).then(|| Lock::beside(&path, TAKEOVER)).transpose()?;
        let (began, mut told) = (host.now(), false);
        while !lock.take(&holder)? {
            let other = lock.read();
            let patience = match (&mut request, &other) {
                (Some(request), _) => {
                    // Another takeover may come first. Then this one takes over from that one.
                    request.take(&holder)?;
                    Duration::MAX
                }
                (None, Some(Holder { runs: true, .. })) => Duration::ZERO,
                (None, Some(Holder { runs: false, .. }) | None) => LONGEST_WAIT,
            };
            if host.stopping() || (host.now() - began).to_std().unwrap_or_default() >= patience {
                return Err(held(&path, other.as_ref()));
            }
            if !std::mem::replace(&mut told, true) {
                tell(&format!("waiting for the state in {}: {}", path.display(), words(other.as_ref())));
            }
            host.sleep(LOOK).await;
        }
        Ok(Self { path, lock })
    }

    /// The place of the lock. If another file is there now, another program may hold that file.
    pub fn place(&self) -> Result<Place, Failure> {
        let Lock { path, file, .. } = &self.lock;
        Place::of_open(path, file).map_err(|error| unusable(path, &error))
    }

    /// Makes sure, before each pass, that no other program takes over.
    pub fn check(&self) -> Result<(), Failure> {
        let Some(who) = asking(&self.path) else { return Ok(()) };
        Err(Failure::denied(
            format!("using the state in {}", self.path.display()),
            format!("{who} takes it over"),
            "Nothing more was saved, and nothing is lost: the other process goes on from here",
        ))
    }
}

/// The suffixes of the lock files, after the name of the state's file: one for the program that has the state, and one
/// for the program that takes it over.
const LOCK: &str = "-lock";
const TAKEOVER: &str = "-takeover";

/// Who has a lock, as its file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    pid: u32,
    /// UTC.
    since: String,
    /// Whether it runs until it is stopped.
    runs: bool,
}

/// A file that one program at a time can lock.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
    file: File,
    is_taken: bool,
}

impl Lock {
    fn beside(state: &Path, suffix: &str) -> Result<Self, Failure> {
        let path = beside(state, suffix);
        let file = File::options().read(true).write(true).create(true).truncate(false).mode(PRIVATE).open(&path);
        let file = file.map_err(|error| unusable(&path, &error))?;
        Ok(Self { path, file, is_taken: false })
    }

    /// Takes the lock, unless another program has it. Returns whether this program has it now.
    fn take(&mut self, holder: &Holder) -> Result<bool, Failure> {
        if !self.is_taken {
            self.is_taken = match self.file.try_lock() {
                Ok(()) => true,
                Err(TryLockError::WouldBlock) => false,
                Err(TryLockError::Error(error)) => return Err(unusable(&self.path, &error)),
            };
            if self.is_taken {
                write(&mut self.file, holder).map_err(|error| unusable(&self.path, &error))?;
            }
        }
        Ok(self.is_taken)
    }

    fn read(&mut self) -> Option<Holder> {
        read(&mut self.file)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Who had it last says nothing of who has it next.
        if self.is_taken {
            drop(self.file.set_len(0));
        }
    }
}

fn beside(state: &Path, suffix: &str) -> PathBuf {
    let mut name = state.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Who waits to take a state over.
fn asking(state: &Path) -> Option<String> {
    let mut file = File::open(beside(state, TAKEOVER)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let named = read(&mut file).map(|Holder { pid, .. }| format!("process {pid}"));
            Some(named.unwrap_or_else(|| "another process".to_owned()))
        }
        // A file that cannot be locked is nobody's.
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write(file: &mut File, holder: &Holder) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(serde_json::to_string(holder)?.as_bytes())
}

fn words(other: Option<&Holder>) -> String {
    let Some(Holder { pid, since, runs }) = other else { return "another aig-logs has it".to_owned() };
    let does = if *runs { "runs" } else { "makes a pass" };
    format!("another aig-logs, process {pid}, {does} with it since {since}")
}

fn held(path: &Path, other: Option<&Holder>) -> Failure {
    Failure::denied(
        format!("using the state in {}", path.display()),
        format!("{}: two programs with one state would undo each other's work", words(other)),
        "Stop the other program, give this one its own --state PATH, or take over with `aig-logs run --takeover`",
    )
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::denied(format!("using {}", path.display()), error, "Check the path and who may write there")
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use futures_util::FutureExt;

    use super::*;
    use crate::{
        error::CallError,
        google::key::PrivateKey,
        time::Timestamp,
        wire::{Request, Response},
    };

    /// A host whose clock moves when somebody sleeps. Then something else may happen.
    struct Clock<F: FnMut(Duration)> {
        slept: Cell<Duration>,
        meanwhile: RefCell<F>,
        /// Whether its first sleep does not end.
        is_stuck: bool,
    }

    impl<F: FnMut(Duration)> Clock<F> {
        fn new(meanwhile: F) -> Self {
            Self { slept: Cell::default(), meanwhile: RefCell::new(meanwhile), is_stuck: false }
        }
    }

    impl<F: FnMut(Duration)> Host for Clock<F> {
        fn now(&self) -> Timestamp {
            time::parse("2026-10-06T09:15:22.417Z").unwrap() + self.slept.get()
        }

        fn random(&self) -> f64 {
            0.5
        }

        async fn sleep(&self, duration: Duration) {
            if self.is_stuck {
                std::future::pending::<()>().await;
            }
            self.slept.set(self.slept.get() + duration);
            self.meanwhile.borrow_mut()(self.slept.get());
        }

        async fn send(&self, _request: Request) -> Result<Response, CallError> {
            panic!("nothing is sent")
        }

        async fn sign(&self, _key: &PrivateKey, _message: &[u8]) -> Result<Vec<u8>, CallError> {
            panic!("nothing is signed")
        }
    }

    fn state() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.sqlite");
        (folder, path)
    }

    /// What comes of a claim, how long it waited, and what was told.
    fn take(path: &Path, claim: Claim, meanwhile: impl FnMut(Duration)) -> (Result<Hold, String>, Duration, String) {
        let (host, told) = (Clock::new(meanwhile), RefCell::new(String::new()));
        let tell = |words: &str| told.borrow_mut().push_str(words);
        let taken = Hold::take(path, claim, &host, &tell).now_or_never().unwrap();
        (taken.map_err(|failure| failure.to_string()), host.slept.get(), told.into_inner())
    }

    fn taken(path: &Path, claim: Claim) -> Hold {
        let (taken, waited, told) = take(path, claim, |_| {});
        assert_eq!((waited, told.as_str()), (Duration::ZERO, ""));
        taken.unwrap()
    }

    #[test]
    fn whoever_wants_the_state_waits_a_minute_for_a_single_pass() {
        let (_folder, path) = state();
        for claim in [Claim::Pass, Claim::Run] {
            let first = taken(&path, Claim::Pass);
            let (refused, waited, told) = take(&path, claim, |_| {});
            let (refused, who) =
                (refused.unwrap_err(), format!("process {}, makes a pass with it since 2026", process::id()));
            assert!(refused.contains(&who) && refused.contains("--takeover"), "{refused}");
            assert_eq!(waited, LONGEST_WAIT);
            assert!(told.starts_with("waiting") && told.matches(&who).count() == 1, "{told}");
            let mut first = Some(first);
            let (second, waited, _) =
                take(&path, claim, |slept| drop(first.take_if(|_| slept >= Duration::from_secs(50))));
            assert!(second.is_ok() && waited == Duration::from_secs(50), "{second:?} after {waited:?}");
        }
        let (second, ..) = take(&path, Claim::Pass, |_| {});
        second.unwrap();
    }

    #[test]
    fn beside_a_poller_nobody_waits() {
        let (_folder, path) = state();
        let first = taken(&path, Claim::Run);
        for claim in [Claim::Pass, Claim::Run] {
            let (refused, waited, _) = take(&path, claim, |_| {});
            assert!(refused.unwrap_err().contains("runs with it since 2026-10-06T09:15:22.417Z"));
            assert_eq!(waited, Duration::ZERO);
        }
        first.check().unwrap();
        drop(first);
        assert_eq!(fs::read(beside(&path, LOCK)).unwrap(), b"", "nobody has it");
        taken(&path, Claim::Run).check().unwrap();
    }

    #[test]
    fn a_takeover_waits_for_the_next_pass_of_the_other_which_ends() {
        let (_folder, path) = state();
        let mut first = Some(taken(&path, Claim::Run));
        let hour = Duration::from_hours(1);
        let (second, waited, told) = take(&path, Claim::Takeover, |slept| {
            let ended = first.take_if(|_| slept >= hour).map(|first| first.check().unwrap_err().to_string());
            assert!(ended.is_none_or(|words| words.contains(&format!("process {} takes it over", process::id()))));
        });
        assert!(first.is_none() && waited == hour && told.contains("runs with it since"), "{waited:?} {told}");
        second.unwrap().check().unwrap();
    }

    #[test]
    fn a_takeover_that_was_given_up_ends_nobody() {
        let (_folder, path) = state();
        let first = taken(&path, Claim::Run);
        let host = Clock { is_stuck: true, ..Clock::new(|_| {}) };
        {
            let mut waiting = Box::pin(Hold::take(&path, Claim::Takeover, &host, &|_| {}));
            assert!((&mut waiting).now_or_never().is_none());
            first.check().unwrap_err();
        }
        first.check().unwrap();
    }

    #[test]
    fn of_two_takeovers_the_second_takes_over_from_the_first() {
        let (_folder, path) = state();
        let mut first = Some(taken(&path, Claim::Run));
        let mut second = None;
        let (third, ..) = take(&path, Claim::Takeover, |_| {
            if first.is_some() {
                let (other, ..) = take(&path, Claim::Takeover, |_| drop(first.take()));
                second = other.ok();
                second.as_ref().unwrap().check().unwrap_err();
            } else {
                second = None;
            }
        });
        third.unwrap().check().unwrap();
    }

    #[test]
    fn a_state_is_the_same_by_any_link() {
        let (folder, path) = state();
        fs::write(&path, "").unwrap();
        let [link, beside] = ["link", "folder"].map(|name| folder.path().join(name));
        std::os::unix::fs::symlink(&path, &link).unwrap();
        std::os::unix::fs::symlink(folder.path(), &beside).unwrap();
        let _first = taken(&path, Claim::Run);
        for other in [link, beside.join("s.sqlite"), folder.path().join(".").join("s.sqlite")] {
            assert!(take(&other, Claim::Run, |_| {}).0.is_err(), "{other:?}");
        }
    }
}
