//! A namespace of a deployed Worker's KV over Cloudflare's REST API. With it an operator's own machine reaches the
//! Worker's state. developers.cloudflare.com/api/resources/kv

use http::{HeaderValue, Method, header::CONTENT_TYPE};
use serde_json::{Value, json};

use super::{Host, Listing, Put, Store, call};
use crate::{
    config::Kv,
    envelope::{Hints, open},
    error::{CallError, StoreError},
    wire::{Request, Response, encoded, request},
};

/// The keys of one listing page: the most that the API returns.
const LISTED: &str = "1000";

/// The hints to a person if the API refuses.
const HINTS: Hints = Hints {
    missing: "Check CF_ACCOUNT_ID, CF_KV_STATE_ID and CF_KV_IDS_ID: that account has no such namespace of KV",
    token: "Check CF_API_TOKEN: it must be valid, belong to the account CF_ACCOUNT_ID, and have the permission Workers KV \
            Storage Read; to replay or discard dead letters, Workers KV Storage Edit",
    other: "The request does not suit the API: check CF_ACCOUNT_ID, CF_KV_STATE_ID and CF_KV_IDS_ID",
};

/// A namespace, reached through a host.
#[derive(Debug)]
pub struct RestKv<'a, H> {
    host: &'a H,
    kv: &'a Kv,
    namespace: &'a str,
}

impl<'a, H: Host> RestKv<'a, H> {
    /// The namespace with the id `namespace`.
    #[must_use]
    pub fn new(host: &'a H, kv: &'a Kv, namespace: &'a str) -> Self {
        Self { host, kv, namespace }
    }

    fn request(&self, method: Method, path: &str, body: Vec<u8>, media_type: &str) -> Request {
        let Kv { base, account, token, .. } = self.kv;
        let (account, namespace) = (encoded(account), encoded(self.namespace));
        let address = format!("{base}/accounts/{account}/storage/kv/namespaces/{namespace}/{path}");
        let mut request = request(method, &address, body);
        if let Ok(media_type) = HeaderValue::try_from(media_type) {
            request.headers_mut().insert(CONTENT_TYPE, media_type);
        }
        token.authorize(&mut request);
        request
    }
}

impl<H: Host> Store for RestKv<'_, H> {
    async fn get_many(&self, keys: &[&str]) -> Result<Vec<Option<String>>, StoreError> {
        let body = json!({ "keys": keys, "type": "text" }).to_string().into_bytes();
        let request = self.request(Method::POST, "bulk/get", body, "application/json");
        Ok(call(self.host, &request, |response| read_values(response, keys)).await?)
    }

    async fn put(&self, key: &str, value: &str, options: &Put) -> Result<(), StoreError> {
        let ttl = options.ttl.map_or_else(String::new, |ttl| format!("?expiration_ttl={}", ttl.as_secs()));
        let (body, media_type) = form(value, options.metadata.as_ref());
        let request = self.request(Method::PUT, &format!("values/{}{ttl}", encoded(key)), body, &media_type);
        Ok(call(self.host, &request, read_done).await?)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let request = self.request(Method::DELETE, &format!("values/{}", encoded(key)), Vec::new(), "application/json");
        Ok(call(self.host, &request, read_done).await?)
    }

    async fn list(&self, prefix: &str, cursor: Option<&str>) -> Result<Listing, StoreError> {
        let mut parameters = form_urlencoded::Serializer::new(String::new());
        parameters.append_pair("prefix", prefix).append_pair("limit", LISTED);
        if let Some(cursor) = cursor {
            parameters.append_pair("cursor", cursor);
        }
        let path = format!("keys?{}", parameters.finish());
        let request = self.request(Method::GET, &path, Vec::new(), "application/json");
        Ok(call(self.host, &request, read_keys).await?)
    }
}

/// A form with a value and its metadata, and the media type that tells where its parts end.
fn form(value: &str, metadata: Option<&Value>) -> (Vec<u8>, String) {
    let mut parts = vec![("value", value.to_owned())];
    parts.extend(metadata.map(|metadata| ("metadata", metadata.to_string())));
    // The boundary between parts must not occur within a part.
    let mut boundary = "aig-logs".to_owned();
    while parts.iter().any(|(_, text)| text.contains(&boundary)) {
        boundary.push('-');
    }
    let parts = parts.into_iter().map(|(name, text)| {
        format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    });
    let body: String = parts.chain([format!("--{boundary}--\r\n")]).collect();
    (body.into_bytes(), format!("multipart/form-data; boundary={boundary}"))
}

