//! Turns text into types, one setting at a time.

use std::net::Ipv4Addr;

use chrono::TimeDelta;
use http::Uri;
use thiserror::Error;

use super::settings::{self, SETTINGS};

/// One setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its name.
    pub setting: &'static str,
    /// The problem, and the way out.
    pub problem: String,
}

/// Every setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", lines(.0))]
pub struct ConfigError(pub Vec<Problem>);

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(|Problem { setting, problem }| format!("{setting} {problem}")).collect();
    lines.join("\n")
}

/// Reads settings, or returns all their problems together.
pub(super) fn read<L: Fn(&str) -> Option<String>, T>(
    lookup: L,
    read: impl FnOnce(&mut SettingReader<L>) -> T,
) -> Result<T, ConfigError> {
    let mut vars = SettingReader { lookup, problems: Vec::new() };
    let value = read(&mut vars);
    if vars.problems.is_empty() { Ok(value) } else { Err(ConfigError(vars.problems)) }
}

/// Reads settings. If a setting has a problem, the problem is noted, and the reading goes on with an empty value.
pub struct SettingReader<L> {
    pub lookup: L,
    pub problems: Vec<Problem>,
}

impl<L: Fn(&str) -> Option<String>> SettingReader<L> {
    /// Notes a problem, once, also if several values are read from one setting.
    pub fn problem(&mut self, setting: &'static str, problem: impl Into<String>) {
        let problem = Problem { setting, problem: problem.into() };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    pub fn optional(&self, name: &str) -> Option<String> {
        let given = (self.lookup)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let default = SETTINGS.iter().find(|setting| setting.name == name).and_then(|setting| setting.default);
        given.or_else(|| default.map(str::to_owned))
    }

    pub fn text(&mut self, name: &'static str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.problem(name, format!("is not set: {}", settings::meaning(name)));
            String::new()
        })
    }

    pub fn number(&mut self, name: &'static str, min: u64, max: u64) -> u64 {
        let text = self.text(name);
        text.parse().ok().filter(|number| (min..=max).contains(number)).unwrap_or_else(|| {
            self.problem(name, format!("is {text:?}, but must be a whole number from {min} to {max}"));
            min
        })
    }

    /// A number of days, at least one.
    pub fn days(&mut self, name: &'static str) -> TimeDelta {
        TimeDelta::days(self.number(name, 1, 36_500).try_into().unwrap_or_default())
    }

    /// Checks only the number of fields: a text without five fields is no schedule, and no cron would ever match it.
    /// The scheduler checks each field.
    pub fn cron(&mut self, name: &'static str) -> String {
        let text = self.text(name);
        if text.split_whitespace().count() != 5 {
            self.problem(
                name,
                format!("is {text:?}, but must be a cron schedule of five fields such as \"0 * * * *\""),
            );
        }
        text
    }

    pub fn pages(&mut self, name: &'static str) -> Option<u32> {
        let text = self.text(name);
        if text == "auto" {
            return None;
        }
        let pages = text.parse().ok().filter(|pages| *pages > 0);
        if pages.is_none() {
            self.problem(name, format!("is {text:?}, but must be a whole number from 1, or auto"));
        }
        pages
    }

    pub fn share(&mut self, name: &'static str) -> f64 {
        let text = self.text(name);
        number(&text).filter(|share| *share > 0.0 && *share <= 1.0).unwrap_or_else(|| {
            self.problem(name, format!("is {text:?}, but must be above 0 and at most 1, for example 0.8"));
            1.0
        })
    }

    pub fn truth(&mut self, name: &'static str) -> bool {
        let text = self.text(name);
        text.parse().unwrap_or_else(|_| {
            self.problem(name, format!("is {text:?}, but must be true or false"));
            false
        })
    }

    pub fn log_level(&mut self) -> log::LevelFilter {
        let text = self.text("LOG_LEVEL");
        text.parse().unwrap_or_else(|_| {
            self.problem("LOG_LEVEL", format!("is {text:?}, but must be one of error, warn, info, debug, off"));
            log::LevelFilter::Info
        })
    }

    /// An address without a slash at its end. Plain http would show tokens to the network, so it is only for loopback.
    pub fn address(&mut self, name: &'static str, text: &str) -> String {
        let address = text.trim_end_matches('/').to_owned();
        let uri: Option<Uri> = address.parse().ok();
        let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
        let scheme = uri.as_ref().and_then(Uri::scheme_str).unwrap_or_default();
        // The whole address counts, not how its text begins: `127.evil.example` is a name like any other.
        let loopback = matches!(host, "localhost" | "[::1]") || host.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback());
        if host.is_empty() || !(scheme == "https" || scheme == "http" && loopback) {
            let rule = "but must begin with https:// (plain http:// only for an address of this machine)";
            self.problem(name, format!("is {text:?}, {rule}"));
        }
        address
    }

    /// A name in addresses and SQL: letters, digits and these signs. A name of dots alone would mean a folder in an
    /// address.
    pub fn name(&mut self, name: &'static str, found: Option<String>, signs: &str) -> String {
        let text = found.unwrap_or_else(|| self.text(name));
        if text.contains(|c: char| !c.is_alphanumeric() && !signs.contains(c)) || text.starts_with('.') {
            let signs = if signs.is_empty() { String::new() } else { format!(" and {signs}") };
            self.problem(name, format!("is {text:?}, but must be a name of letters, digits{signs}"));
        }
        text
    }
}

/// A number as JSON writes it, or without the zero before its point. The Worker has a reader of these; Rust's own would take
/// 14 KB more of it.
pub fn number(text: &str) -> Option<f64> {
    let zero = if text.starts_with('.') { "0" } else { "" };
    serde_json::from_str(&format!("{zero}{text}")).ok()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_written_as_in_json_or_begin_with_their_point() {
        for (text, value) in [("0.8", 0.8), (".5", 0.5), ("50", 50.0), ("1e3", 1_000.0)] {
            assert_eq!(number(text), Some(value), "{text}");
        }
        for text in ["", ".", "+5", "5.", "NaN", "inf", "0x10", "-.5", "1,5"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
