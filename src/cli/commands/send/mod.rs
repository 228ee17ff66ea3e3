//! `aig-logs send`: sends the events of a file to a server, native or a Worker, as often as it takes.

mod batch;
mod elements;

use std::{
    fs::File,
    io::{self, BufReader},
    path::Path,
    time::Duration,
};

use http::{HeaderValue, Method, StatusCode, Uri, header};
use rand::RngCore;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::watch;

use self::{
    batch::{Batch, complete},
    elements::Elements,
};
use crate::{
    cli::{
        args::{Options, Send},
        failure::{Exit, Failure},
        progress::Screen,
        show,
        vars::settings::Vars,
    },
    error::CallError,
    host::{
        Host,
        native::{NativeHost, now},
    },
    secret::Secret,
    wire::{self, Request, Response},
};

/// Tries of one batch, the first included: some five minutes, if nothing answers.
const ATTEMPTS: u32 = 10;

/// The longest wait before another try, unless the server asks for a longer one.
const LONGEST: Duration = Duration::from_mins(1);

/// What became of the events.
#[derive(Debug, Default)]
struct Told {
    accepted: u64,
    duplicates: u64,
    refused: u64,
}

/// The part of an answer that is read: of a batch of which at least one event was taken, or none.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Taken {
    accepted: u64,
    duplicates: u64,
    refused: Vec<Refused>,
    detail: String,
}

#[derive(Debug, Deserialize)]
struct Refused {
    index: usize,
    reason: String,
}

/// Sends every event of a file.
pub async fn send(
    arguments: Send,
    options: &Options,
    stop: watch::Receiver<bool>,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let vars = Vars::read(options)?;
    let key = arguments.key.or_else(|| vars.get("AIG_EVENTS_KEY")).map(Secret::new).ok_or_else(|| {
        let hint = "Set AIG_EVENTS_KEY in the environment or in .dev.vars; `aig-logs keys create` makes one";
        Failure::denied("sending events", "there is no key", hint)
    })?;
    let address = format!("{}/events/batch", checked(&arguments.to)?);
    let (elements, bytes) = open(&arguments.file)?;
    let host = NativeHost::new(stop, |_| {}).map_err(|error| Failure::host(&error))?;
    let sender = Sending { host: &host, address, key, screen, told: Told::default() };
    let told = sender.all(elements, bytes).await?;
    let Told { accepted, duplicates, refused } = told;
    let words = format!(
        "{} new, {} known, {refused} refused",
        show::counted(accepted, "event"),
        indicatif::HumanCount(duplicates)
    );
    let json = json!({ "accepted": accepted, "duplicates": duplicates, "refused": refused });
    show::print(&if options.json { json.to_string() } else { words })?;
    Ok(if refused > 0 { Exit::Person } else { Exit::Done })
}

/// The address of a server, without a slash at its end. A key travels in clear only on this machine.
pub fn checked(to: &str) -> Result<String, Failure> {
    let uri: Option<Uri> = to.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    match uri.as_ref().and_then(Uri::scheme_str) {
        Some("https") => Ok(()),
        Some("http") if is_here => Ok(()),
        _ => Err(Failure::denied(
            "sending events",
            "--to is no address that a key may be sent to",
            "It must be an https:// address, or an http:// address of this machine",
        )),
    }?;
    Ok(to.trim_end_matches('/').to_owned())
}

/// The events of a file, or of the standard input, and its bytes if it has a size.
fn open(path: &Path) -> Result<(Elements, Option<u64>), Failure> {
    if path == Path::new("-") {
        return Ok((Elements::new(BufReader::new(io::stdin())), None));
    }
    let file = File::open(path).map_err(|error| unread(path, &error))?;
    let bytes = file.metadata().ok().map(|metadata| metadata.len());
    Ok((Elements::new(BufReader::new(file)), bytes))
}

fn unread(path: &Path, error: &io::Error) -> Failure {
    Failure::denied(format!("reading {}", path.display()), error, "Events may be lines of JSON, a list, or one object")
}

