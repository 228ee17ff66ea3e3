//! Workers KV's REST API: namespaces of values with metadata and a time to live. Reads are never stale here.

use std::{
    collections::{BTreeMap, btree_map::Range},
    ops::Bound,
};

use chrono::TimeDelta;
use http::{Method, Request, Response, header};
use serde_json::{Map, Value, json};

use crate::simulator::{cloudflare, time::Timestamp, wire};

/// Keys that one bulk read may ask for.
const MOST_READ: usize = 100;

/// Keys on a page: the least and the most that can be asked for.
const LISTED: (usize, usize) = (10, 1_000);

/// Seconds that a value lives at least.
const SHORTEST: i64 = 60;

/// Bytes of a value.
const MOST_BYTES: usize = 25 << 20;

/// Bytes of metadata.
const MOST_METADATA: usize = 1_024;

/// A call to the values of a namespace.
#[derive(Debug, PartialEq, Eq)]
pub enum ValueCall {
    /// `POST bulk/get`
    BulkGet,
    /// `GET keys`
    Keys,
    /// `PUT values/KEY`
    Put(String),
    /// `DELETE values/KEY`
    Delete(String),
}

impl ValueCall {
    /// The call that a method and the path below the namespace stand for.
    #[must_use]
    pub fn of(method: &Method, path: &[&str]) -> Option<Self> {
        match (method, path) {
            (&Method::POST, ["bulk", "get"]) => Some(Self::BulkGet),
            (&Method::GET, ["keys"]) => Some(Self::Keys),
            (&Method::PUT, ["values", key]) => Some(Self::Put((*key).to_owned())),
            (&Method::DELETE, ["values", key]) => Some(Self::Delete((*key).to_owned())),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct Stored {
    value: String,
    metadata: Option<Value>,
    expires: Option<Timestamp>,
}

/// A namespace.
#[derive(Debug, Default)]
pub struct SimulatedNamespace(BTreeMap<String, Stored>);

impl SimulatedNamespace {
    /// Every value that has not expired at `now`, by key.
    pub fn values(&self, now: Timestamp) -> impl Iterator<Item = Value> {
        let found = living(self.0.range::<str, _>(..), now);
        found.map(|(key, Stored { value, metadata, expires })| {
            let expiration = expires.map(|instant| instant.timestamp());
            json!({ "key": key, "value": value, "metadata": metadata, "expiration": expiration })
        })
    }

    /// Puts a value. It replaces a value that has the same key.
    pub fn put(&mut self, key: &str, value: &str, metadata: Option<Value>, expires: Option<Timestamp>) {
        self.0.insert(key.to_owned(), Stored { value: value.to_owned(), metadata, expires });
    }

    /// Answers one call. The caller has been let in.
    pub(in crate::simulator) fn answer(
        &mut self,
        now: Timestamp,
        call: &ValueCall,
        request: &Request<Vec<u8>>,
    ) -> Response<Vec<u8>> {
        let query = request.uri().query().unwrap_or_default();
        match call {
            ValueCall::BulkGet => self.bulk_get(now, request.body()),
            ValueCall::Keys => self.keys(now, query),
            ValueCall::Put(key) => self.put_form(now, key, query, request),
            ValueCall::Delete(key) => {
                self.0.remove(key);
                cloudflare::success(&json!({}), &Value::Null)
            }
        }
    }

    fn bulk_get(&self, now: Timestamp, body: &[u8]) -> Response<Vec<u8>> {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let keys: Option<Vec<&str>> = body["keys"].as_array().and_then(|keys| keys.iter().map(Value::as_str).collect());
        let Some(keys) = keys.filter(|keys| (1..=MOST_READ).contains(&keys.len()) && body["type"] == "text") else {
            return refused(400, "a bulk read takes 1 to 100 keys, and the type text");
        };
        let value = |key: &&str| {
            let living = self.0.get(*key).filter(|stored| lives(stored, now));
            ((*key).to_owned(), living.map(|stored| stored.value.clone()).into())
        };
        let values: Map<String, Value> = keys.iter().map(value).collect();
        cloudflare::success(&json!({ "values": values }), &Value::Null)
    }

    fn keys(&self, now: Timestamp, query: &str) -> Response<Vec<u8>> {
        let parameter = |name| wire::parameter(query, name).unwrap_or_default();
        let (prefix, cursor) = (parameter("prefix"), parameter("cursor"));
        let limit = parameter("limit").parse().unwrap_or(LISTED.1);
        if !(LISTED.0..=LISTED.1).contains(&limit) {
            return refused(400, "limit must be from 10 to 1000");
        }
        let after = (Bound::Excluded(cursor.as_str()), Bound::Unbounded);
        let found: Vec<_> =
            living(self.0.range::<str, _>(after), now).filter(|(key, _)| key.starts_with(&prefix)).collect();
        let page: Vec<_> = found.iter().take(limit).map(|(key, stored)| listed(key, stored)).collect();
        let last = found.get(limit - 1).filter(|_| found.len() > limit);
        let cursor = last.map_or("", |(key, _)| key.as_str());
        let info = json!({ "count": page.len(), "cursor": cursor });
        cloudflare::success(&page.into(), &info)
    }

    fn put_form(&mut self, now: Timestamp, key: &str, query: &str, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
        let Some(mut parts) = parts(request) else { return refused(400, "the form cannot be read") };
        let Some(value) = parts.remove("value") else { return refused(400, "the form has no value") };
        let metadata = parts.remove("metadata");
        if value.len() > MOST_BYTES || metadata.as_ref().is_some_and(|metadata| metadata.len() > MOST_METADATA) {
            return refused(413, "the value or its metadata is too large");
        }
        let metadata = metadata.map(|text| serde_json::from_str(&text)).transpose();
        let Ok(metadata) = metadata else { return refused(400, "the metadata is no JSON") };
        let ttl = wire::parameter(query, "expiration_ttl");
        let ttl = ttl.map(|seconds| seconds.parse().ok().filter(|seconds| *seconds >= SHORTEST));
        if ttl == Some(None) {
            return refused(400, "expiration_ttl must be at least 60 seconds");
        }
        self.put(key, &value, metadata, ttl.flatten().map(|seconds| now + TimeDelta::seconds(seconds)));
        cloudflare::success(&json!({}), &Value::Null)
    }
}

/// There is no such namespace.
pub(in crate::simulator) fn no_namespace() -> Response<Vec<u8>> {
    cloudflare::failure(404, json!([{ "code": 10_013, "message": "namespace not found" }]), Value::Null)
}

fn refused(status: u16, message: &str) -> Response<Vec<u8>> {
    cloudflare::failure(status, json!([{ "code": 10_001, "message": message }]), Value::Null)
}

fn lives(stored: &Stored, now: Timestamp) -> bool {
    stored.expires.is_none_or(|expires| now < expires)
}

fn living(range: Range<'_, String, Stored>, now: Timestamp) -> impl Iterator<Item = (&String, &Stored)> {
    range.filter(move |(_, stored)| lives(stored, now))
}

fn listed(key: &str, stored: &Stored) -> Value {
    let mut listed = json!({ "name": key });
    if let Some(expires) = stored.expires {
        listed["expiration"] = expires.timestamp().into();
    }
    if let Some(metadata) = &stored.metadata {
        listed["metadata"] = metadata.clone();
    }
    listed
}

/// The parts of a form, by name.
fn parts(request: &Request<Vec<u8>>) -> Option<BTreeMap<String, String>> {
    let media_type = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    let (_, boundary) = media_type.strip_prefix("multipart/form-data;")?.split_once("boundary=")?;
    let delimiter = format!("\r\n--{}", boundary.trim_matches('"'));
    // The first delimiter stands at the very beginning.
    let body = format!("\r\n{}", std::str::from_utf8(request.body()).ok()?);
    let (body, end) = body.rsplit_once(&format!("{delimiter}--"))?;
    let parts = body.split(&delimiter).skip(1).map(|part| {
        let (head, text) = part.split_once("\r\n\r\n")?;
        let (_, name) = head.split_once("name=\"")?;
        Some((name.split('"').next()?.to_owned(), text.to_owned()))
    });
    parts.collect::<Option<_>>().filter(|_| end.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::{Answer, Simulator, tests::options};

    const FORM: &str = "--x\r\ncontent-disposition: form-data; name=\"value\"\r\n\r\none\r\ntwo\r\n\
                        --x\r\ncontent-disposition: form-data; name=\"metadata\"\r\n\r\n{\"n\":1}\r\n--x--\r\n";

    struct Kv {
        world: Simulator,
        now: Timestamp,
    }

    impl Kv {
        fn new() -> Self {
            let world = Simulator::new(options());
            Self { now: world.options().start, world }
        }

        fn send(&mut self, method: Method, path: &str, token: &str, body: &str) -> (u16, Value) {
            let options = self.world.options();
            let (account, namespace) = (&options.account, &options.state_namespace);
            let address = format!("/client/v4/accounts/{account}/storage/kv/namespaces/{namespace}/{path}");
            let request = Request::builder().method(method).uri(address);
            let request = request.header("content-type", "multipart/form-data; boundary=x");
            let request = request.header("authorization", format!("Bearer {token}")).body(body.into()).unwrap();
            let Answer::Response(response) = self.world.answer(self.now, &request) else { panic!("silence") };
            (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
        }

        fn ask(&mut self, method: Method, path: &str, body: &str) -> (u16, Value) {
            let token = self.world.options().api_token.clone();
            self.send(method, path, &token, body)
        }

        fn get(&mut self, keys: &Value) -> Value {
            let body = json!({ "keys": keys, "type": "text" }).to_string();
            self.ask(Method::POST, "bulk/get", &body).1["result"]["values"].clone()
        }
    }

    #[test]
    fn a_value_is_kept_until_it_is_over_or_taken_away() {
        let mut kv = Kv::new();
        assert_eq!(kv.ask(Method::PUT, "values/dead%3Aa%2Fb?expiration_ttl=60", FORM).0, 200);
        assert_eq!(kv.ask(Method::PUT, "values/c", FORM).0, 200);
        assert_eq!(kv.get(&json!(["dead:a/b", "b"])), json!({ "dead:a/b": "one\r\ntwo", "b": null }));
        let (_, listing) = kv.ask(Method::GET, "keys?prefix=dead:", "");
        let expiration = kv.now.timestamp() + 60;
        let listed = json!([{ "name": "dead:a/b", "expiration": expiration, "metadata": { "n": 1 } }]);
        assert_eq!((&listing["result"], &listing["result_info"]["cursor"]), (&listed, &json!("")));

        kv.now += TimeDelta::seconds(60);
        assert_eq!(kv.get(&json!(["dead:a/b", "c"])), json!({ "dead:a/b": null, "c": "one\r\ntwo" }));
        for _ in 0..2 {
            assert_eq!(kv.ask(Method::DELETE, "values/c", "").0, 200);
            assert_eq!(kv.ask(Method::GET, "keys", "").1["result"], json!([]));
        }
    }

    #[test]
    fn keys_are_listed_page_by_page() {
        let mut kv = Kv::new();
        let id = kv.world.options().state_namespace.clone();
        let namespace = kv.world.namespace_mut(&id).unwrap();
        (0..20).for_each(|n| namespace.put(&format!("ids:{n:02}"), "", None, None));
        namespace.put("idt", "", None, None);
        let (_, first) = kv.ask(Method::GET, "keys?prefix=ids:&limit=10", "");
        assert_eq!(first["result"].as_array().unwrap().len(), 10);
        let cursor = first["result_info"]["cursor"].as_str().unwrap();
        let (_, second) = kv.ask(Method::GET, &format!("keys?prefix=ids:&limit=10&cursor={cursor}"), "");
        assert_eq!((&second["result"][0]["name"], &second["result"][9]["name"]), (&json!("ids:10"), &json!("ids:19")));
        assert_eq!(second["result_info"]["cursor"], "");
    }

    #[test]
    fn what_kv_does_not_take_is_refused() {
        let mut kv = Kv::new();
        let code = |(status, body): (u16, Value)| (status, body["errors"][0]["code"].as_i64().unwrap());
        assert_eq!(code(kv.send(Method::GET, "keys", "wrong", "")), (403, 10_000));
        assert_eq!(code(kv.ask(Method::PUT, "values/a?expiration_ttl=59", FORM)).0, 400);
        assert_eq!(code(kv.ask(Method::PUT, "values/a", &FORM.replace("{\"n\":1}", &"1".repeat(1_025)))).0, 413);
        for form in [String::new(), FORM.replace("--x--", ""), FORM.replace("\"value\"", "\"worth\"")] {
            assert_eq!(code(kv.ask(Method::PUT, "values/a", &form)).0, 400, "{form}");
        }
        let many = json!({ "keys": vec!["a"; 101], "type": "text" }).to_string();
        assert_eq!(code(kv.ask(Method::POST, "bulk/get", &many)).0, 400);
        assert_eq!(code(kv.ask(Method::GET, "keys?limit=1", "")).0, 400);
        kv.world.options.state_namespace = "ff".into();
        assert_eq!(code(kv.ask(Method::GET, "keys", "")), (404, 10_013));
    }
}
