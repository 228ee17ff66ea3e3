//! The simulated outside world: AI Gateway's list API, Google's sign-in and `BigQuery`'s `insertAll`, with traffic that
//! goes on arriving and faults that strike by plan. One pure state machine, in which the time is an argument.
//!
//! It shares no code with the rest of the library: it must not share its mistakes.

pub mod bigquery;
mod chance;
mod cloudflare;
mod entry;
pub mod faults;
mod filter;
pub mod gateway;
pub mod google;
mod list;
mod models;
mod operator;
pub mod options;
mod route;
pub mod schema;
pub mod server;
mod traffic;

use std::{collections::BTreeMap, sync::OnceLock};

use http::{HeaderValue, Request, Response, header};
use serde_json::{Value, json};

use self::{
    bigquery::Table,
    cloudflare::Limiter,
    faults::{Endpoint, Fault, Faults},
    gateway::Gateway,
    google::{ServiceAccount, Tokens},
    options::{Options, Quirks},
    route::Route,
    schema::Schema,
};

/// An instant, UTC.
pub type Timestamp = chrono::DateTime<chrono::Utc>;

/// What comes back from the outside world.
#[derive(Debug)]
pub enum Answer {
    /// An answer with any status.
    Response(Response<Vec<u8>>),
    /// None: the connection closes. What was asked may or may not have been done.
    Silence,
}

/// Calls answered so far, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Lists of gateways.
    pub gateways: u64,
    /// Lists of logs.
    pub list: u64,
    /// Requests for a token.
    pub token: u64,
    /// `insertAll`.
    pub insert: u64,
    /// Those of all four that were not answered with 200.
    pub refused: u64,
}

/// The simulated world. Time only goes forward: each call's `now` is at or after that of the call before.
pub struct Simulator {
    options: Options,
    gateways: Vec<Gateway>,
    limiter: Limiter,
    service_account: OnceLock<ServiceAccount>,
    tokens: Tokens,
    tables: BTreeMap<String, Table>,
    faults: Faults,
    calls: Calls,
}