/// A file on its way to a server.
struct Sending<'a> {
    host: &'a NativeHost,
    address: String,
    key: Secret,
    screen: &'a Screen,
    told: Told,
}

impl Sending<'_> {
    async fn all(mut self, mut elements: Elements, bytes: Option<u64>) -> Result<Told, Failure> {
        let (mut batch, mut read) = (Batch::default(), 0);
        loop {
            let element = match elements.next() {
                Ok(Some(element)) => element,
                Ok(None) => break,
                Err(error) => {
                    self.refuse(None, &format!("the file cannot be read further: {error}"));
                    break;
                }
            };
            match complete(&element, now(), u128::from(rand::thread_rng().next_u64())) {
                Ok(text) => {
                    if !batch.has_room(text.len()) {
                        self.deliver(&std::mem::take(&mut batch)).await?;
                        self.show(read, bytes);
                    }
                    read += text.len();
                    batch.add(element.line, &text);
                }
                Err(reason) => self.refuse(Some(element.line), &reason),
            }
        }
        if !batch.lines.is_empty() {
            self.deliver(&batch).await?;
        }
        self.screen.clear();
        Ok(self.told)
    }

    /// Sends a batch until the server has answered for each event.
    async fn deliver(&mut self, batch: &Batch) -> Result<(), Failure> {
        let failed = |error| Failure::call("sending events to the address of --to", error);
        let request = self.request(batch).map_err(|error| failed(CallError::Refused(error.to_string())))?;
        let mut attempt = 1;
        loop {
            let error = match self.host.send(request.clone()).await.and_then(|response| taken(&response)) {
                Ok(taken) => {
                    self.count(batch, &taken);
                    return Ok(());
                }
                Err(error) => error,
            };
            let Some(wait) = pause(&error, attempt, self.host.random()) else { return Err(failed(error)) };
            let way_out = if matches!(error, CallError::Silent(_)) { " (check the address of --to)" } else { "" };
            let seconds = wait.as_secs_f64();
            self.screen.say(&format!("aig-logs: {error}{way_out}: sending the same again in {seconds:.1} s"));
            self.host.sleep(wait).await;
            if self.host.stopping() {
                return Err(failed(CallError::Refused("the program was stopped before the end of the file".into())));
            }
            attempt += 1;
        }
    }

    fn request(&self, batch: &Batch) -> io::Result<Request> {
        let mut request = wire::request(Method::POST, &self.address, batch.packed()?);
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        self.key.authorize(&mut request);
        Ok(request)
    }

    fn count(&mut self, batch: &Batch, taken: &Taken) {
        self.told.accepted += taken.accepted;
        self.told.duplicates += taken.duplicates;
        for Refused { index, reason } in &taken.refused {
            self.refuse(batch.lines.get(*index).copied(), reason);
        }
    }

    fn refuse(&mut self, line: Option<u64>, reason: &str) {
        self.told.refused += 1;
        let place = line.map_or(String::new(), |line| format!("line {line}: "));
        self.screen.say(&format!("aig-logs: {place}{reason}"));
    }

    fn show(&self, read: usize, bytes: Option<u64>) {
        if let Some(all) = bytes.and_then(|bytes| usize::try_from(bytes).ok()) {
            self.screen.step(read.min(all), all, "bytes sent");
        }
    }
}

/// What an answer says of a batch.
fn taken(response: &Response) -> Result<Taken, CallError> {
    let (status, wait) = (response.status(), wire::retry_after(response));
    let taken: Option<Taken> = serde_json::from_slice(response.body()).ok();
    let answers_each = status == StatusCode::ACCEPTED || taken.as_ref().is_some_and(|taken| !taken.refused.is_empty());
    let words = match &taken {
        Some(taken) if !taken.detail.is_empty() => taken.detail.clone(),
        Some(_) | None => wire::snippet(response.body()),
    };
    let message = format!("status {}: {words}", status.as_u16());
    Err(match status {
        _ if answers_each => return taken.ok_or(CallError::Broken(message)),
        StatusCode::TOO_MANY_REQUESTS => CallError::Throttled { message, wait },
        _ if wire::may_pass(status) && wait.is_some() => CallError::Throttled { message, wait },
        _ if wire::may_pass(status) => CallError::Broken(message),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            CallError::denied(message, "Check AIG_EVENTS_KEY, or --key: it needs the scope ingest")
        }
        StatusCode::NO_CONTENT => {
            CallError::denied("the server drops every event", "Set EVENTS_ENABLED to true where the server runs")
        }
        _ => CallError::denied(message, "Check --to: it must be the address of an events API, without a path"),
    })
}

