//! What is said while a command works, all on the standard error: a bar on a terminal, now and then a line elsewhere.

use std::{
    cell::Cell,
    io::{self, IsTerminal, Write},
};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    cli::{failure::Failure, show},
    foreign::{self, clean},
    host::Progress,
    time,
};

/// Pages from one line to the next where there is no bar.
const PAGES: u32 = 50;

const BAR: &str = "{msg} {wide_bar} {human_pos} of {human_len}, {eta} left";

/// The standard error, shared by the bar, the log and messages so that none garbles another.
#[derive(Debug, Clone)]
pub struct Screen(ProgressBar);

impl Screen {
    /// With a bar, if that is wanted and somebody can see it.
    pub fn new(bar: bool) -> Self {
        let target =
            if bar && io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template(BAR);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let screen = Self(ProgressBar::with_draw_target(None, target).with_style(style));
        // Nothing to see before the first page.
        screen.clear();
        screen
    }

    /// Prints a result, or says it here if the output is full of rows.
    pub fn tell(&self, text: &str, rows_on_output: bool) -> Result<(), Failure> {
        if rows_on_output {
            self.say(text);
            return Ok(());
        }
        show::print(text)
    }

    /// One message.
    pub fn say(&self, text: &str) {
        let text = foreign::lines(text);
        // Nobody can be told that the standard error is gone.
        self.0.suspend(|| writeln!(io::stderr(), "{text}").unwrap_or_default());
    }

    /// Takes the bar away, until a pass begins.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }

    /// Shows how many parts of a whole are done.
    pub fn step(&self, done: usize, all: usize, message: &str) {
        if self.0.is_finished() {
            self.0.reset();
        }
        self.0.set_length(all as u64);
        self.0.set_message(foreign::line(message));
        self.0.set_position(done as u64);
    }

    /// Whom a host tells how far its passes are.
    pub fn observer(&self) -> impl Fn(Progress<'_>) + use<> {
        let screen = self.clone();
        let pages = Cell::new(0_u32);
        move |progress| {
            pages.set(pages.get() + 1);
            if !screen.0.is_hidden() {
                screen.advance(progress);
            } else if pages.get().is_multiple_of(PAGES) {
                screen.say(&line(progress));
            }
        }
    }

    fn advance(&self, progress: Progress<'_>) {
        let bar = &self.0;
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
        self.0.suspend(|| writeln!(io::stderr(), "{line}"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Logs to the screen. Of the libraries, only what goes wrong. A second call changes nothing.
pub fn log_to(screen: &Screen, level: log::LevelFilter) {
    let logger = env_logger::Builder::new()
        .filter_level(level.min(log::LevelFilter::Warn))
        .filter_module("aig_logs", level)
        .target(env_logger::Target::Pipe(Box::new(screen.clone())))
        .try_init();
    drop(logger);
}
