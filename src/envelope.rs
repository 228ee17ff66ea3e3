//! The envelope of all answers of Cloudflare's API, and the meaning of its refusals.

use http::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    error::CallError,
    log::raw,
    wire::{Response, json, may_pass, or_default, retry_after, snippet},
};

/// The hints to a person if a part of the API refuses.
#[derive(Debug, Clone, Copy)]
pub struct Hints {
    /// If something is missing.
    pub missing: &'static str,
    /// If the token is not sufficient.
    pub token: &'static str,
    /// If it is another refusal.
    pub other: &'static str,
}

/// The envelope of an answer.
#[derive(Debug, Deserialize)]
pub struct Envelope<T = Value> {
    success: bool,
    #[serde(default, deserialize_with = "or_default")]
    errors: Vec<Fault>,
    /// The result.
    #[serde(default)]
    pub result: T,
    #[serde(default)]
    result_info: Option<Info>,
}

impl<T> Envelope<T> {
    /// The number of elements on all pages together, if the API tells.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.result_info.as_ref()?.total_count.as_u64()
    }

    /// The start of the next page; none: this page was the last.
    #[must_use]
    pub fn cursor(&self) -> Option<String> {
        let cursor = &self.result_info.as_ref()?.cursor;
        Some(cursor.clone()).filter(|cursor| !cursor.is_empty())
    }
}

#[derive(Debug, Deserialize)]
struct Fault {
    code: Option<i64>,
    #[serde(default, deserialize_with = "or_default")]
    message: String,
}

#[derive(Debug, Deserialize)]
struct Info {
    /// The schema says number, not integer. A value that is no count is treated as absent.
    #[serde(default)]
    total_count: Value,
    #[serde(default, deserialize_with = "or_default")]
    cursor: String,
}

/// Opens the envelope, or returns why it has no result.
///
/// # Errors
/// If the API refuses or fails.
pub fn open(response: &Response, hints: &Hints) -> Result<Envelope, CallError> {
    let status = response.status();
    if status == StatusCode::TOO_MANY_REQUESTS {
        let message = format!("Cloudflare's API answered {status}");
        return Err(CallError::Throttled { message, wait: retry_after(response) });
    }
    let faults = match json::<Envelope>(response) {
        Some(envelope) if status.is_success() && envelope.success => return Ok(envelope),
        Some(envelope) => envelope.errors,
        None => vec![Fault { code: None, message: snippet(response.body()) }],
    };
    let broken = may_pass(status) || status.is_success() && faults.iter().all(|fault| fault.code.is_none());
    Err(if broken { CallError::Broken(told(status, &faults)) } else { refused(status, &faults, hints) })
}

/// Opens the envelope of a call that worked, whose result is all of one type. None: [`open()`] tells why.
#[must_use]
pub fn open_as<T: Default + DeserializeOwned>(response: &Response) -> Option<Envelope<T>> {
    json(response).filter(|envelope: &Envelope<T>| response.status().is_success() && envelope.success)
}

/// Opens the envelope of a list whose elements are read one by one, because some of them may be unreadable. `text` is
/// the answer's body. No elements: the result is no list.
///
/// # Errors
/// If the API refuses or fails.
pub fn open_list<'a>(
    response: &Response,
    text: &'a str,
    hints: &Hints,
) -> Result<(Option<Vec<&'a str>>, Option<u64>), CallError> {
    let members = raw::members(text.trim_start_matches('\u{feff}')).unwrap_or_default();
    let (list, others): (Vec<_>, Vec<_>) = members.into_iter().partition(|(name, _)| *name == "\"result\"");
    let others: Vec<_> = others.into_iter().map(|(name, value)| format!("{name}:{value}")).collect();
    if others.is_empty() {
        return open(response, hints).map(|_| (None, None));
    }
    let mut envelope = Response::new(format!("{{{}}}", others.join(",")).into_bytes());
    *envelope.status_mut() = response.status();
    envelope.headers_mut().clone_from(response.headers());
    let total = open(&envelope, hints)?.total();
    Ok((list.last().and_then(|(_, list)| raw::elements(list)), total))
}

fn told(status: StatusCode, faults: &[Fault]) -> String {
    let words: Vec<_> = faults
        .iter()
        .map(|fault| fault.code.map_or_else(|| fault.message.clone(), |code| format!("{} ({code})", fault.message)))
        .collect();
    format!("Cloudflare's API answered {status}: {}", words.join("; "))
}

fn refused(status: StatusCode, faults: &[Fault], hints: &Hints) -> CallError {
    let message = told(status, faults);
    let codes: Vec<_> = faults.iter().filter_map(|fault| fault.code).collect();
    let any = |known: &[i64]| codes.iter().any(|code| known.contains(code));
    let hint = if any(&[7_000, 7_003]) || status == StatusCode::NOT_FOUND {
        hints.missing
    } else if any(&[6_003, 6_103, 9_106, 9_109, 10_000]) || matches!(status.as_u16(), 401 | 403) {
        hints.token
    } else if status.is_redirection() {
        "Check CLOUDFLARE_BASE_URL: the address has moved"
    } else if status.is_success() {
        // A failure with status 200, without a code that points to a setting, is trouble of the service.
        return CallError::Broken(message);
    } else {
        hints.other
    };
    CallError::denied(message, hint)
}
