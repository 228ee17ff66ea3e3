//! One finding, and how the checks ask.

use std::cell::RefCell;

use chrono::TimeDelta;
use serde::Serialize;

use crate::{
    error::CallError,
    foreign,
    host::Host,
    source::LARGEST_CLOCK_GAP,
    time::Timestamp,
    wire::{self, Request, Response},
};

/// How far a clock may be off without a word.
const UNREMARKABLE: TimeDelta = TimeDelta::seconds(30);

/// What follows from a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// As it should be.
    Ok,
    /// Somebody should know.
    Warning,
    /// Somebody must act.
    Failed,
    /// Not looked at.
    Skipped,
}

/// What a check has found, clean of what it quotes.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What was looked at.
    #[serde(rename = "check")]
    pub name: String,
    /// What follows.
    pub verdict: Grade,
    /// What there is, in a sentence.
    pub says: String,
    /// What can be done about it, in a sentence.
    pub hint: Option<String>,
    /// The one command or setting that fixes it.
    pub fix: Option<String>,
}

impl Check {
    fn new(verdict: Grade, name: impl Into<String>, says: impl Into<String>) -> Self {
        let (name, says) = (foreign::line(&name.into()), foreign::lines(&says.into()));
        Self { name, verdict, says, hint: None, fix: None }
    }

    /// All is well.
    pub fn ok(name: impl Into<String>, says: impl Into<String>) -> Self {
        Self::new(Grade::Ok, name, says)
    }

    /// Not looked at, and why.
    pub fn skipped(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(Grade::Skipped, name, why)
    }

    /// Something that somebody should know.
    pub fn warning(name: impl Into<String>, says: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { hint: Some(foreign::line(&hint.into())), ..Self::new(Grade::Warning, name, says) }
    }

    /// A failure that somebody must fix.
    pub fn failed(name: impl Into<String>, says: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { hint: Some(foreign::line(&hint.into())), ..Self::new(Grade::Failed, name, says) }
    }

    /// A call that gave no answer to read.
    pub fn refused(name: impl Into<String>, error: &CallError) -> Self {
        match error {
            CallError::Denied { message, hint } => Self::failed(name, foreign::clean(message), hint),
            CallError::Silent(_)
            | CallError::Refused(_)
            | CallError::Throttled { .. }
            | CallError::Broken(_)
            | CallError::TooLarge { .. } => {
                Self::failed(name, error.to_string(), "This may pass by itself: look again in some minutes")
            }
        }
    }

    /// With the command or setting that fixes it.
    pub fn mended_by(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(foreign::line(&fix.into())), ..self }
    }
}

/// Whose clock it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Cloudflare's API.
    Cloudflare,
    /// Google's sign-in and BigQuery.
    Google,
}

/// Asks, once each, and notes how far the clocks are apart.
pub struct Asker<'a, H> {
    /// Who sends.
    pub host: &'a H,
    /// How far this machine is ahead of each service.
    apart: RefCell<Vec<(Service, TimeDelta)>>,
}

impl<'a, H: Host> Asker<'a, H> {
    /// Asks through `host`.
    pub fn new(host: &'a H) -> Self {
        Self { host, apart: RefCell::default() }
    }

    /// Sends a request and reads the answer. It does not try again, because the user waits for the verdict.
    pub async fn ask<T>(
        &self,
        service: Service,
        request: Request,
        read: impl FnOnce(&Response) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let response = self.host.send(request).await?;
        let now: Timestamp = self.host.now();
        if let Some(date) = wire::date(response.headers()) {
            self.apart.borrow_mut().push((service, now - date));
        }
        read(&response)
    }

    /// What the clocks of the services say of this machine's.
    pub fn clocks(&self) -> Vec<Check> {
        let named = [(Service::Cloudflare, "Cloudflare"), (Service::Google, "Google")];
        let apart = self.apart.borrow();
        let farthest = |of: Service| {
            let of_it = apart.iter().filter(|(service, _)| *service == of);
            of_it.map(|(_, apart)| *apart).max_by_key(TimeDelta::abs)
        };
        named.into_iter().filter_map(|(service, name)| Some(clock(name, farthest(service)?))).collect()
    }
}

fn clock(service: &str, apart: TimeDelta) -> Check {
    let name = format!("clock against {service}");
    let (seconds, way) = (apart.num_seconds().abs(), if apart < TimeDelta::zero() { "behind" } else { "ahead of" });
    let says = format!("this machine is {seconds} s {way} {service}");
    let hint = "Set the clock of this machine: from five minutes on a pass refuses to run, and Google to sign in";
    if apart.abs() > LARGEST_CLOCK_GAP {
        Check::failed(name, says, hint).mended_by("timedatectl set-ntp true")
    } else if apart.abs() > UNREMARKABLE {
        Check::warning(name, says, hint).mended_by("timedatectl set-ntp true")
    } else {
        Check::ok(name, "they agree")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_judged_as_a_pass_does_and_earlier() {
        let verdict = |seconds| clock("Google", TimeDelta::seconds(seconds)).verdict;
        assert_eq!([0, 30, -30].map(verdict), [Grade::Ok; 3]);
        assert_eq!([31, -31, 300, -300].map(verdict), [Grade::Warning; 4]);
        assert_eq!([301, -301].map(verdict), [Grade::Failed; 2]);
        assert_eq!(clock("Google", TimeDelta::seconds(-301)).says, "this machine is 301 s behind Google");
    }
}
