//! Options that contradict each other, or that the command would ignore.

use clap::{CommandFactory, error::ErrorKind};

use super::{Arguments, Ask, Command, Doctor, FromTo, Options, Run, Simulate, Verify, range::Range};
use crate::time::Timestamp;

impl Arguments {
    /// Ends the program if the command would ignore a given option, and the user would not expect that. It also ends if
    /// two options contradict each other by this clock.
    pub fn refuse_idle_options(&self, now: Timestamp) {
        let conflict = self.idle_option().map(|words| (ErrorKind::ArgumentConflict, words.to_owned()));
        let disorder = || self.disorder().map(str::to_owned).or_else(|| self.no_range(now));
        if let Some((kind, words)) = conflict.or_else(|| Some((ErrorKind::ValueValidation, disorder()?))) {
            Self::command().error(kind, words).exit();
        }
    }

    fn idle_option(&self) -> Option<&'static str> {
        let Options { sinks, state, dry_run, pages, vars, json } = &self.options;
        let copies = *dry_run || pages.is_some();
        let (ignored, words) = match &self.command {
            Command::Demo(_) | Command::Simulate(_) | Command::Looker { .. } => (
                !sinks.is_empty() || state.is_some() || copies,
                "demo, simulate and looker do not use --sink, --state, --dry-run or --pages",
            ),
            Command::Alerts { .. } => {
                (!sinks.is_empty() || copies, "alerts does not use --sink, --dry-run or --pages: it reads the state")
            }
            Command::DeadLetters { .. } => {
                (copies, "dead-letters does not use --dry-run or --pages; `aig-logs dead-letters show` prints the rows")
            }
            Command::Verify(_) | Command::Explain(_) => (
                copies,
                "verify and explain do not use --dry-run or --pages: they write nothing, except verify with --repair",
            ),
            Command::Setup(_) => (
                !sinks.is_empty() || state.is_some() || copies || vars.is_some() || *json,
                "setup does not use the options of every command: it works in this folder, with its own options",
            ),
            Command::Serve(_) | Command::Erase(_) => (
                !sinks.is_empty() || state.is_some() || copies,
                "serve and erase do not use --sink, --state, --dry-run or --pages: everything is in the file of --db",
            ),
            Command::Send(_) => (
                !sinks.is_empty() || state.is_some() || copies,
                "send does not use --sink, --state, --dry-run or --pages: events go to the address of --to",
            ),
            Command::Ask(_) | Command::Query(_) | Command::Report(_) => (
                state.is_some() || copies,
                "ask, query and report do not use --state, --dry-run or --pages: they read the file of --db, or --sink d1",
            ),
            Command::Keys { .. } | Command::Prices { .. } => (
                !sinks.is_empty() || state.is_some() || copies || vars.is_some(),
                "keys and prices do not use --sink, --state, --vars, --dry-run or --pages: they are in the file of --db",
            ),
            Command::Doctor(_) | Command::Sql(_) | Command::Estimate(_) => {
                (state.is_some() || copies, "doctor, sql and estimate do not use --state, --dry-run or --pages")
            }
            Command::Run(Run { listen: Some(_), .. }) => {
                (*dry_run, "run --listen tells of the state, which --dry-run does not change")
            }
            Command::Run(_)
            | Command::Forward
            | Command::Backfill(_)
            | Command::Status
            | Command::Settings
            | Command::Completions { .. } => return None,
        };
        ignored.then_some(words)
    }

    fn disorder(&self) -> Option<&'static str> {
        let sinks = &self.options.sinks;
        if sinks.iter().enumerate().any(|(place, sink)| sinks[..place].contains(sink)) {
            return Some("the same --sink is given twice");
        }
        if let Command::Doctor(Doctor { events: true, db, .. }) = &self.command
            && sinks.len() + usize::from(db.is_some()) > 1
        {
            return Some("doctor --events is of one database at a time: --db FILE, or one --sink");
        }
        if sinks.len() > 1 && matches!(self.command, Command::Sql(_)) {
            return Some("sql is of one --sink at a time");
        }
        if let Command::Backfill(FromTo { from: Some(_), to: None }) = &self.command {
            return Some("--from needs --to, the end of the time range: --to now copies up to the present");
        }
        if let Command::Backfill(FromTo { from: None, to: Some(_) }) = &self.command {
            return Some(
                "--to needs --from, the start of the time range; without both, backfill copies down to the first log",
            );
        }
        if let Command::Simulate(Simulate { late_from, late_to, .. }) = &self.command
            && late_from > late_to
        {
            return Some("--late-from must not exceed --late-to");
        }
        None
    }

    /// Why the options give no range of time.
    fn no_range(&self, now: Timestamp) -> Option<String> {
        let (names, ends) =
            if let Command::Backfill(FromTo { from, to }) | Command::Verify(Verify { from, to, .. }) = &self.command {
                (["--from", "--to"], [*from, *to])
            } else if let Command::Ask(Ask { since, until, .. }) = &self.command {
                (["--since", "--until"], [Some(*since), Some(*until)])
            } else {
                return None;
            };
        // verify says by itself up to where it has checked, and an answer is none the worse for an end that is to come.
        let ends_now = matches!(self.command, Command::Backfill(_));
        Range { names, ends, ends_now }.problem(now)
    }
}
