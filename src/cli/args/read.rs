//! What was typed, read; options that contradict each other end the program.

use clap::{CommandFactory, FromArgMatches, error::ErrorKind};

use super::{
    Arguments, Ask, Command, Doctor, FromTo, Run, Simulate, Verify,
    idle::{idle_option, tree},
    range::Range,
};
use crate::time::Timestamp;

impl Arguments {
    /// Reads the command line. The program ends if the command would ignore a given option, and the user would not expect
    /// that. It also ends if two options contradict each other by this clock.
    pub fn read(now: Timestamp) -> Self {
        let matches = tree().get_matches();
        let arguments = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        let command = matches.subcommand_name().unwrap_or_default();
        let conflict = idle_option(command, &arguments.options).or_else(|| arguments.conflict());
        let conflict = conflict.map(|words| (ErrorKind::ArgumentConflict, words.to_owned()));
        let disorder = || arguments.disorder().map(str::to_owned).or_else(|| arguments.no_range(now));
        if let Some((kind, words)) = conflict.or_else(|| Some((ErrorKind::ValueValidation, disorder()?))) {
            Self::command().error(kind, words).exit();
        }
        arguments
    }

    fn conflict(&self) -> Option<&'static str> {
        let listens = matches!(self.command, Command::Run(Run { listen: Some(_), .. }));
        (listens && self.options.dry_run).then_some("run --listen tells of the state, which --dry-run does not change")
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
