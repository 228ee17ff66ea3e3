//! The measured values beside the goals, as a table and as JSON: what `scripts/bench` runs. docs/benchmarks.md says how each
//! line is measured.
#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark stops where something is wrong")]

mod counts;
mod cpu;
mod ingest;
mod line;
mod poller;
mod questions;
mod rate;
mod views;
mod world;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use line::Line;

/// Measures, and prints a table.
#[derive(Parser)]
struct Arguments {
    /// What to measure [default: all but questions and views, which take a quarter of an hour]
    parts: Vec<Part>,
    /// File with lines that were measured elsewhere
    #[arg(long)]
    with: Option<PathBuf>,
    /// File to write the lines to
    #[arg(long)]
    json: Option<PathBuf>,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Share of the API's limit, in simulated time
    Rate,
    /// Calls and operations of the stores
    Counts,
    /// CPU time
    Cpu,
    /// Events that a server takes
    Ingest,
    /// Answers to questions
    Questions,
    /// What views show
    Views,
}

fn main() {
    let Arguments { mut parts, with, json, .. } = Arguments::parse();
    if parts.is_empty() {
        parts = Part::value_variants()
            .iter()
            .copied()
            .filter(|part| !matches!(part, Part::Questions | Part::Views))
            .collect();
    }
    let mut lines: Vec<Line> = parts.into_iter().flat_map(measure).collect();
    lines.extend(with.into_iter().flat_map(|path| line::read(&path).expect("a file of lines")));
    println!("{}", line::table(&lines));
    if let Some(path) = json {
        line::write(&path, &lines).expect("a file that can be written");
        println!("\nThe same as JSON: {}", path.display());
    }
}

/// Time passes only when everybody waits, except for a server.
fn measure(part: Part) -> Vec<Line> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    match part {
        Part::Rate => runtime.block_on(rate::measure()),
        Part::Counts => runtime.block_on(counts::measure()),
        Part::Cpu => runtime.block_on(cpu::measure()),
        Part::Ingest => ingest::measure(),
        Part::Questions => questions::measure(),
        Part::Views => views::measure(),
    }
}
