//! The account's databases of D1: callers list and create them over the REST API.

use std::collections::BTreeMap;

use http::{Method, Response};
use serde_json::{Value, json};

use crate::simulator::{
    chance::{hash, mix},
    cloudflare::{d1::SimulatedDatabase, failure, page, success},
    wire,
};

/// A call to the account's databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabasesCall {
    /// `GET database`
    List,
    /// `POST database`
    Create,
}

impl DatabasesCall {
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

/// The databases by id, with their names. One is there without a name from the start, which no list shows: the first that
/// is created is this one, and so has the id that the simulator's settings name.
#[derive(Debug)]
pub(in crate::simulator) struct Databases {
    by_id: BTreeMap<String, (Option<String>, SimulatedDatabase)>,
}

impl Databases {
    /// The one database of this id.
    pub fn new(id: &str) -> Self {
        Self { by_id: BTreeMap::from([(id.to_owned(), (None, SimulatedDatabase::new()))]) }
    }

    pub fn get(&self, id: &str) -> Option<&SimulatedDatabase> {
        self.by_id.get(id).map(|(_, database)| database)
    }

    pub fn get_mut(&mut self, id: &str) -> Option<&mut SimulatedDatabase> {
        self.by_id.get_mut(id).map(|(_, database)| database)
    }

    /// Answers one call. The caller has been let in.
    pub fn answer(&mut self, call: DatabasesCall, query: &str, body: &[u8]) -> Response<Vec<u8>> {
        match call {
            DatabasesCall::List => {
                let wanted = wire::parameter(query, "name").unwrap_or_default();
                let named = self.by_id.iter().filter_map(|(id, (name, _))| Some((id, name.as_ref()?)));
                let found = named.filter(|(_, name)| name.contains(&wanted));
                page(&found.map(|(id, name)| shown(id, name)).collect::<Vec<_>>(), query, 10_000)
            }
            DatabasesCall::Create => self.create(body),
        }
    }

    fn create(&mut self, body: &[u8]) -> Response<Vec<u8>> {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let refused = |code: u32, message| failure(400, json!([{ "code": code, "message": message }]), Value::Null);
        let Some(name) = body["name"].as_str().filter(|name| !name.is_empty()) else {
            return refused(7_400, "The request is malformed: it needs a name");
        };
        if self.by_id.values().any(|(taken, _)| taken.as_deref() == Some(name)) {
            return refused(7_502, "A database with that name already exists");
        }
        if let Some((id, (first, _))) = self.by_id.iter_mut().find(|(_, (taken, _))| taken.is_none()) {
            *first = Some(name.to_owned());
            return success(&shown(id, name), &Value::Null);
        }
        let id = format!("{:08x}-0000-4000-8000-{:012x}", hash(name) >> 32, mix(self.by_id.len() as u64) >> 16);
        let answer = success(&shown(&id, name), &Value::Null);
        self.by_id.insert(id, (Some(name.to_owned()), SimulatedDatabase::new()));
        answer
    }
}

fn shown(id: &str, name: &str) -> Value {
    json!({ "uuid": id, "name": name, "version": "production" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_given_once_and_found() {
        let mut databases = Databases::new("d1");
        let mut ask = |call, query: &str, body: Value| {
            let response = databases.answer(call, query, body.to_string().as_bytes());
            let body: Value = serde_json::from_slice(response.body()).unwrap();
            (response.status().as_u16(), body)
        };
        assert_eq!(ask(DatabasesCall::List, "", Value::Null).1["result"], json!([]));
        let made = ask(DatabasesCall::Create, "", json!({ "name": "a" }));
        assert_eq!((made.0, &made.1["result"]["uuid"]), (200, &json!("d1")));
        let second = ask(DatabasesCall::Create, "", json!({ "name": "a-b" })).1["result"]["uuid"].clone();
        assert_ne!(second, json!("d1"));
        assert_eq!(ask(DatabasesCall::Create, "", json!({ "name": "a" })).1["errors"][0]["code"], 7_502);
        assert_eq!(ask(DatabasesCall::Create, "", json!({})).0, 400);
        let found = ask(DatabasesCall::List, "name=b", Value::Null).1;
        assert_eq!(found["result"].as_array().map(Vec::len), Some(1), "{found}");
    }
}
