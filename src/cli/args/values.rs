//! What the values of arguments must be.

use std::{convert::Infallible, time::Duration};

use chrono::TimeDelta;
use clap::builder::PossibleValuesParser;

use crate::{
    cli::args::{
        ask::{Condition, Credential},
        month::Month,
        state::State,
        when::{When, duration},
    },
    config::Destination,
    sink::sql::{BIGQUERY, Script},
};

pub fn when(text: &str) -> Result<When, &'static str> {
    When::parse(text)
}

pub fn month(text: &str) -> Result<Month, &'static str> {
    Month::parse(text).ok_or("give a month such as 2026-11, or this, or last")
}

pub fn days(text: &str) -> Result<f64, &'static str> {
    let days = text.parse().ok().filter(|days| *days > 0.0 && *days <= 36_500.0);
    days.ok_or("give a number of days above 0, such as 30 or 0.005")
}

pub fn share(text: &str) -> Result<f64, &'static str> {
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or("give a share from 0 to 1, such as 0.05")
}

pub fn seconds(text: &str) -> Result<f64, &'static str> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0.0 && *seconds <= 86_400.0);
    seconds.ok_or("give a number of seconds above 0 and up to 86400, such as 60 or 0.5")
}

/// The time from one pass to the next: at least a second, and not more than the day for which logs are looked for.
pub fn tick(text: &str) -> Result<Duration, &'static str> {
    let number = text.parse().ok().and_then(TimeDelta::try_seconds);
    let tick =
        number.or_else(|| duration(text)).filter(|tick| (TimeDelta::seconds(1)..=TimeDelta::days(1)).contains(tick));
    let tick = tick.and_then(|tick| tick.to_std().ok()).filter(|_| !text.starts_with('-'));
    tick.ok_or("give a time from 1s to 24h, such as 60s or 5m; a number alone is seconds")
}

pub fn pages(text: &str) -> Result<String, &'static str> {
    let good = text == "auto" || text.parse::<u32>().is_ok_and(|pages| pages > 0);
    good.then(|| text.to_owned()).ok_or("give a whole number from 1, or auto")
}

pub fn condition(text: &str) -> Result<Condition, &'static str> {
    Condition::parse(text)
}

/// The name of an environment, as a part of the names of Workers and databases.
pub fn stage(text: &str) -> Result<String, &'static str> {
    let is_name = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let good = (1..=30).contains(&text.len()) && text.chars().all(is_name);
    // aig-events-dead is the queue of what the first one could not bring into the database.
    let good = good && text != "dead";
    good.then(|| text.to_owned()).ok_or("give small letters, digits and hyphens, such as staging, but not dead")
}

#[expect(clippy::unnecessary_wraps, reason = "the shape that clap asks for")]
pub fn state(text: &str) -> Result<State, Infallible> {
    Ok(State::parse(text))
}

#[expect(clippy::unnecessary_wraps, reason = "the shape that clap asks for")]
pub fn credential(text: &str) -> Result<Credential, Infallible> {
    Ok(Credential::parse(text))
}

pub fn sink(text: &str) -> Result<Destination, String> {
    Destination::parse(text).ok_or_else(|| format!("give {}", Destination::FORMS))
}

/// A view in `BigQuery`.
pub fn views() -> PossibleValuesParser {
    PossibleValuesParser::new(BIGQUERY.iter().filter_map(Script::bigquery_view).map(|(name, _)| name))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::tick;

    #[test]
    fn a_tick_has_a_unit_or_is_in_seconds() {
        let check = |text: &str, seconds: Option<u64>| {
            assert_eq!(tick(text).ok(), seconds.map(Duration::from_secs), "{text}");
        };
        check("60", Some(60));
        check("60s", Some(60));
        check("5m", Some(300));
        check("1h 30m", Some(5_400));
        check("1", Some(1));
        check("24h", Some(86_400));
        for wrong in ["0", "0s", "500ms", "-60", "-60s", "86401", "2d", "often", "", "99999999999999999999"] {
            check(wrong, None);
        }
    }
}