fn read_values(response: &Response, keys: &[&str]) -> Result<Vec<Option<String>>, CallError> {
    let mut result = open(response, &HINTS)?.result;
    let values = result.get_mut("values").and_then(Value::as_object_mut);
    let Some(values) = values else { return Err(misbehaved("has no values")) };
    let value = |key: &&str| match values.remove(*key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(misbehaved("has a value that is not a text"))
        }
    };
    keys.iter().map(value).collect()
}

fn read_keys(response: &Response) -> Result<Listing, CallError> {
    let mut envelope = open(response, &HINTS)?;
    let Value::Array(found) = envelope.result.take() else { return Err(misbehaved("has no list of keys")) };
    let key = |mut key: Value| {
        let mut member = |name| key.get_mut(name).map(Value::take).filter(|value| !value.is_null());
        let Some(Value::String(name)) = member("name") else { return Err(misbehaved("lists a key without a name")) };
        Ok((name, member("metadata")))
    };
    let keys = found.into_iter().map(key).collect::<Result<_, _>>()?;
    Ok(Listing { keys, cursor: envelope.cursor() })
}

fn read_done(response: &Response) -> Result<(), CallError> {
    open(response, &HINTS).map(|_| ())
}

fn misbehaved(problem: &str) -> CallError {
    let hint = "Check CLOUDFLARE_BASE_URL; if it is Cloudflare's own, its API has changed: please report it";
    CallError::denied(format!("the answer of the KV API {problem}"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Response {
        http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn values_come_in_the_order_asked_for() {
        let body = r#"{"success":true,"errors":[],"messages":[],"result":{"values":{"b":"2","a":"1","c":null}}}"#;
        let read = |keys: &[&str]| read_values(&answer(200, body), keys).unwrap();
        assert_eq!(read(&["a", "c", "d", "b"]), [Some("1".into()), None, None, Some("2".into())]);
        let strange = read_values(&answer(200, r#"{"success":true,"result":{"values":{"a":{}}}}"#), &["a"]);
        assert!(!strange.unwrap_err().is_transient());
        assert!(read_values(&answer(200, r#"{"success":true,"result":null}"#), &["a"]).is_err());
    }

    #[test]
    fn an_empty_cursor_is_the_end_of_a_listing() {
        let body = |cursor| {
            let keys = r#"[{"name":"dead:a","metadata":{"n":2}},{"name":"dead:b","expiration":1}]"#;
            format!(r#"{{"success":true,"result":{keys},"result_info":{{"count":2,"cursor":{cursor}}}}}"#)
        };
        let keys = vec![("dead:a".to_owned(), Some(json!({ "n": 2 }))), ("dead:b".to_owned(), None)];
        for (cursor, expected) in [(r#""next""#, Some("next".to_owned())), (r#""""#, None), ("null", None)] {
            let listing = read_keys(&answer(200, &body(cursor))).unwrap();
            assert_eq!(listing, Listing { keys: keys.clone(), cursor: expected });
        }
        assert!(read_keys(&answer(200, r#"{"success":true,"result":[{}]}"#)).is_err());
    }

    #[test]
    fn what_ends_a_part_stands_within_none() {
        let (body, media_type) = form("aig-logs aig-logs-", Some(&json!({ "n": 1 })));
        assert_eq!(media_type, "multipart/form-data; boundary=aig-logs--");
        let expected = "--aig-logs--\r\ncontent-disposition: form-data; name=\"value\"\r\n\r\naig-logs aig-logs-\r\n\
                        --aig-logs--\r\ncontent-disposition: form-data; name=\"metadata\"\r\n\r\n{\"n\":1}\r\n\
                        --aig-logs----\r\n";
        assert_eq!(String::from_utf8(body).unwrap(), expected);
    }

    #[test]
    fn a_refusal_names_the_setting_or_the_permission() {
        let check = |status, body: &str, words: &str| {
            let error = read_done(&answer(status, body)).unwrap_err();
            assert!(!error.is_transient() && error.to_string().contains(words), "{error}");
        };
        check(403, include_str!("../../tests/fixtures/wrong_token.json"), "Workers KV Storage Read");
        check(404, r#"{"success":false,"errors":[{"code":10013,"message":"namespace not found"}]}"#, "CF_KV_STATE_ID");
        assert!(read_done(&answer(502, "<html>")).unwrap_err().is_transient());
    }
}