impl Simulator {
    /// A world with its history in place.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let table = Table::new(Schema::parse(include_str!("../../sql/bigquery/1_table.sql")));
        Self {
            gateways: options.gateways.iter().map(|id| Gateway::new(id, &options)).collect(),
            limiter: Limiter::new(options.rate_limit),
            service_account: options
                .service_account
                .clone()
                .map(OnceLock::from)
                .unwrap_or_default(),
            tokens: Tokens::default(),
            tables: BTreeMap::from([(options.table.clone(), table)]),
            faults: Faults::new(options.seed),
            calls: Calls::default(),
            options,
        }
    }

    /// Answers one request at `now`.
    pub fn answer(&mut self, now: Timestamp, request: &Request<Vec<u8>>) -> Answer {
        self.advance(now);
        let Some(route) = Route::of(request) else {
            return Answer::Response(cloudflare::no_route(request.uri().path()));
        };
        let Some(endpoint) = route.endpoint() else {
            return Answer::Response(operator::answer(self, now, request));
        };
        *self.calls.of(endpoint) += 1;
        let answer = self.answer_or_fail(now, request, &route, endpoint);
        let worked =
            matches!(&answer, Answer::Response(response) if response.status().is_success());
        self.calls.refused += u64::from(!worked);
        answer
    }

    /// Lets live traffic arrive up to `now`, as every answer does.
    pub fn advance(&mut self, now: Timestamp) {
        self.gateways.iter_mut().for_each(|gateway| gateway.advance(now));
    }

    /// Ends live traffic in every gateway.
    pub fn stop_traffic(&mut self) {
        self.gateways.iter_mut().for_each(Gateway::stop_traffic);
    }

    /// A gateway by its id.
    #[must_use]
    pub fn gateway(&self, id: &str) -> Option<&Gateway> {
        self.gateways.iter().find(|gateway| gateway.id() == id)
    }

    /// A gateway by its id, to change.
    pub fn gateway_mut(&mut self, id: &str) -> Option<&mut Gateway> {
        self.gateways.iter_mut().find(|gateway| gateway.id() == id)
    }

    /// Departures of the list API, to change.
    pub fn quirks_mut(&mut self) -> &mut Quirks {
        &mut self.options.quirks
    }

    /// A table of the dataset.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }

    /// Creates a table; one of that name is replaced, and its rows are gone.
    pub fn create_table(&mut self, name: &str, schema: Schema) {
        self.tables.insert(name.to_owned(), Table::new(schema));
    }

    /// Drops a table. Says whether there was one.
    pub fn drop_table(&mut self, name: &str) -> bool {
        self.tables.remove(name).is_some()
    }

    /// Makes every token given out so far worthless.
    pub fn revoke_tokens(&mut self) {
        self.tokens.revoke_all();
    }

    /// Calls so far.
    #[must_use]
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Faults and how often they struck.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The plan of faults, to change.
    pub fn faults_mut(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// What the world was made of.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The one service account, made on first use.
    pub fn service_account(&self) -> &ServiceAccount {
        self.service_account.get_or_init(|| ServiceAccount::from_seed(self.options.seed))
    }

    /// Settings for the poller, when the simulator is reached under `base`, for example `http://127.0.0.1:8080`.
    #[must_use]
    pub fn settings(&self, base: &str) -> Vec<(&'static str, String)> {
        vec![
            ("CF_API_TOKEN", self.options.api_token.clone()),
            ("CF_ACCOUNT_ID", self.options.account.clone()),
            ("AIG_GATEWAY_ID", self.options.gateways.join(",")),
            ("CLOUDFLARE_BASE_URL", format!("{base}/client/v4")),
            ("GCP_TOKEN_URI", format!("{base}/token")),
            ("GCP_SA_EMAIL", self.service_account().email().to_owned()),
            ("GCP_SA_PRIVATE_KEY_PEM", self.service_account().pkcs8_pem()),
            ("GCP_BQ_PROJECT", self.options.project.clone()),
            ("GCP_BQ_DATASET", self.options.dataset.clone()),
            ("GCP_BQ_TABLE", self.options.table.clone()),
            ("BIGQUERY_EMULATOR_HOST", base.to_owned()),
        ]
    }

    fn answer_or_fail(
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
                self.delete(route, |gateway| gateway.delete_oldest(*count))
            }
            Some(Fault::Delete(ids)) => self.delete(route, |gateway| {
                for id in ids {
                    gateway.delete(id);
                }
            }),
            Some(
                Fault::SilenceAfter | Fault::RefuseAfter(_) | Fault::Truncate | Fault::RepeatEntry,
            )
            | None => {}
        }
        let response = self.respond(now, request, route);
        match fault {
            Some(Fault::SilenceAfter) => Answer::Silence,
            Some(Fault::RefuseAfter(refusal)) => Answer::Response(refusal.response(endpoint)),
            Some(Fault::Truncate) => {
                Answer::Response(response.map(|body| body[..body.len() / 2].to_vec()))
            }
            Some(Fault::RepeatEntry) => Answer::Response(response.map(|body| repeat_entry(&body))),
            Some(Fault::Silence | Fault::Refuse(_) | Fault::DeleteOldest(_) | Fault::Delete(_))
            | None => Answer::Response(response),
        }
    }

    /// What is answered when nothing fails.
    fn respond(
        &mut self,
        now: Timestamp,
        request: &Request<Vec<u8>>,
        route: &Route,
    ) -> Response<Vec<u8>> {
        match route {
            Route::Gateways { .. } | Route::List { .. } => {
                let counted = self.limiter.count(now);
                let response = counted.and_then(|()| self.cloudflare(now, request, route));
                let mut response = response.unwrap_or_else(|refused| refused);
                self.limiter.mark(now, &mut response);
                response
            }
            Route::Token => {
                let audience = address(request);
                let account = self.service_account().clone();
                self.tokens.answer(&account, now, &audience, request.body())
            }
            Route::Insert { project, dataset, table } => {
                self.insert(now, request, [project, dataset, table])
            }
            Route::Operator => cloudflare::no_route(request.uri().path()),
        }
    }

    fn cloudflare(
        &self,
        now: Timestamp,
        request: &Request<Vec<u8>>,
        route: &Route,
    ) -> Result<Response<Vec<u8>>, Response<Vec<u8>>> {
        cloudflare::check_token(request, &self.options.api_token)?;
        let query = request.uri().query().unwrap_or_default();
        match route {
            Route::Gateways { account } if *account == self.options.account => {
                let ids: Vec<&str> = self.gateways.iter().map(Gateway::id).collect();
                Ok(cloudflare::gateways(&ids, query))
            }
            Route::List { account, gateway } if *account == self.options.account => {
                let gateway = self
                    .gateway(gateway)
                    .ok_or_else(|| cloudflare::no_route(request.uri().path()))?;
                Ok(list::answer(gateway, self.options.quirks, now, query))
            }
            Route::Gateways { .. }
            | Route::List { .. }
            | Route::Token
            | Route::Insert { .. }
            | Route::Operator => Err(cloudflare::no_route(request.uri().path())),
        }
    }

    fn insert(
        &mut self,
        now: Timestamp,
        request: &Request<Vec<u8>>,
        names: [&String; 3],
    ) -> Response<Vec<u8>> {
        let authorization = request.headers().get(header::AUTHORIZATION).and_then(bearer);
        if !authorization.is_some_and(|token| self.tokens.is_valid(token, now)) {
            let message =
                "Request had invalid authentication credentials. Expected OAuth 2 access token.";
            return bigquery::failure(401, "authError", message);
        }
        let [project, dataset, name] = names;
        if (project, dataset) != (&self.options.project, &self.options.dataset) {
            return bigquery::failure(
                404,
                "notFound",
                &format!("Not found: Dataset {project}:{dataset}"),
            );
        }
        let Some(table) = self.tables.get_mut(name) else {
            return bigquery::failure(
                404,
                "notFound",
                &format!("Not found: Table {project}:{dataset}.{name}"),
            );
        };
        let (poisoned, dedup) = (self.faults.poisoned(), self.options.dedup);
        table.answer(&bigquery::Request { now, body: request.body(), poisoned, dedup })
    }

    fn delete(&mut self, route: &Route, delete: impl FnOnce(&mut Gateway)) {
        if let Route::List { gateway, .. } = route
            && let Some(gateway) = self.gateway_mut(gateway)
        {
            delete(gateway);
        }
    }
}

impl Calls {
    fn of(&mut self, endpoint: Endpoint) -> &mut u64 {
        match endpoint {
            Endpoint::Gateways => &mut self.gateways,
            Endpoint::List => &mut self.list,
            Endpoint::Token => &mut self.token,
            Endpoint::Insert => &mut self.insert,
        }
    }
}

/// The whole address a request was sent to, without its query.
fn address(request: &Request<Vec<u8>>) -> String {
    let uri = request.uri();
    let host =
        request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let authority = uri.authority().map_or(host, http::uri::Authority::as_str);
    format!("{}://{authority}{}", uri.scheme_str().unwrap_or("http"), uri.path())
}

/// The token of an `Authorization: Bearer` header.
fn bearer(authorization: &HeaderValue) -> Option<&str> {
    authorization.to_str().ok()?.strip_prefix("Bearer ")
}

fn repeat_entry(body: &[u8]) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Some(entries) = body["result"].as_array_mut() {
        entries.extend(entries.first().cloned());
    }
    body.to_string().into_bytes()
}

fn json_response(status: u16, body: &Value) -> Response<Vec<u8>> {
    response(status, "application/json", json!(body).to_string().into_bytes())
}

fn response(status: u16, media_type: &'static str, body: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
