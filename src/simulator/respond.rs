//! The world when nothing fails: each request is answered by the service it is for.

use http::{HeaderValue, Request, Response, header};
use serde_json::Value;

use super::{Simulator, Timestamp, bigquery, cloudflare, gateway::Gateway, kv, list, operator, route::Route};

impl Simulator {
    /// What is answered when nothing fails.
    pub(super) fn respond(&mut self, now: Timestamp, request: &Request<Vec<u8>>, route: &Route) -> Response<Vec<u8>> {
        match route {
            Route::Gateways { .. } | Route::List { .. } | Route::Kv { .. } => {
                let refused = self.limiter.count(now);
                let mut response = refused.unwrap_or_else(|| self.cloudflare(now, request, route));
                self.limiter.mark(now, &mut response);
                response
            }
            Route::Token => {
                let audience = address(request);
                let account = self.service_account().clone();
                self.tokens.answer(&account, now, &audience, request.body())
            }
            Route::Insert { project, dataset, table } => self.insert(now, request, [project, dataset, table]),
            Route::Operator => operator::answer(self, now, request),
        }
    }

    fn cloudflare(&mut self, now: Timestamp, request: &Request<Vec<u8>>, route: &Route) -> Response<Vec<u8>> {
        if let Some(refused) = cloudflare::refuse_token(request, &self.options.api_token) {
            return refused;
        }
        let query = request.uri().query().unwrap_or_default();
        let answer = match route {
            Route::Gateways { account } if *account == self.options.account => {
                let ids: Vec<&str> = self.gateways.iter().map(Gateway::id).collect();
                Some(cloudflare::gateways(&ids, query))
            }
            Route::List { account, gateway } if *account == self.options.account => {
                let gateway = self.gateway(gateway);
                gateway.map(|gateway| list::answer(gateway, self.options.quirks, now, query))
            }
            Route::Kv { account, namespace, call } if *account == self.options.account => {
                let namespace = self.namespaces.get_mut(namespace);
                Some(namespace.map_or_else(kv::no_namespace, |namespace| namespace.answer(now, call, request)))
            }
            Route::Gateways { .. }
            | Route::List { .. }
            | Route::Kv { .. }
            | Route::Token
            | Route::Insert { .. }
            | Route::Operator => None,
        };
        answer.unwrap_or_else(|| cloudflare::no_route(request.uri().path()))
    }

    fn insert(&mut self, now: Timestamp, request: &Request<Vec<u8>>, names: [&String; 3]) -> Response<Vec<u8>> {
        let authorization = request.headers().get(header::AUTHORIZATION).and_then(bearer);
        if !authorization.is_some_and(|token| self.tokens.is_valid(token, now)) {
            let message = "Request had invalid authentication credentials. Expected OAuth 2 access token.";
            return bigquery::failure(401, "authError", message);
        }
        let [project, dataset, name] = names;
        let not_found = |what| bigquery::failure(404, "notFound", &format!("Not found: {what}"));
        if (project, dataset) != (&self.options.project, &self.options.dataset) {
            return not_found(format!("Dataset {project}:{dataset}"));
        }
        let Some(table) = self.tables.get_mut(name) else {
            return not_found(format!("Table {project}:{dataset}.{name}"));
        };
        let (faults, dedup) = (&self.faults, self.options.dedup);
        table.answer(&bigquery::Request { now, body: request.body(), faults, dedup })
    }
}

/// The whole address a request was sent to, without its query.
fn address(request: &Request<Vec<u8>>) -> String {
    let uri = request.uri();
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let authority = uri.authority().map_or(host, http::uri::Authority::as_str);
    format!("{}://{authority}{}", uri.scheme_str().unwrap_or("http"), uri.path())
}

/// The token of an `Authorization: Bearer` header.
pub(super) fn bearer(authorization: &HeaderValue) -> Option<&str> {
    authorization.to_str().ok()?.strip_prefix("Bearer ")
}

/// An answer in JSON.
pub(super) fn json_response(status: u16, body: &Value) -> Response<Vec<u8>> {
    response(status, "application/json", body.to_string().into_bytes())
}

/// An answer of any kind.
pub(super) fn response(status: u16, media_type: &'static str, body: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
