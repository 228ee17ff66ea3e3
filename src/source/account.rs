//! Requests and answers, as values, about a token, an account, its namespaces of KV, databases of D1 and queues. A pass needs
//! none of them: they serve to make and to check a set-up.

use http::{Method, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    config::AiGateway,
    envelope::{Hints, open},
    error::CallError,
    wire::{Request, Response, encoded, json, post, request},
};

/// The hints to a person if the API refuses.
const HINTS: Hints = Hints {
    missing: "Check CF_ACCOUNT_ID: there is no such account",
    token: "Check CF_API_TOKEN: it must be a valid token, as the dashboard showed it when it was made",
    other: "Check CF_ACCOUNT_ID, and CLOUDFLARE_BASE_URL, which should be Cloudflare's own",
};

/// The status of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The token works.
    Active,
    /// The token is known, but does not work: `disabled`, `expired`, or a new word.
    Not(String),
}

/// Asks for the status of a user's own token.
#[must_use]
pub fn verify_of_user(source: &AiGateway) -> Request {
    get(source, "/user/tokens/verify")
}

/// Asks for the status of the account's own token.
#[must_use]
pub fn verify_of_account(source: &AiGateway) -> Request {
    get(source, &format!("/accounts/{}/tokens/verify", encoded(&source.account)))
}

/// Reads the answer to [`verify_of_user`] or [`verify_of_account`]. None: that address does not know the token.
///
/// # Errors
/// If the API fails.
pub fn read_standing(response: &Response) -> Result<Option<Standing>, CallError> {
    let unknown = [StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND];
    if unknown.contains(&response.status()) {
        return Ok(None);
    }
    let result = open(response, &HINTS)?.result;
    Ok(Some(match result["status"].as_str() {
        Some("active") => Standing::Active,
        status => Standing::Not(status.unwrap_or("without a status").to_owned()),
    }))
}

/// An account that a token can see.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
}

/// Asks which accounts the token can see, at most 50. The account of `source` is not used.
#[must_use]
pub fn accounts(source: &AiGateway) -> Request {
    get(source, "/accounts?page=1&per_page=50")
}

/// Reads the answer to [`accounts`]. There are no accounts if the token may not know.
///
/// # Errors
/// If the API refuses or fails.
pub fn read_accounts(response: &Response) -> Result<Vec<Account>, CallError> {
    let found = serde_json::from_value(open(response, &HINTS)?.result);
    found.map_err(|_| CallError::Broken("Cloudflare's list of accounts cannot be read".into()))
}

/// A namespace of KV.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Namespace {
    /// Its id.
    pub id: String,
    /// Its name.
    pub title: String,
}

/// Namespaces on a page: the most that the API returns.
const NAMESPACES: usize = 1_000;

/// The request for one page of the account's namespaces, from 1.
#[must_use]
pub fn namespaces(source: &AiGateway, page: u32) -> Request {
    let account = encoded(&source.account);
    get(source, &format!("/accounts/{account}/storage/kv/namespaces?page={page}&per_page={NAMESPACES}"))
}

/// Reads the answer to [`namespaces`], and whether it was the last page. None: the token may not know.
///
/// # Errors
/// If the API refuses for another reason, or fails.
pub fn read_namespaces(response: &Response) -> Result<Option<(Vec<Namespace>, bool)>, CallError> {
    let found = read::<Vec<Namespace>>(response, "Cloudflare's list of namespaces cannot be read")?;
    Ok(found.map(|found| {
        let last = found.len() < NAMESPACES;
        (found, last)
    }))
}

/// The request for a new namespace.
#[must_use]
pub fn new_namespace(source: &AiGateway, title: &str) -> Request {
    create(source, "storage/kv/namespaces", &json!({ "title": title }))
}

/// Reads the answer to [`new_namespace`]. None: the token may not make a namespace.
///
/// # Errors
/// If the API refuses for another reason, or fails.
pub fn read_new_namespace(response: &Response) -> Result<Option<Namespace>, CallError> {
    read(response, "Cloudflare does not name the namespace it has made")
}

/// A database of D1.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AccountDatabase {
    /// Its id.
    #[serde(rename = "uuid")]
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Asks for the databases of D1 whose names hold this text.
#[must_use]
pub fn databases(source: &AiGateway, name: &str) -> Request {
    get(source, &format!("/accounts/{}/d1/database?per_page=100&name={}", encoded(&source.account), encoded(name)))
}

/// Reads the answer to [`databases`]. None: the token may not know.
///
/// # Errors
/// If the API refuses for another reason, or fails.
pub fn read_databases(response: &Response) -> Result<Option<Vec<AccountDatabase>>, CallError> {
    read(response, "Cloudflare's list of databases cannot be read")
}

/// Makes a database of D1.
#[must_use]
pub fn new_database(source: &AiGateway, name: &str) -> Request {
    create(source, "d1/database", &json!({ "name": name }))
}

