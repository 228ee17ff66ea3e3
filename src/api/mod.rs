//! The API of events: one function answers every request, in the Worker and in `aig-logs serve`.

mod access;
mod answer;
mod content;
mod openapi;
mod problem;
mod questions;
mod route;
mod users;

pub mod key;
pub mod keys;
pub mod prices;

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::json;

pub use self::{
    content::told,
    problem::{Answer, Problem},
};
use self::{
    content::{bearer, body_form, empty, is_packed, json, text},
    key::{Key, KnownKeys, Scope},
    prices::{ORGS, PRICES},
    route::{Action, route},
};
use crate::{
    config::EventSettings,
    database::Database,
    error::CallError,
    event::Way,
    host::Server,
    ingest::{self, Element, Form, Sender, Taken, ingest},
    wire::{Request, Response},
};

/// The header with a text that makes ids for events without ids.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The headers of a request that the API reads. A host may leave out all others.
pub const READ: [HeaderName; 8] = [
    header::ACCEPT,
    header::AUTHORIZATION,
    header::CONTENT_ENCODING,
    header::CONTENT_TYPE,
    header::ORIGIN,
    header::USER_AGENT,
    header::ACCESS_CONTROL_REQUEST_METHOD,
    IDEMPOTENCY_KEY,
];

/// The API, and the keys that it has seen.
#[derive(Debug)]
pub struct Api {
    settings: EventSettings,
    /// The hash of the key of all orgs and scopes, if there is one.
    admin: Option<String>,
    keys: KnownKeys,
}

