//! Google's sign-in: a service account, and the endpoint that trades a signed assertion for a token.

pub mod bigquery;
pub mod schema;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::TimeDelta;
use http::Response;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use rsa::{
    RsaPrivateKey,
    pkcs1::EncodeRsaPrivateKey,
    pkcs8::{EncodePrivateKey, LineEnding},
    traits::PublicKeyParts,
};
use serde_json::{Value, json};

use crate::simulator::{chance::mix, google::bigquery::is_scope, time::Timestamp, wire};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Seconds: the longest lifetime of an assertion, and what a token is good for.
const HOUR: i64 = 3_600;

/// A service account with its private key. Making one takes a second or so; clones share the key.
#[derive(Clone)]
pub struct SimulatedAccount {
    email: String,
    key_id: String,
    key: Arc<RsaPrivateKey>,
}

impl SimulatedAccount {
    /// An account with a key of 2,048 bits; the same seed gives the same key.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self::with_bits(seed, 2_048)
    }

    /// The same with a key that keeps no secret: 512 bits, which sign and are made in a fraction of the time.
    #[must_use]
    pub fn weak(seed: u64) -> Self {
        Self::with_bits(seed, 512)
    }

    fn with_bits(seed: u64, bits: usize) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        #[expect(clippy::expect_used, reason = "both are orders that two primes can meet")]
        let key = RsaPrivateKey::new(&mut rng, bits).expect("a key of that many bits");
        Self {
            email: "poller@simulated-project.iam.gserviceaccount.com".into(),
            key_id: format!("{:016x}{:016x}", mix(seed), mix(!seed)),
            key: Arc::new(key),
        }
    }

    /// The account's name.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }

    /// The private key as Google's key files hold it: `BEGIN PRIVATE KEY`.
    #[must_use]
    pub fn pkcs8_pem(&self) -> String {
        self.key.to_pkcs8_pem(LineEnding::LF).map(|pem| pem.to_string()).unwrap_or_default()
    }

    /// The private key as openssl's older commands print it: `BEGIN RSA PRIVATE KEY`.
    #[must_use]
    pub fn pkcs1_pem(&self) -> String {
        self.key.to_pkcs1_pem(LineEnding::LF).map(|pem| pem.to_string()).unwrap_or_default()
    }

    /// The account's key file.
    #[must_use]
    pub fn json(&self, project: &str, token_uri: &str) -> String {
        let file = json!({
            "type": "service_account",
            "project_id": project,
            "private_key_id": self.key_id,
            "private_key": self.pkcs8_pem(),
            "client_email": self.email,
            "client_id": "100000000000000000001",
            "token_uri": token_uri,
        });
        format!("{file:#}")
    }

    /// The claims of an assertion that this account signed.
    fn verify(&self, assertion: &str) -> Result<Value, Refused> {
        let key = DecodingKey::from_rsa_raw_components(&self.key.n().to_bytes_be(), &self.key.e().to_bytes_be());
        let mut validation = Validation::new(Algorithm::RS256);
        // Times and audience are checked by the simulator's own clock and address.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let header = jsonwebtoken::decode_header(assertion).map_err(|_| Refused::grant("Bad Request"))?;
        if header.kid.is_some_and(|id| id != self.key_id) {
            return Err(Refused::grant("Invalid JWT Signature."));
        }
        let token = jsonwebtoken::decode::<Value>(assertion, &key, &validation);
        token.map(|token| token.claims).map_err(|_| Refused::grant("Invalid JWT Signature."))
    }
}

/// Tokens given out, and until when each is good.
#[derive(Default)]
pub(in crate::simulator) struct Tokens {
    /// When each is over, and its scopes.
    given_out: BTreeMap<String, (Timestamp, BTreeSet<String>)>,
    given: u64,
}

struct Refused {
    error: &'static str,
    description: String,
}

