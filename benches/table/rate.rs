//! How much of the API's own limit a backfill reaches, in simulated time.

use std::time::Duration;

use aig_logs::{pass::Job, simulator::options::Options};

use crate::{
    line::{Goal, Line},
    world::{Latency, World},
};

/// Entries per second that the API allows: pages of 50, and 1,200 calls in 300 s.
const LIMIT: f64 = 50.0 * 1_200.0 / 300.0;

/// A window of that limit.
const WINDOW: Duration = Duration::from_mins(5);

/// Milliseconds that a call takes, and the share that should be reached.
const LATENCIES: [(u64, f64); 4] = [(50, 95.0), (250, 95.0), (500, 95.0), (1_000, 90.0)];

/// Shares of the limit, and what an hourly cron comes to.
pub async fn measure() -> Vec<Line> {
    let mut lines = Vec::new();
    for (latency, least) in LATENCIES {
        lines.extend(of_the_limit(latency, least).await);
    }
    lines.extend(hourly().await);
    lines
}

fn latency(milliseconds: u64) -> Latency {
    Latency { call: Duration::from_millis(milliseconds), store: Duration::from_millis(5) }
}

/// The command, alone with the API.
async fn of_the_limit(milliseconds: u64, least: f64) -> [Line; 2] {
    let options = Options { entries: 100_000, ..Options::default() };
    let world = World::new(options, latency(milliseconds), &[("API_SHARE", "1")]);
    let budget = Job::Range.budget(&world.config);
    world.pass(Job::Forward, budget).await;
    // What forward has called is not the backfill's.
    world.wait_until(2 * WINDOW).await;
    let spent = world.pass(Job::Backfill, budget).await;
    assert!(spent.report.is_complete(), "{:?}", spent.report);
    world.assert_complete_and_once();
    let rate = spent.rows() / spent.time.as_secs_f64();
    let what = format!("Backfill of 100,000 entries, {milliseconds} ms latency");
    [
        Line::new(format!("{what}: of the API's limit"), 100.0 * rate / LIMIT, "%", Goal::AtLeast(least)),
        Line::new(format!("{what}: answers 429"), world.too_many(), "", Goal::AtMost(0.0)),
    ]
}

/// The Worker's pass of an hour, as shipped.
async fn hourly() -> [Line; 2] {
    let options = Options { entries: 300_000, ..Options::default() };
    let world = World::new(options, latency(100), &[]);
    world.pass(Job::Forward, Job::Forward.budget(&world.config)).await;
    world.wait_until(2 * WINDOW).await;
    let before = world.rows_landed_once();
    let spent = world.pass(Job::Backfill, Job::Backfill.budget(&world.config)).await;
    #[expect(clippy::cast_precision_loss, reason = "below a million")]
    let landed = (world.rows_landed_once() - before) as f64;
    assert!((landed - spent.rows()).abs() < 0.5, "{landed} rows landed, and the report says {}", spent.rows());
    let what = "Worker, backfill by the hourly cron";
    [
        Line::new(format!("{what}: entries an hour"), landed, "", Goal::AtLeast(100_000.0)),
        Line::new(format!("{what}: answers 429"), world.too_many(), "", Goal::AtMost(0.0)),
    ]
}