/// How long to wait before a batch is sent again, or `None` to give up. `random` in [0, 1) spreads the waits.
fn pause(error: &CallError, attempt: u32, random: f64) -> Option<Duration> {
    if attempt >= ATTEMPTS || !error.is_transient() {
        return None;
    }
    let doubled = Duration::from_secs(1 << attempt.saturating_sub(1).min(6)).min(LONGEST);
    let wait = doubled.mul_f64(0.5 + random / 2.0);
    let asked = if let CallError::Throttled { wait, .. } = error { *wait } else { None };
    Some(asked.map_or(wait, |asked| asked.max(wait)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, wait: &str, body: &str) -> Response {
        let response = http::Response::builder().status(status).header("retry-after", wait);
        response.body(body.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn an_answer_says_whether_to_send_again() {
        let check = |status: u16, wait: &str, body: &str, expected: Option<u64>| {
            let error = taken(&answer(status, wait, body)).unwrap_err();
            assert_eq!(pause(&error, 1, 1.0).map(|wait| wait.as_secs()), expected, "{status}: {error}");
        };
        check(429, "60", r#"{"detail":"slower"}"#, Some(60));
        check(429, "", "", Some(1));
        check(503, "5", r#"{"detail":"away"}"#, Some(5));
        check(502, "", "<html>", Some(1));
        check(408, "", "", Some(1));
        check(202, "", "half an ans", Some(1));
        for status in [204, 400, 401, 403, 404, 413] {
            check(status, "5", r#"{"detail":"no"}"#, None);
        }
    }

    #[test]
    fn an_answer_counts_each_event() {
        let some =
            taken(&answer(202, "", r#"{"accepted":2,"duplicates":1,"ids":[],"refused":[{"index":3,"reason":"a"}]}"#));
        let some = some.unwrap();
        assert_eq!((some.accepted, some.duplicates, some.refused[0].index), (2, 1, 3));
        let none = r#"{"status":422,"detail":"none","accepted":0,"refused":[{"index":0,"reason":"a"}]}"#;
        for status in [422, 403] {
            assert_eq!(taken(&answer(status, "", none)).unwrap().refused[0].reason, "a");
        }
    }

    #[test]
    fn waits_double_up_to_a_minute_and_end() {
        let wait = |attempt| pause(&CallError::Silent(String::new()), attempt, 1.0).map(|wait| wait.as_secs());
        let waits: Vec<_> = (1..=ATTEMPTS).map(wait).collect();
        let expected = [1, 2, 4, 8, 16, 32, 60, 60, 60].map(Some);
        assert_eq!((&waits[..9], waits[9]), (&expected[..], None));
        assert_eq!(pause(&CallError::Silent(String::new()), 1, 0.0), Some(Duration::from_millis(500)));
    }

    #[test]
    fn a_key_travels_in_clear_only_on_this_machine() {
        let check = |to: &str, expected: Option<&str>| assert_eq!(checked(to).ok().as_deref(), expected, "{to}");
        check("http://127.0.0.1:8790/", Some("http://127.0.0.1:8790"));
        check("http://[::1]:1", Some("http://[::1]:1"));
        check("https://events.example.workers.dev", Some("https://events.example.workers.dev"));
        for wrong in ["http://events.example", "http://127.0.0.1.example", "127.0.0.1:8790", "ftp://localhost", ""] {
            check(wrong, None);
        }
    }
}