impl Refused {
    fn grant(description: &str) -> Self {
        Self { error: "invalid_grant", description: description.to_owned() }
    }
}

impl Tokens {
    /// Answers a request for a token sent to `audience`.
    pub fn answer(
        &mut self,
        account: &SimulatedAccount,
        now: Timestamp,
        audience: &str,
        body: &[u8],
    ) -> Response<Vec<u8>> {
        match check(account, now, audience, body) {
            Ok(scopes) => {
                self.given += 1;
                let token = format!("ya29.simulated-{:016x}", mix(self.given));
                self.given_out.insert(token.clone(), (now + TimeDelta::seconds(HOUR - 1), scopes));
                let reply = json!({ "access_token": token, "token_type": "Bearer", "expires_in": HOUR - 1 });
                wire::json_response(200, &reply)
            }
            Err(refused) => {
                let reply = json!({ "error": refused.error, "error_description": refused.description });
                wire::json_response(400, &reply)
            }
        }
    }

    /// What a token that is good allows.
    pub fn scopes(&self, token: &str, now: Timestamp) -> Option<&BTreeSet<String>> {
        self.given_out.get(token).filter(|(expiry, _)| now < *expiry).map(|(_, scopes)| scopes)
    }

    pub fn revoke_all(&mut self) {
        self.given_out.clear();
    }
}

/// The scopes that an assertion may have.
fn check(account: &SimulatedAccount, now: Timestamp, audience: &str, body: &[u8]) -> Result<BTreeSet<String>, Refused> {
    let form: BTreeMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    if field("grant_type") != GRANT {
        let description = format!("Invalid grant_type: {}", field("grant_type"));
        return Err(Refused { error: "unsupported_grant_type", description });
    }
    if field("assertion").is_empty() {
        let description = "Missing required parameter: assertion".into();
        return Err(Refused { error: "invalid_request", description });
    }
    let claims = account.verify(field("assertion"))?;
    if claims["iss"] != account.email {
        return Err(Refused::grant("Invalid grant: account not found"));
    }
    if claims["aud"] != audience {
        let description = format!("Invalid JWT: Failed audience check. The right audience is {audience}");
        return Err(Refused::grant(&description));
    }
    check_times(&claims, now)?;
    let scopes = claims["scope"].as_str().unwrap_or_default();
    let scopes: BTreeSet<_> = scopes.split(' ').filter(|scope| is_scope(scope)).map(str::to_owned).collect();
    if scopes.is_empty() {
        let description = "Invalid OAuth scope or ID token audience provided.".into();
        return Err(Refused { error: "invalid_scope", description });
    }
    Ok(scopes)
}

/// Begun, not over, and an hour at most. Seconds.
fn check_times(claims: &Value, now: Timestamp) -> Result<(), Refused> {
    let now = now.timestamp();
    match (claims["iat"].as_i64(), claims["exp"].as_i64()) {
        (Some(iat), Some(exp)) if iat <= now && now < exp && exp - iat <= HOUR => Ok(()),
        _ => Err(Refused::grant(
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. \
             Check your iat and exp values in the JWT claim.",
        )),
    }
}

#[cfg(test)]
pub(in crate::simulator) mod tests {
    use std::sync::LazyLock;

    use jsonwebtoken::{EncodingKey, Header};

    use super::*;

    /// One key for all tests.
    pub static ACCOUNT: LazyLock<SimulatedAccount> = LazyLock::new(|| SimulatedAccount::from_seed(1));

    const URI: &str = "http://127.0.0.1:8080/token";
    const NOW: i64 = 1_793_620_800;

    pub fn claims(audience: &str, now: i64) -> Value {
        json!({ "iss": ACCOUNT.email(), "scope": "https://www.googleapis.com/auth/bigquery.insertdata", "aud": audience, "iat": now - 10, "exp": now + 3_590 })
    }

