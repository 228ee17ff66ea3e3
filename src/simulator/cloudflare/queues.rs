//! The account's queues: callers list and create them over the REST API. Messages are not simulated.

use std::collections::BTreeSet;

use http::{Method, Response};
use serde_json::{Value, json};

use crate::simulator::{
    chance::hash,
    cloudflare::{failure, page, success},
    wire,
};

/// A call to the account's queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueuesCall {
    /// `GET queues`
    List,
    /// `POST queues`
    Create,
}

impl QueuesCall {
    /// The call that a method stands for.
    #[must_use]
    pub fn of(method: &Method) -> Option<Self> {
        match *method {
            Method::GET => Some(Self::List),
            Method::POST => Some(Self::Create),
            _ => None,
        }
    }
}

/// The queues by name.
#[derive(Debug, Default)]
pub(in crate::simulator) struct Queues {
    names: BTreeSet<String>,
}

impl Queues {
    /// Answers one call. The caller has been let in.
    pub fn answer(&mut self, call: QueuesCall, query: &str, body: &[u8]) -> Response<Vec<u8>> {
        match call {
            QueuesCall::List => {
                let wanted = wire::parameter(query, "name");
                let found = self.names.iter().filter(|name| wanted.as_ref().is_none_or(|wanted| wanted == *name));
                page(&found.map(|name| shown(name)).collect::<Vec<_>>(), query, 100)
            }
            QueuesCall::Create => self.create(body),
        }
    }

    fn create(&mut self, body: &[u8]) -> Response<Vec<u8>> {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let refused = |code: u32, message| failure(400, json!([{ "code": code, "message": message }]), Value::Null);
        let Some(name) = body["queue_name"].as_str().filter(|name| !name.is_empty()) else {
            return refused(11_003, "Queue name is invalid");
        };
        if !self.names.insert(name.to_owned()) {
            return refused(11_009, "Queue name is already taken");
        }
        success(&shown(name), &Value::Null)
    }
}

fn shown(name: &str) -> Value {
    json!({ "queue_id": format!("{:032x}", hash(name)), "queue_name": name, "producers": [], "consumers": [] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_given_once_and_found() {
        let mut queues = Queues::default();
        let mut ask = |call, query: &str, body: Value| {
            let response = queues.answer(call, query, body.to_string().as_bytes());
            let body: Value = serde_json::from_slice(response.body()).unwrap();
            (response.status().as_u16(), body)
        };
        let made = ask(QueuesCall::Create, "", json!({ "queue_name": "a" }));
        assert_eq!((made.0, &made.1["result"]["queue_name"]), (200, &json!("a")));
        assert_eq!(ask(QueuesCall::Create, "", json!({ "queue_name": "a" })).1["errors"][0]["code"], 11_009);
        assert_eq!(ask(QueuesCall::Create, "", json!({})).0, 400);
        assert_eq!(ask(QueuesCall::Create, "", json!({ "queue_name": "a-dead" })).0, 200);
        assert_eq!(ask(QueuesCall::List, "page=1&name=a", Value::Null).1["result"].as_array().map(Vec::len), Some(1));
        assert_eq!(ask(QueuesCall::List, "", Value::Null).1["result_info"]["total_count"], 2);
    }
}
