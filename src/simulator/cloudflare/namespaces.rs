//! The account's namespaces of KV: callers list, create and delete them over the REST API.

use std::collections::BTreeMap;

use http::{Method, Response};
use serde_json::{Value, json};

use crate::simulator::{
    chance::{hash, mix},
    cloudflare::{
        failure,
        kv::{SimulatedNamespace, no_namespace},
        page, success,
    },
};

/// A call to the account's namespaces.
#[derive(Debug, PartialEq, Eq)]
pub enum NamespaceCall {
    /// `GET namespaces`
    List,
    /// `POST namespaces`
    Create,
    /// `DELETE namespaces/ID`
    Delete(String),
}

impl NamespaceCall {
    /// The call that a method and the path below `namespaces` stand for.
    #[must_use]
    pub fn of(method: &Method, path: &[&str]) -> Option<Self> {
        match (method, path) {
            (&Method::GET, []) => Some(Self::List),
            (&Method::POST, []) => Some(Self::Create),
            (&Method::DELETE, [id]) => Some(Self::Delete((*id).to_owned())),
            _ => None,
        }
    }
}

/// The namespaces by id, with their titles.
#[derive(Debug, Default)]
pub(in crate::simulator) struct Namespaces {
    by_id: BTreeMap<String, (String, SimulatedNamespace)>,
    /// How many were created so far, including those deleted.
    made: u64,
}

impl Namespaces {
    /// Empty namespaces with these ids and titles.
    pub fn new<'a>(named: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let empty = |(id, title): (&str, &str)| (id.to_owned(), (title.to_owned(), SimulatedNamespace::default()));
        Self { by_id: named.into_iter().map(empty).collect(), made: 0 }
    }

    pub fn get(&self, id: &str) -> Option<&SimulatedNamespace> {
        self.by_id.get(id).map(|(_, namespace)| namespace)
    }

    pub fn get_mut(&mut self, id: &str) -> Option<&mut SimulatedNamespace> {
        self.by_id.get_mut(id).map(|(_, namespace)| namespace)
    }

    /// Answers one call. The caller has been let in.
    pub fn answer(&mut self, call: &NamespaceCall, query: &str, body: &[u8]) -> Response<Vec<u8>> {
        match call {
            NamespaceCall::List => {
                let all: Vec<_> = self.by_id.iter().map(|(id, (title, _))| shown(id, title)).collect();
                page(&all, query, 1_000)
            }
            NamespaceCall::Create => self.create(body),
            NamespaceCall::Delete(id) if self.by_id.remove(id).is_some() => success(&Value::Null, &Value::Null),
            NamespaceCall::Delete(_) => no_namespace(),
        }
    }

    fn create(&mut self, body: &[u8]) -> Response<Vec<u8>> {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let refused = |code: u32, message| failure(400, json!([{ "code": code, "message": message }]), Value::Null);
        let Some(title) = body["title"].as_str().filter(|title| !title.is_empty()) else {
            return refused(10_019, "a title is required");
        };
        if self.by_id.values().any(|(taken, _)| taken == title) {
            return refused(10_014, "a namespace with this account ID and title already exists");
        }
        self.made += 1;
        let id = format!("{:016x}{:016x}", hash(title), mix(self.made));
        let answer = success(&shown(&id, title), &Value::Null);
        self.by_id.insert(id, (title.to_owned(), SimulatedNamespace::default()));
        answer
    }
}

fn shown(id: &str, title: &str) -> Value {
    json!({ "id": id, "title": title, "supports_url_encoding": true })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(namespaces: &mut Namespaces, call: &NamespaceCall, query: &str, body: &str) -> (u16, Value) {
        let response = namespaces.answer(call, query, body.as_bytes());
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    #[test]
    fn a_title_is_given_once() {
        let mut namespaces = Namespaces::new([("aa", "STATE_KV")]);
        let create = |namespaces: &mut Namespaces, title: &str| {
            ask(namespaces, &NamespaceCall::Create, "", &json!({ "title": title }).to_string())
        };
        let (status, made) = create(&mut namespaces, "IDS_KV");
        let id = made["result"]["id"].as_str().unwrap().to_owned();
        assert_eq!((status, id.len(), &made["result"]["title"]), (200, 32, &json!("IDS_KV")));
        assert!(namespaces.get(&id).is_some());
        for taken in ["STATE_KV", "IDS_KV"] {
            let (status, refused) = create(&mut namespaces, taken);
            assert_eq!((status, &refused["errors"][0]["code"]), (400, &json!(10_014)));
        }
        assert_eq!(create(&mut namespaces, "").0, 400);
        let (_, listing) = ask(&mut namespaces, &NamespaceCall::List, "per_page=1&page=2", "");
        assert_eq!(listing["result_info"]["total_count"], 2);
        assert_eq!(listing["result"].as_array().unwrap().len(), 1);
        assert_eq!(ask(&mut namespaces, &NamespaceCall::Delete("aa".into()), "", "").0, 200);
        assert_eq!(ask(&mut namespaces, &NamespaceCall::Delete("aa".into()), "", "").0, 404);
        assert_eq!(create(&mut namespaces, "STATE_KV").0, 200);
    }
}
