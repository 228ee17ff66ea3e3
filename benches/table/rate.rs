//! How much of the API's own limit a backfill reaches, in simulated time.

use std::{cell::Cell, future::Future, time::Duration};

use aig_logs::{pass::Job, simulator::options::SimulatorOptions};

use futures_util::future::join;

use crate::{
    line::{Goal, Line},
    world::{Latency, World},
};

/// Entries per second that the API allows: pages of 50, and 1,200 calls in 300 s.
const LIMIT: f64 = 50.0 * 1_200.0 / 300.0;

/// A window of that limit.
const WINDOW: Duration = Duration::from_mins(5);

/// Whole windows over which the rate is measured, after the first, and entries that last longer. The last calls of a pass come
/// faster than the window passes, so a whole pass would show more than the limit.
const STEADY: u32 = 4;
const LASTING: usize = 400_000;

/// Milliseconds that a call takes, and the share that should be reached.
const LATENCIES: [(u64, f64); 4] = [(50, 95.0), (250, 95.0), (500, 95.0), (1_000, 90.0)];

/// Shares of the limit, and what an hourly cron comes to.
pub async fn measure() -> Vec<Line> {
    let mut lines = Vec::new();
    for (latency, least) in LATENCIES {
        lines.extend(of_the_limit(latency, least).await);
    }
    lines.extend(hourly().await);
    lines.extend(Box::pin(both_at_once()).await);
    lines
}

fn latency(milliseconds: u64) -> Latency {
    Latency { call: Duration::from_millis(milliseconds), store: Duration::from_millis(5) }
}

/// Lets something be done from now on: what comes of it, and how much of what the limit allows landed in the steady windows.
async fn share<T>(world: &World, began: Duration, done: impl Future<Output = T>) -> (T, f64) {
    let landed = async {
        world.wait_until(began + WINDOW).await;
        let before = world.rows_landed_once();
        world.wait_until(began + (1 + STEADY) * WINDOW).await;
        world.rows_landed_once() - before
    };
    let (done, landed) = Box::pin(join(done, landed)).await;
    #[expect(clippy::cast_precision_loss, reason = "below a million")]
    let share = landed as f64 / (LIMIT * (STEADY * WINDOW).as_secs_f64());
    (done, share)
}

/// The command, alone with the API.
async fn of_the_limit(milliseconds: u64, least: f64) -> [Line; 2] {
    let options = SimulatorOptions { entries: LASTING, ..SimulatorOptions::default() };
    let world = World::new(options, latency(milliseconds), &[("API_SHARE", "1")]);
    let budget = Job::Range.budget(&world.config);
    world.pass(Job::Forward, budget).await;
    // What forward has called is not the backfill's.
    world.wait_until(2 * WINDOW).await;
    let (spent, share) = share(&world, 2 * WINDOW, world.pass(Job::Backfill, budget)).await;
    assert!(spent.report.is_complete(), "{:?}", spent.report);
    world.assert_complete_and_once();
    let what = format!("Backfill of 400,000 entries, {milliseconds} ms latency");
    [
        Line::new(format!("{what}: of the API's limit"), 100.0 * share, "%", Goal::AtLeast(least)),
        Line::new(format!("{what}: answers 429"), world.too_many(), "", Goal::AtMost(0.0)),
    ]
}

/// The Worker's pass of an hour, as shipped.
async fn hourly() -> [Line; 2] {
    let options = SimulatorOptions { entries: 300_000, ..SimulatorOptions::default() };
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

/// A backfill, and beside it forward every minute with 1,000 new entries, on one limit of which nothing is spared.
async fn both_at_once() -> [Line; 3] {
    let options = SimulatorOptions { entries: LASTING, live_per_minute: 1_000.0, ..SimulatorOptions::default() };
    let world = World::new(options, latency(250), &[("API_SHARE", "1")]);
    world.pass(Job::Forward, Job::Forward.budget(&world.config)).await;
    let is_done = Cell::new(false);
    let backfill = async {
        let spent = world.pass(Job::Backfill, Job::Range.budget(&world.config)).await;
        is_done.set(true);
        spent
    };
    let forward = async {
        let mut slowest = Duration::ZERO;
        for minute in 1.. {
            world.wait_until(Duration::from_mins(minute)).await;
            if is_done.get() {
                break;
            }
            let spent = world.pass(Job::Forward, Job::Forward.budget(&world.config)).await;
            assert!(spent.report.is_complete(), "{:?}", spent.report);
            slowest = slowest.max(spent.time);
        }
        slowest
    };
    let ((backfill, slowest), share) = Box::pin(share(&world, Duration::ZERO, join(backfill, forward))).await;
    assert!(backfill.report.is_complete(), "{:?}", backfill.report);
    world.rows_landed_once();
    let what = "Backfill of 400,000 and forward with 1,000 a minute, 250 ms latency";
    [
        Line::new(format!("{what}: of the API's limit"), 100.0 * share, "%", Goal::AtLeast(95.0)),
        Line::new(format!("{what}: answers 429"), world.too_many(), "", Goal::AtMost(0.0)),
        Line::new(format!("{what}: slowest tick"), slowest.as_secs_f64(), "s", Goal::AtMost(30.0)),
    ]
}
