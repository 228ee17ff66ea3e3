//! Results in words, and the one place that prints them.

use std::io::{self, Write};

use chrono::TimeDelta;
use indicatif::HumanCount;

use crate::{
    cli::{failure::Failure, terminal},
    foreign::{self, clean},
    pass::{GatewayReport, Job, Report},
    plan::{budget::Ended, peak::percent},
    time,
};

/// Prints a result in words, or in JSON.
pub fn print(text: &str) -> Result<(), Failure> {
    deliver(&foreign::lines(text))
}

/// Prints sentences and tables, which a terminal shows in its width.
pub fn words(text: &str) -> Result<(), Failure> {
    print(&terminal::folded(text))
}

/// Prints a text for programs as it is: rows, settings and scripts.
pub fn deliver(text: &str) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    let printed = writeln!(output, "{text}").and_then(|()| output.flush());
    printed.map_err(|error| Failure::output(&error))
}

/// What a pass did, a line for each gateway.
pub fn report(report: &Report) -> String {
    if report.gateways.is_empty() && report.error.is_none() {
        let why = match report.job {
            Job::Forward | Job::Range => "the account has no gateway",
            Job::Backfill => {
                "the history is copied. Or no forward pass has run yet: the backfill starts where the first one started"
            }
        };
        return format!("{}: nothing to do, {why}", report.job);
    }
    let seconds = (report.finished - report.started).as_seconds_f64();
    let lines: Vec<_> = report.gateways.iter().map(|gateway| line(report.job, gateway, seconds)).collect();
    lines.join("\n")
}

fn line(job: Job, gateway: &GatewayReport, seconds: f64) -> String {
    let GatewayReport { gateway: id, pages, rows, known, late, rejected, ended, .. } = gateway;
    let mut parts = vec![counted(*rows, "row")];
    if *known > 0 {
        parts.push(format!("{} of them known", HumanCount(*known)));
    }
    if *late > 0 {
        parts.push(format!("{} of them found missing by a count", HumanCount(*late)));
    }
    if *rejected > 0 {
        parts.push(counted(*rejected, "dead letter"));
    }
    let (parts, pages) = (parts.join(", "), counted((*pages).into(), "page"));
    format!("{job} {}: {parts} in {pages} and {seconds:.1} s; {}", clean(id), came_to(job, gateway, *ended))
}

/// A number with its noun.
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", HumanCount(number))
}

/// The entries of the busiest minute, and their share of the entries that can be read in a minute. `clock` is its
/// start, UTC.
pub fn headroom(entries: u64, clock: &str, readable: u64) -> String {
    let (share, peak, readable) = (percent(entries, readable), counted(entries, "log"), HumanCount(readable));
    format!("{peak} in the busiest minute, from {clock} UTC: {share} % of the {readable} that can be read")
}

fn came_to(job: Job, gateway: &GatewayReport, ended: Ended) -> String {
    let reached = time::text(gateway.reached);
    match (job, ended) {
        (_, Ended::Failed) if gateway.rows == 0 => "failed, no row was acknowledged".into(),
        (Job::Forward, Ended::Complete) if gateway.entries == 0 => "complete, nothing new".into(),
        (Job::Forward, Ended::Complete) => format!("complete, the newest is of {reached}"),
        (Job::Backfill | Job::Range, Ended::Complete) => format!("complete, down to {reached}"),
        (Job::Forward, _) => format!("{ended}, done up to {reached}"),
        (Job::Backfill | Job::Range, _) => format!("{ended}, done down to {reached}"),
    }
}

/// The program as it was typed: after `cargo run` it is not on the path.
pub fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "aig-logs".into())
}

/// A stretch of time in its largest unit.
pub fn ago(lag: TimeDelta) -> String {
    let (number, unit) = match lag.num_seconds().max(0) {
        seconds @ 0..120 => (seconds, "s"),
        seconds @ 120..7_200 => (seconds / 60, "min"),
        seconds @ 7_200..172_800 => (seconds / 3_600, "h"),
        seconds => (seconds / 86_400, "days"),
    };
    format!("{number} {unit} ago")
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::{ago, counted};

    #[test]
    fn numbers_read_like_words() {
        let check = |seconds, expected| assert_eq!(ago(TimeDelta::seconds(seconds)), expected);
        check(-5, "0 s ago");
        check(119, "119 s ago");
        check(120, "2 min ago");
        check(7_200, "2 h ago");
        check(172_800, "2 days ago");
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(1_234, "row"), "1,234 rows");
    }
}
