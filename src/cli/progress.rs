//! What is said while a command works, all on the standard error: a bar on a terminal, now and then a line elsewhere.

use std::{
    cell::Cell,
    io::{self, IsTerminal, Write},
};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use log::{Record, kv};

use crate::{
    cli::{failure::Failure, show},
    foreign::{self, clean},
    host::{Progress, native::now},
    time,
};

/// Pages from one line to the next where there is no bar.
const PAGES: u32 = 50;

const BAR: &str = "{msg} {wide_bar} {human_pos} of {human_len}, {eta} left";

/// The standard error, shared by the bar, the log and messages so that none garbles another.
#[derive(Debug, Clone)]
pub struct Screen {
    bar: ProgressBar,
    is_timed: bool,
}

impl Screen {
    /// With a bar, if that is wanted and somebody can see it.
    pub fn new(bar: bool) -> Self {
        let target =
            if bar && io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template(BAR);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(None, target).with_style(style);
        let screen = Self { bar, is_timed: false };
        // Nothing to see before the first page.
        screen.clear();
        screen
    }

    /// The same, for a command that goes on for days: each line that it says has its time.
    #[must_use]
    pub fn timed(&self) -> Self {
        Self { is_timed: true, ..self.clone() }
    }

    /// A text for people as it is printed: each line has its time, if that is wanted.
    pub fn stamped(&self, text: &str) -> String {
        if !self.is_timed {
            return text.to_owned();
        }
        let at = now().format("%FT%TZ");
        let lines: Vec<_> = text.lines().map(|line| format!("{at} {line}")).collect();
        lines.join("\n")
    }

    /// Prints a result as it is, on the standard error if the output is full of rows.
    pub fn tell(&self, text: &str, rows_on_output: bool) -> Result<(), Failure> {
        if rows_on_output {
            self.write_lines(text);
            return Ok(());
        }
        show::print(text)
    }

    /// One message.
    pub fn say(&self, text: &str) {
        self.write_lines(&self.stamped(text));
    }

    fn write_lines(&self, text: &str) {
        let text = foreign::lines(text);
        // Nobody can be told that the standard error is gone.
        self.bar.suspend(|| writeln!(io::stderr(), "{text}").unwrap_or_default());
    }

    /// Takes the bar away, until a pass begins.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Shows how many parts of a whole are done.
    pub fn step(&self, done: usize, all: usize, message: &str) {
        if self.bar.is_finished() {
            self.bar.reset();
        }
        self.bar.set_length(all as u64);
        self.bar.set_message(foreign::line(message));
        self.bar.set_position(done as u64);
    }

    /// Whom a host tells how far its passes are.
    pub fn observer(&self) -> impl Fn(Progress<'_>) + use<> {
        let screen = self.clone();
        let pages = Cell::new(0_u32);
        move |progress| {
            pages.set(pages.get() + 1);
            if !screen.bar.is_hidden() {
                screen.advance(progress);
            } else if pages.get().is_multiple_of(PAGES) {
                screen.say(&line(progress));
            }
        }
    }

    fn advance(&self, progress: Progress<'_>) {
        let bar = &self.bar;
        // A new pass, or another gateway.
        if bar.is_finished() || progress.entries < bar.position() {
            bar.reset();
        }
        bar.set_length(progress.entries + progress.left.unwrap_or_default());
        bar.set_message(format!("{} at {}", clean(progress.gateway), progress.at.format("%F %H:%M")));
        bar.set_position(progress.entries);
    }
}

fn line(progress: Progress<'_>) -> String {
    let Progress { gateway, entries, at, .. } = progress;
    format!("{}: {} entries read, now at {}", clean(gateway), HumanCount(entries), time::text(at))
}

/// What the logger writes: one record at a time, which is a line whatever it holds.
impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let record = String::from_utf8_lossy(bytes);
        let line = foreign::line(record.strip_suffix('\n').unwrap_or(&record));
        self.bar.suspend(|| writeln!(io::stderr(), "{line}"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Logs to the screen. Of the libraries, only what goes wrong. A second call changes nothing.
pub fn log_to(screen: &Screen, level: log::LevelFilter) {
    let logger = env_logger::Builder::new()
        .format(|to, record| writeln!(to, "{} {}", to.timestamp_seconds(), sentence(record)))
        .filter_level(level.min(log::LevelFilter::Warn))
        .filter_module("aig_logs", level)
        .target(env_logger::Target::Pipe(Box::new(screen.clone())))
        .try_init();
    drop(logger);
}

/// A record of the log for people: its message, and what it names beside it. Of a library, also who speaks.
fn sentence(record: &Record<'_>) -> String {
    let mut named = Named(Vec::new());
    // This never fails: the visitor takes every value.
    let _ = record.key_values().visit(&mut named);
    let named = if named.0.is_empty() { String::new() } else { format!(" ({})", named.0.join(", ")) };
    let speaker = if record.target().starts_with("aig_logs") { "" } else { &format!("{}: ", record.target()) };
    format!("{speaker}{}{named}", record.args())
}

/// The fields of a record.
struct Named(Vec<String>);

impl<'kvs> kv::VisitSource<'kvs> for Named {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        self.0.push(format!("{key} {value}"));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_the_log_is_a_sentence() {
        let message = format_args!("kept as a dead letter");
        let mut record = Record::builder();
        record.args(message).target("aig_logs::pass");
        assert_eq!(sentence(&record.build()), "kept as a dead letter");
        record.key_values(&[("id", "a")]);
        assert_eq!(sentence(&record.build()), "kept as a dead letter (id a)");
        record.target("rustls");
        assert_eq!(sentence(&record.build()), "rustls: kept as a dead letter (id a)");
    }

    #[test]
    fn each_line_of_a_command_that_goes_on_has_its_time() {
        let screen = Screen::new(false);
        assert_eq!(screen.stamped("a\nb"), "a\nb");
        let stamped = screen.timed().stamped("a\nb");
        let lines: Vec<_> = stamped.lines().map(|line| line.split_once(' ').unwrap()).collect();
        assert_eq!(lines.iter().map(|(_, words)| *words).collect::<Vec<_>>(), ["a", "b"]);
        assert!(lines.iter().all(|(at, _)| at.len() == 20 && time::parse_instant(at).is_some()), "{stamped}");
    }
}