    pub fn request(claims: &Value, pem: &str) -> Vec<u8> {
        let key = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
        let assertion = jsonwebtoken::encode(&Header::new(Algorithm::RS256), claims, &key).unwrap();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", GRANT).append_pair("assertion", &assertion);
        form.finish().into_bytes()
    }

    fn ask(body: &[u8]) -> (u16, Value) {
        let now = Timestamp::from_timestamp(NOW, 0).unwrap();
        let response = Tokens::default().answer(&ACCOUNT, now, URI, body);
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    fn refusal(member: &str, value: Value) -> String {
        let mut claims = claims(URI, NOW);
        claims[member] = value;
        let (status, body) = ask(&request(&claims, &ACCOUNT.pkcs8_pem()));
        assert_eq!(status, 400);
        format!("{}: {}", body["error"].as_str().unwrap(), body["error_description"].as_str().unwrap())
    }

    #[test]
    fn a_good_assertion_gets_a_token_with_either_form_of_the_key() {
        for pem in [ACCOUNT.pkcs8_pem(), ACCOUNT.pkcs1_pem()] {
            let (status, body) = ask(&request(&claims(URI, NOW), &pem));
            assert_eq!((status, &body["token_type"], &body["expires_in"]), (200, &json!("Bearer"), &json!(3_599)));
        }
    }

    #[test]
    fn tokens_expire_and_can_be_revoked() {
        let mut tokens = Tokens::default();
        let at = |seconds| Timestamp::from_timestamp(NOW + seconds, 0).unwrap();
        let body = request(&claims(URI, NOW), &ACCOUNT.pkcs8_pem());
        let response = tokens.answer(&ACCOUNT, at(0), URI, &body);
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        let token = body["access_token"].as_str().unwrap();
        assert!(tokens.scopes(token, at(3_598)).is_some());
        assert!(tokens.scopes(token, at(3_599)).is_none());
        tokens.revoke_all();
        assert!(tokens.scopes(token, at(0)).is_none());
    }

    #[test]
    fn wrong_claims_are_refused_in_googles_words() {
        let frame = "invalid_grant: Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable \
                     timeframe. Check your iat and exp values in the JWT claim.";
        assert_eq!(refusal("iss", json!("someone")), "invalid_grant: Invalid grant: account not found");
        assert!(
            refusal("aud", json!("https://else.example")).starts_with("invalid_grant: Invalid JWT: Failed audience")
        );
        assert!(refusal("scope", json!("openid")).starts_with("invalid_scope: "));
        assert_eq!(refusal("iat", json!(NOW + 1)), frame);
        assert_eq!(refusal("iat", json!(NOW * 1_000)), frame);
        assert_eq!(refusal("exp", json!(NOW)), frame);
        assert_eq!(refusal("exp", json!(NOW + 3_591)), frame);
        assert_eq!(refusal("exp", json!(null)), frame);
    }

    #[test]
    fn a_foreign_key_or_no_assertion_is_refused() {
        let foreign = SimulatedAccount::from_seed(2).pkcs8_pem();
        let (_, body) = ask(&request(&claims(URI, NOW), &foreign));
        assert_eq!(body["error_description"], "Invalid JWT Signature.");
        assert_eq!(ask(b"grant_type=password").1["error"], "unsupported_grant_type");
        let form = request(&claims(URI, NOW), &foreign);
        let form = String::from_utf8(form).unwrap();
        assert_eq!(ask(form.split("&assertion").next().unwrap().as_bytes()).1["error"], "invalid_request");
    }

    #[test]
    fn the_key_file_holds_what_a_program_needs() {
        let file: Value = serde_json::from_str(&ACCOUNT.json("p", URI)).unwrap();
        assert_eq!((&file["client_email"], &file["token_uri"]), (&json!(ACCOUNT.email()), &json!(URI)));
        assert!(file["private_key"].as_str().unwrap().starts_with("-----BEGIN PRIVATE KEY-----\n"));
        assert!(ACCOUNT.pkcs1_pem().starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
    }
}
