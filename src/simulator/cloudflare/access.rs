//! The account, and the permissions of its one API token: `tokens/verify`, `accounts`, and the refusal of other
//! callers.

use std::collections::BTreeSet;

use http::{Request, Response, header};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::simulator::{
    cloudflare::{failure, page, success},
    wire,
};

/// The permissions of a token, by Cloudflare's own names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Permission {
    /// To see the account's settings.
    #[serde(rename = "Account Settings Read")]
    Account,
    /// To see gateways and their logs.
    #[serde(rename = "AI Gateway Read")]
    Gateway,
    /// To read KV.
    #[serde(rename = "Workers KV Storage Read")]
    KvRead,
    /// To read and change KV.
    #[serde(rename = "Workers KV Storage Write")]
    KvWrite,
    /// To read databases of D1.
    #[serde(rename = "D1 Read")]
    D1Read,
    /// To read and change databases of D1.
    #[serde(rename = "D1 Write")]
    D1Write,
    /// To read and change queues.
    #[serde(rename = "Queues Write")]
    QueuesWrite,
}

/// The status of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenStatus {
    /// The token works.
    Active,
    /// Somebody has switched the token off.
    Disabled,
    /// The token's time is over.
    Expired,
}

/// The owner of a token. Each kind of owner has an address to verify its tokens. The other address does not know them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// A user: `user/tokens/verify`.
    User,
    /// The account: `accounts/ID/tokens/verify`.
    Account,
}

/// The account and its token, to change at any time.
#[derive(Clone, Debug)]
pub struct Access {
    /// The token's status.
    pub status: TokenStatus,
    /// The token's owner.
    pub owner: Owner,
    /// The token's permissions. At first it has all.
    pub permissions: BTreeSet<Permission>,
}

impl Default for Access {
    fn default() -> Self {
        let permissions = [
            Permission::Account,
            Permission::Gateway,
            Permission::KvRead,
            Permission::KvWrite,
            Permission::D1Read,
            Permission::D1Write,
            Permission::QueuesWrite,
        ];
        Self { status: TokenStatus::Active, owner: Owner::User, permissions: permissions.into() }
    }
}

impl Access {
    /// Answers the question whether the token is good.
    pub(in crate::simulator) fn verify(&self, is_the_token: bool, owner: Owner) -> Response<Vec<u8>> {
        if !is_the_token || owner != self.owner {
            return failure(401, json!([{ "code": 1000, "message": "Invalid API Token" }]), Value::Null);
        }
        let (status, words) = match self.status {
            TokenStatus::Active => ("active", "This API Token is valid and active"),
            TokenStatus::Disabled => ("disabled", "This API Token is disabled"),
            TokenStatus::Expired => ("expired", "This API Token has expired"),
        };
        let result = json!({ "id": "ed17574386854bf78a67040be0a770b0", "status": status });
        let messages = json!([{ "code": 10000, "message": words, "type": null }]);
        let body = json!({ "success": true, "errors": [], "messages": messages, "result": result });
        wire::json_response(200, &body)
    }

    /// The refusal of a caller that has another token, or none of the `permissions`.
    pub(in crate::simulator) fn refuse(
        &self,
        is_the_token: bool,
        permissions: &[Permission],
    ) -> Option<Response<Vec<u8>>> {
        let may = permissions.is_empty() || permissions.iter().any(|permission| self.permissions.contains(permission));
        let good = is_the_token && self.status == TokenStatus::Active;
        let error = if good && permissions.contains(&Permission::Account) {
            json!([{ "code": 9109, "message": "Unauthorized to access requested resource" }])
        } else {
            json!([{ "code": 10000, "message": "Authentication error" }])
        };
        (!good || !may).then(|| failure(403, error, Value::Null))
    }

    /// The accounts that the token can see.
    pub(in crate::simulator) fn accounts(&self, id: &str, query: &str) -> Response<Vec<u8>> {
        let seen = self.permissions.contains(&Permission::Account).then(|| shown(id));
        page(&Vec::from_iter(seen), query, 50)
    }

    /// The account.
    pub(in crate::simulator) fn account(id: &str) -> Response<Vec<u8>> {
        success(&shown(id), &Value::Null)
    }
}

fn shown(id: &str) -> Value {
    json!({
        "id": id,
        "name": "Simulated account",
        "type": "standard",
        "settings": { "enforce_twofactor": false, "abuse_contact_email": null },
        "created_on": "2025-01-15T08:00:00.000000Z",
    })
}