/// Reads the answer to [`new_database`]. None: the token may not make one.
///
/// # Errors
/// If the API refuses for another reason, or fails.
pub fn read_new_database(response: &Response) -> Result<Option<AccountDatabase>, CallError> {
    read(response, "Cloudflare does not name the database it has made")
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AccountQueue {
    /// Its name.
    #[serde(rename = "queue_name")]
    pub name: String,
}

/// Asks for the queues of this name.
#[must_use]
pub fn queues(source: &AiGateway, name: &str) -> Request {
    get(source, &format!("/accounts/{}/queues?page=1&name={}", encoded(&source.account), encoded(name)))
}

/// Reads the answer to [`queues`]. None: the token may not know.
///
/// # Errors
/// If the API refuses for another reason, or fails.
pub fn read_queues(response: &Response) -> Result<Option<Vec<AccountQueue>>, CallError> {
    read(response, "Cloudflare's list of queues cannot be read")
}

/// Makes a queue.
#[must_use]
pub fn new_queue(source: &AiGateway, name: &str) -> Request {
    create(source, "queues", &json!({ "queue_name": name }))
}

/// Reads the answer to [`new_queue`]. None: the token may not make one.
///
/// # Errors
/// If the API refuses for another reason, or fails.
pub fn read_new_queue(response: &Response) -> Result<Option<AccountQueue>, CallError> {
    read(response, "Cloudflare does not name the queue it has made")
}

/// A request that makes something in the account.
fn create(source: &AiGateway, path: &str, body: &Value) -> Request {
    let address = format!("{}/accounts/{}/{path}", source.base, encoded(&source.account));
    let mut request = post(&address, body.to_string().into());
    source.token.authorize(&mut request);
    request
}

/// The result of an answer. None: the token may not know, or may not do it.
fn read<T: DeserializeOwned>(response: &Response, broken: &str) -> Result<Option<T>, CallError> {
    if is_forbidden(response) {
        return Ok(None);
    }
    let result = serde_json::from_value(open(response, &HINTS)?.result);
    result.map(Some).map_err(|_| CallError::Broken(broken.into()))
}

fn is_forbidden(response: &Response) -> bool {
    if matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return true;
    }
    // A refusal may have another status, but not another code.
    let body: Value = json(response).unwrap_or_default();
    let codes = body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    codes.iter().any(|error| matches!(error["code"].as_i64(), Some(9_109 | 10_000)))
}

fn get(source: &AiGateway, path: &str) -> Request {
    let mut request = request(Method::GET, &format!("{}{path}", source.base), Vec::new());
    source.token.authorize(&mut request);
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Response {
        http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_token_stands_as_it_is_told_and_is_unknown_where_it_is_refused() {
        let told = |status| answer(200, &format!(r#"{{"success":true,"result":{{"id":"a","status":{status}}}}}"#));
        assert_eq!(read_standing(&told(r#""active""#)), Ok(Some(Standing::Active)));
        assert_eq!(read_standing(&told(r#""expired""#)), Ok(Some(Standing::Not("expired".into()))));
        assert_eq!(read_standing(&told("null")), Ok(Some(Standing::Not("without a status".into()))));
        let unknown = r#"{"success":false,"errors":[{"code":1000,"message":"Invalid API Token"}]}"#;
        assert_eq!(read_standing(&answer(401, unknown)), Ok(None));
        assert!(read_standing(&answer(502, "<html>")).unwrap_err().is_transient());
    }

    #[test]
    fn who_may_not_know_is_told_apart_from_what_is_missing() {
        let refused = r#"{"success":false,"errors":[{"code":9109,"message":"Unauthorized"}]}"#;
        assert_eq!(read_queues(&answer(403, refused)), Ok(None));
        assert_eq!(read_queues(&answer(400, refused)), Ok(None));
        let missing = r#"{"success":false,"errors":[{"code":7003,"message":"Could not route"}]}"#;
        assert!(read_queues(&answer(404, missing)).unwrap_err().to_string().contains("CF_ACCOUNT_ID"));
    }

    #[test]
    fn namespaces_come_page_by_page() {
        let told = r#"{"success":true,"result":[{"id":"a","title":"STATE_KV","supports_url_encoding":true}]}"#;
        let namespace = Namespace { id: "a".into(), title: "STATE_KV".into() };
        assert_eq!(read_namespaces(&answer(200, told)), Ok(Some((vec![namespace], true))));
        assert_eq!(read_namespaces(&answer(403, "{}")), Ok(None));
    }

    #[test]
    fn a_namespace_is_made_by_its_title() {
        let told = r#"{"success":true,"result":{"id":"a","title":"w-STATE_KV","supports_url_encoding":true}}"#;
        let namespace = Namespace { id: "a".into(), title: "w-STATE_KV".into() };
        assert_eq!(read_new_namespace(&answer(200, told)), Ok(Some(namespace)));
        assert_eq!(read_new_namespace(&answer(403, "{}")), Ok(None));
        assert!(
            !read_new_namespace(&answer(400, r#"{"success":false,"errors":[{"code":10014}]}"#))
                .unwrap_err()
                .is_transient()
        );
    }

    #[test]
    fn accounts_have_ids_and_names() {
        let told = r#"{"success":true,"result":[{"id":"a","name":"Ours","type":"standard"}]}"#;
        assert_eq!(read_accounts(&answer(200, told)), Ok(vec![Account { id: "a".into(), name: "Ours".into() }]));
        assert!(read_accounts(&answer(403, "{}")).unwrap_err().to_string().contains("CF_API_TOKEN"));
    }
}
