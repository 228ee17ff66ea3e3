//! What faults make of answers.

use http::Request;
use serde_json::Value;

use super::{
    Answer, Simulator,
    faults::{Endpoint, Fault},
    gateway::Gateway,
    route::Route,
    time::Timestamp,
};

impl Simulator {
    /// Answers, unless a fault strikes, which may be before or after it is done.
    pub(super) fn answer_or_fail(
        &mut self,
        now: Timestamp,
        request: &Request<Vec<u8>>,
        route: &Route,
        endpoint: Endpoint,
    ) -> Answer {
        let fault = self.faults.strike(endpoint);
        match &fault {
            Some(Fault::Silence) => return Answer::Silence,
            Some(Fault::Refuse(refusal)) => return Answer::Response(refusal.response(endpoint)),
            Some(Fault::DeleteOldest(count)) => {
                self.delete(route, |gateway| gateway.delete_oldest(*count));
            }
            Some(Fault::Delete(ids)) => self.delete(route, |gateway| {
                for id in ids {
                    gateway.delete(id);
                }
            }),
            Some(
                Fault::SilenceAfter | Fault::RefuseAfter(_) | Fault::Truncate | Fault::Replace(..) | Fault::RepeatEntry,
            )
            | None => {}
        }
        let response = self.respond(now, request, route);
        match fault {
            Some(Fault::SilenceAfter) => Answer::Silence,
            Some(Fault::RefuseAfter(refusal)) => Answer::Response(refusal.response(endpoint)),
            Some(Fault::Truncate) => Answer::Response(response.map(|body| body[..body.len() / 2].to_vec())),
            Some(Fault::Replace(member, value)) => Answer::Response(response.map(|body| replace(&body, member, value))),
            Some(Fault::RepeatEntry) => Answer::Response(response.map(|body| repeat_entry(&body))),
            Some(Fault::Silence | Fault::Refuse(_) | Fault::DeleteOldest(_) | Fault::Delete(_)) | None => {
                Answer::Response(response)
            }
        }
    }

    fn delete(&mut self, route: &Route, delete: impl FnOnce(&mut Gateway)) {
        if let Route::List { gateway, .. } = route
            && let Some(gateway) = self.gateway_mut(gateway)
        {
            delete(gateway);
        }
    }
}

/// Puts another value in the place of a member.
fn replace(body: &[u8], member: &str, value: Value) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
    body[member] = value;
    body.to_string().into_bytes()
}

/// The list with its first entry twice, in the same bytes: they may be no JSON.
fn repeat_entry(body: &[u8]) -> Vec<u8> {
    let list = br#""result":["#;
    let begin = body.windows(list.len()).position(|bytes| bytes == list).map(|at| at + list.len());
    let first = begin.map(|begin| (begin, begin + element(&body[begin..])));
    match first.filter(|(begin, end)| begin < end) {
        Some((begin, end)) => [&body[..end], b",", &body[begin..end], &body[end..]].concat(),
        None => body.to_vec(),
    }
}

/// The length of the first element of a list.
fn element(list: &[u8]) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    let ends = |byte: &u8| {
        match (quoted, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => quoted = !quoted,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') if depth > 0 => depth -= 1,
            (false, b',' | b']') if depth == 0 => return true,
            _ => {}
        }
        false
    };
    list.iter().position(ends).unwrap_or(0)
}