impl Api {
    /// The API with these settings.
    #[must_use]
    pub fn new(settings: EventSettings) -> Self {
        let admin = settings.admin_key.as_ref().map(|key| key::hash(key.reveal()));
        Self { settings, admin, keys: KnownKeys::default() }
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &EventSettings {
        &self.settings
    }

    /// Answers a request. Of a body larger than [`ingest::LARGEST_BODY`], a host reads one byte more and no further.
    pub async fn answer<S: Server>(&self, server: &S, request: Request) -> Response {
        let origin = request.headers().get(header::ORIGIN).cloned();
        let is_head = request.method() == Method::HEAD;
        let mut response = if request.method() == Method::OPTIONS {
            preflight(request.uri().path()).unwrap_or_else(Problem::response)
        } else {
            self.act(server, &request).await.unwrap_or_else(Problem::response)
        };
        if let Some(origin) = origin {
            self.allow(server, &origin, &mut response).await;
        }
        if is_head {
            let length = response.body().len();
            response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
            response.body_mut().clear();
        }
        response
    }

    async fn act<S: Server>(&self, server: &S, request: &Request) -> Answer {
        let (route, part) = route(request.method(), request.uri().path())?;
        let action = route.2;
        if action == Action::Health {
            server.database().query("SELECT 1", Vec::new()).await?;
            return json(StatusCode::OK, &json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }));
        }
        if action == Action::Describe {
            return json(StatusCode::OK, &openapi::document());
        }
        let key = self.key(server, request.headers()).await?;
        if let Some(rate) = self.settings.rate
            && !server.allows(&key.prefix).await
        {
            return Err(Problem::too_fast(rate));
        }
        let permitted = action.scope().map_or(Ok(()), |scope| permit(&key, scope));
        if self.settings.access_log && !matches!(action, Action::Ingest(_)) {
            access::record(server, &self.settings, route, &key, permitted.is_ok()).await?;
        }
        permitted?;
        match action {
            Action::Ingest(form) => self.take(server, request, form, &key).await,
            Action::Ask(asked) => questions::answer(server, asked, request, &key, &self.settings.org_metadata).await,
            Action::CreateKey => keys::create(server, &key, request.body()).await,
            Action::ListKeys => keys::list(server, &key).await,
            Action::RevokeKey => {
                let revoked = keys::revoke(server, &key, part).await;
                self.keys.forget();
                revoked
            }
            Action::ListPrices => prices::list(server, &PRICES, &key).await,
            Action::SetPrices => prices::put(server, &PRICES, &key, request.body()).await,
            Action::ListOrgs => prices::list(server, &ORGS, &key).await,
            Action::SetOrgs => prices::put(server, &ORGS, &key, request.body()).await,
            Action::Erase => users::delete(server, &self.settings, &key, request, part).await,
            Action::Health | Action::Describe => json(StatusCode::OK, &()),
        }
    }

    /// The key of a request.
    async fn key<S: Server>(&self, server: &S, headers: &HeaderMap) -> Result<Arc<Key>, Problem> {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let text = given
            .and_then(bearer)
            .ok_or_else(|| Problem::unauthorized("send a key in the header authorization: Bearer aig_…"))?;
        // Hashes are compared, so that the time that it takes tells nothing of the key.
        if self.admin.as_ref().is_some_and(|admin| *admin == key::hash(text)) {
            return Ok(Arc::new(Key {
                prefix: "EVENTS_ADMIN_KEY".into(),
                org: None,
                scopes: Scope::ALL.into(),
                origins: Vec::new(),
            }));
        }
        let known = self.keys.find(server.database(), text, server.now()).await?;
        known.ok_or_else(|| Problem::unauthorized("the key is not known, or it is revoked"))
    }

    async fn take<S: Server>(&self, server: &S, request: &Request, form: Form, key: &Key) -> Answer {
        let headers = request.headers();
        let (form, is_packed) = (body_form(headers, form)?, is_packed(headers)?);
        let body = ingest::unpacked(request.body(), is_packed)?;
        if !self.settings.enabled {
            return Ok(empty(StatusCode::NO_CONTENT));
        }
        let events = ingest::events(&body, form)?;
        let is_command = text(headers, &header::USER_AGENT).starts_with("aig-logs/");
        let sender = Sender {
            way: if is_command { Way::Cli } else { Way::Http },
            org: key.org.as_deref(),
            idempotency_key: idempotency_key(headers)?,
        };
        let taken = ingest(server, &self.settings, &sender, events).await?;
        let is_single = request.uri().path() == "/events";
        told(&taken, is_single)
    }

    /// Lets a page of an origin read the answer, if a key names the origin.
    async fn allow<S: Server>(&self, server: &S, origin: &HeaderValue, response: &mut Response) {
        let Ok(text) = origin.to_str() else { return };
        let headers = response.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
        if self.keys.names_origin(server.database(), text, server.now()).await.unwrap_or(false) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
        }
    }

    /// Takes events that come over a service binding. A binding is inside the account, so it needs no key. If no events are taken, nothing is accepted, refused or kept.
    ///
    /// # Errors
    /// If the store did not confirm that it has the events. Some may be kept.
    pub async fn take_bound<S: Server>(
        &self,
        server: &S,
        way: Way,
        events: Vec<Element<'_>>,
    ) -> Result<Taken, CallError> {
        if !self.settings.enabled {
            return Ok(Taken::default());
        }
        let sender = Sender { way, org: None, idempotency_key: None };
        ingest(server, &self.settings, &sender, events).await
    }
}

fn permit(key: &Key, scope: Scope) -> Result<(), Problem> {
    if key.scopes.contains(&scope) {
        return Ok(());
    }
    let detail = format!("the key lacks the scope {}", scope.name());
    Err(Problem::new(StatusCode::FORBIDDEN, detail).of("authorization"))
}

/// The answer to a browser that asks whether it may send a request.
fn preflight(path: &str) -> Answer {
    let mut response = empty(StatusCode::NO_CONTENT);
    let methods = route::methods(path).join(", ");
    if methods.is_empty() {
        return Err(route::nowhere());
    }
    let headers = "authorization, content-encoding, content-type, idempotency-key";
    let texts = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, methods.as_str()),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, headers),
        (header::ACCESS_CONTROL_MAX_AGE, "60"),
    ];
    for (name, text) in texts {
        if let Ok(value) = HeaderValue::from_str(text) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// The text of `Idempotency-Key`.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let text = headers.get(IDEMPOTENCY_KEY).map(HeaderValue::to_str).transpose();
    text.map_err(|_| {
        Problem::new(StatusCode::BAD_REQUEST, "send an idempotency key of ASCII letters").of("idempotency-key")
    })
}