/// The token that a request carries, or the refusal of a request without a token.
pub(in crate::simulator) fn token(request: &Request<Vec<u8>>) -> Result<&str, Box<Response<Vec<u8>>>> {
    let Some(authorization) = request.headers().get(header::AUTHORIZATION) else {
        let message = "Missing X-Auth-Key, X-Auth-Email or Authorization headers";
        return Err(failure(400, json!([{ "code": 9106, "message": message }]), Value::Null).into());
    };
    wire::bearer(authorization).filter(|given| !given.is_empty()).ok_or_else(|| {
        let chain = json!([{ "code": 6103, "message": "Invalid format for Authorization header" }]);
        let errors = json!([{ "code": 6003, "message": "Invalid request headers", "error_chain": chain }]);
        failure(400, errors, Value::Null).into()
    })
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::simulator::{Answer, Simulator, tests::options};

    /// What a GET is answered with.
    fn ask(world: &mut Simulator, authorization: Option<&str>, path: &str) -> (u16, Value) {
        let mut request = Request::builder().method(Method::GET).uri(format!("/client/v4/{path}"));
        if let Some(text) = authorization {
            request = request.header("authorization", text);
        }
        let now = world.options().start;
        let Answer::Response(response) = world.answer(now, &request.body(Vec::new()).unwrap()) else {
            panic!("silence")
        };
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    fn code(answer: &(u16, Value)) -> (u16, i64) {
        (answer.0, answer.1["errors"][0]["code"].as_i64().unwrap_or_default())
    }

    const GOOD: Option<&str> = Some("Bearer simulated-api-token");

    #[test]
    fn only_the_right_token_is_let_in() {
        let mut world = Simulator::new(options());
        let path = format!("accounts/{}/ai-gateway/gateways", world.options().account);
        let mut check = |authorization, expected| assert_eq!(code(&ask(&mut world, authorization, &path)), expected);
        check(None, (400, 9106));
        check(Some("simulated-api-token"), (400, 6003));
        check(Some("Bearer wrong"), (403, 10000));
        check(GOOD, (200, 0));
    }

    #[test]
    fn a_token_is_verified_where_tokens_of_its_owner_are() {
        let mut world = Simulator::new(options());
        let of_account = format!("accounts/{}/tokens/verify", world.options().account);
        let (status, body) = ask(&mut world, GOOD, "user/tokens/verify");
        assert_eq!((status, &body["result"]["status"]), (200, &json!("active")));
        assert_eq!(code(&ask(&mut world, Some("Bearer wrong"), "user/tokens/verify")), (401, 1000));
        assert_eq!(code(&ask(&mut world, GOOD, &of_account)), (401, 1000));
        world.access_mut().owner = Owner::Account;
        assert_eq!(code(&ask(&mut world, GOOD, "user/tokens/verify")), (401, 1000));
        assert_eq!(ask(&mut world, GOOD, &of_account).1["result"]["status"], "active");
    }

    #[test]
    fn a_token_that_is_off_says_so_and_is_good_for_nothing_else() {
        let mut world = Simulator::new(options());
        for (status, word) in [(TokenStatus::Disabled, "disabled"), (TokenStatus::Expired, "expired")] {
            world.access_mut().status = status;
            assert_eq!(ask(&mut world, GOOD, "user/tokens/verify").1["result"]["status"], word);
            assert_eq!(code(&ask(&mut world, GOOD, "accounts")), (403, 10000));
        }
    }

    #[test]
    fn each_permission_can_be_taken_away() {
        let mut world = Simulator::new(options());
        let account = format!("accounts/{}", world.options().account);
        let paths = |permission| match permission {
            Permission::Account => String::new(),
            Permission::Gateway => "/ai-gateway/gateways/main".into(),
            Permission::KvRead | Permission::KvWrite => "/storage/kv/namespaces".into(),
            Permission::D1Read | Permission::D1Write => panic!("D1 is asked with a statement"),
            Permission::QueuesWrite => "/queues".into(),
        };
        let refusals = [
            (Permission::Account, 9109),
            (Permission::Gateway, 10000),
            (Permission::KvWrite, 10000),
            (Permission::QueuesWrite, 10000),
        ];
        world.access_mut().permissions.remove(&Permission::KvRead);
        for (permission, expected) in refusals {
            let path = format!("{account}{}", paths(permission));
            assert_eq!(ask(&mut world, GOOD, &path).0, 200, "{permission:?}");
            world.access_mut().permissions.remove(&permission);
            assert_eq!(code(&ask(&mut world, GOOD, &path)), (403, expected), "{permission:?}");
        }
        assert_eq!(ask(&mut world, GOOD, "accounts").1["result"], json!([]), "it sees no account");
    }

    #[test]
    fn the_account_says_when_it_was_made() {
        let mut world = Simulator::new(options());
        let id = world.options().account.clone();
        let (_, body) = ask(&mut world, GOOD, "accounts?per_page=5");
        assert_eq!(body["result"][0]["id"], id);
        assert_eq!(body["result_info"]["total_pages"], 1);
        let (_, body) = ask(&mut world, GOOD, &format!("accounts/{id}"));
        assert_eq!(body["result"]["created_on"], "2025-01-15T08:00:00.000000Z");
        assert_eq!(code(&ask(&mut world, GOOD, "accounts/other")), (404, 7003));
    }
}
