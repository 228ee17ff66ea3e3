//! The digest of a week: what it cost, and whether it is complete.

use chrono::{Datelike, FixedOffset, NaiveDate, TimeDelta};

use super::budget::{of_days, usd, values};
use crate::{
    config::{Digest, Period},
    state::{Position, Spend, midnight_of, period_of, whole},
    time::{self, Timestamp},
};

/// The most values that are named.
const TOP: usize = 5;

/// When the last digest was due, UTC: at its time in its zone, but not before the day before it is over in UTC, because sums are
/// those of whole days. `offset` is the zone's offset from UTC at an instant. None: the zone is not known.
#[must_use]
pub fn due(digest: &Digest, now: Timestamp, offset: impl Fn(Timestamp) -> Option<FixedOffset>) -> Option<Timestamp> {
    let local = now.with_timezone(&offset(now)?).naive_local();
    let today = local.date() - TimeDelta::days(local.weekday().days_since(digest.day).into());
    let instant = |day: NaiveDate| {
        let at = day.and_time(digest.time).and_utc();
        let utc = |offset: FixedOffset| at - TimeDelta::seconds(offset.local_minus_utc().into());
        // The offset at that instant, and not the one now: clocks may have changed in between.
        Some(utc(offset(utc(offset(now)?))?).max(midnight_of(day)))
    };
    let this = instant(today)?;
    if this <= now { Some(this) } else { instant(today - TimeDelta::days(7)) }
}

/// The seven whole days, UTC, before the one on which a digest is due, in words.
#[must_use]
pub fn text(digest: &Digest, due: Timestamp, positions: &[(&str, &Position)], sums: &[&Spend]) -> String {
    let end = due.date_naive().week(digest.day).checked_first_day().unwrap_or(due.date_naive());
    let week = |begin: NaiveDate| of_days(sums, (0..7).map(|n| begin + TimeDelta::days(n)));
    let [begin, before] = [7, 14].map(|days| end - TimeDelta::days(days));
    let (cost, cost_before) = (usd(week(begin)), usd(week(before)));
    let change = (cost / cost_before - 1.0) * 100.0;
    let word = if change < 0.0 { "less" } else { "more" };
    let compared = format!(", {:.0} % {word} than ${cost_before:.2} the week before", change.abs());
    let compared = if cost_before > 0.0 { compared } else { String::new() };
    let (last, top) = (end - TimeDelta::days(1), top(digest, begin, sums));
    format!("The week from {begin} to {last}: ${cost:.2}{compared}.{top} {}", complete(positions))
}

/// The values with the highest sums.
fn top(digest: &Digest, begin: NaiveDate, sums: &[&Spend]) -> String {
    let mut all = values(sums, &period_of(begin, Period::Week(digest.day)), &digest.key);
    let mut named = Vec::new();
    // A sort would take more of the Worker than this takes of its time.
    while named.len() < TOP
        && let Some((value, nanos)) = all.iter().max_by_key(|(_, nanos)| whole(nanos))
    {
        named.push(format!("{value} ${:.2}", usd(whole(nanos))));
        let value = value.clone();
        all.remove(&value);
    }
    if named.is_empty() { String::new() } else { format!(" Most by {}: {}.", digest.key, named.join(", ")) }
}

/// Up to when the logs are proven complete.
fn complete(positions: &[(&str, &Position)]) -> String {
    let proven: Option<Vec<_>> = positions.iter().map(|(_, position)| position.complete_through()).collect();
    match proven.and_then(|proven| proven.into_iter().min()) {
        Some(through) => format!("Logs are proven complete through {}.", time::text(through)),
        None => "Logs are not counted yet.".to_owned(),
    }
}
