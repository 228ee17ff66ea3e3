//! The world when nothing fails: each request goes to the service that it is for, which answers it.

use http::{Request, Response, header};
use serde_json::Value;

use crate::simulator::{
    Simulator,
    cloudflare::{
        self,
        access::{self, Access},
        gateway::Gateway,
        kv, list,
    },
    google::bigquery::{self, TableCall},
    operator,
    route::Route,
    time::Timestamp,
    wire,
};

impl Simulator {
    /// The answer when nothing fails.
    pub(in crate::simulator) fn respond(
        &mut self,
        now: Timestamp,
        request: &Request<Vec<u8>>,
        route: &Route,
    ) -> Response<Vec<u8>> {
        match route {
            Route::Token => {
                let audience = address(request);
                let account = self.service_account().clone();
                self.tokens.answer(&account, now, &audience, request.body())
            }
            Route::Table { project, dataset, table, call } => {
                self.table_call(now, request, [project, dataset, table], *call)
            }
            Route::Operator => operator::answer(self, now, request),
            Route::Verify(_)
            | Route::Accounts
            | Route::Account { .. }
            | Route::Gateways { .. }
            | Route::Gateway { .. }
            | Route::List { .. }
            | Route::Kv { .. }
            | Route::Namespaces { .. }
            | Route::Databases { .. }
            | Route::Queues { .. }
            | Route::Database { .. } => {
                let refused = self.limiter.count(now);
                let mut response = refused.unwrap_or_else(|| self.cloudflare(now, request, route));
                self.limiter.mark(now, &mut response);
                response
            }
        }
    }

    fn cloudflare(&mut self, now: Timestamp, request: &Request<Vec<u8>>, route: &Route) -> Response<Vec<u8>> {
        let access = &self.options.access;
        let is_the_token = match access::token(request) {
            Ok(token) => token == self.options.api_token,
            Err(refused) => return *refused,
        };
        if let Some(owner) = route.owner() {
            return access.verify(is_the_token, owner);
        }
        if let Some(refused) = access.refuse(is_the_token, route.permissions()) {
            return refused;
        }
        if route.account().is_some_and(|account| account != self.options.account) {
            return cloudflare::no_route(request.uri().path());
        }
        let query = request.uri().query().unwrap_or_default();
        let answer = match route {
            Route::Accounts => Some(access.accounts(&self.options.account, query)),
            Route::Account { .. } => Some(Access::account(&self.options.account)),
            Route::Gateways { .. } => Some(self.list_gateways(query)),
            Route::Gateway { gateway, .. } => {
                let gateway = self.gateway(gateway);
                gateway.map(|gateway| cloudflare::success(&gateway.shown(), &Value::Null))
            }
            Route::List { gateway, .. } => {
                let gateway = self.gateway(gateway);
                gateway.map(|gateway| list::answer(gateway, self.options.quirks, self.calls.list, now, query))
            }
            Route::Kv { namespace, call, .. } => {
                let namespace = self.namespaces.get_mut(namespace);
                Some(namespace.map_or_else(kv::no_namespace, |namespace| namespace.answer(now, call, request)))
            }
            Route::Database { database, .. } => Some(self.in_database(database, request.body())),
            Route::Databases { call, .. } => Some(self.databases.answer(*call, query, request.body())),
            Route::Queues { call, .. } => Some(self.queues.answer(*call, query, request.body())),
            Route::Namespaces { call, .. } => Some(self.namespaces.answer(call, query, request.body())),
            Route::Verify(_) | Route::Token | Route::Table { .. } | Route::Operator => None,
        };
        answer.unwrap_or_else(|| cloudflare::no_route(request.uri().path()))
    }

    fn in_database(&mut self, id: &str, body: &[u8]) -> Response<Vec<u8>> {
        if let Some(database) = self.databases.get_mut(id) {
            return database.answer(body);
        }
        let message = format!("The database {id} could not be found");
        cloudflare::failure(404, serde_json::json!([{ "code": 7_404, "message": message }]), Value::Null)
    }

    /// A page of the account's gateways; `search` by a part of the id.
    fn list_gateways(&self, query: &str) -> Response<Vec<u8>> {
        let search = wire::parameter(query, "search").unwrap_or_default();
        let found = self.gateways.iter().filter(|gateway| gateway.id().contains(&search));
        cloudflare::page(&found.map(Gateway::shown).collect::<Vec<_>>(), query, 50)
    }

    fn table_call(
        &mut self,
        now: Timestamp,
        request: &Request<Vec<u8>>,
        [project, dataset, name]: [&String; 3],
        call: TableCall,
    ) -> Response<Vec<u8>> {
        let authorization = request.headers().get(header::AUTHORIZATION).and_then(wire::bearer);
        let Some(scopes) = authorization.and_then(|token| self.tokens.scopes(token, now)) else {
            let message = "Request had invalid authentication credentials. Expected OAuth 2 access token.";
            return bigquery::failure(401, "authError", message);
        };
        if !call.scopes().iter().any(|scope| scopes.contains(*scope)) {
            let message = "Request had insufficient authentication scopes.";
            return bigquery::failure(403, "insufficientPermissions", message);
        }
        let allowed = &self.options.table_permissions;
        if let Some(missing) = call.permissions().iter().find(|name| !allowed.iter().any(|allowed| allowed == *name)) {
            let table = format!("{project}:{dataset}.{name}");
            let message = format!(
                "Access Denied: Table {table}: Permission {missing} denied on table {table} (or it may not exist)."
            );
            return bigquery::failure(403, "accessDenied", &message);
        }
        let here = (project, dataset) == (&self.options.project, &self.options.dataset);
        let table = self.tables.get_mut(name).filter(|_| here);
        let not_found = |what| bigquery::failure(404, "notFound", &format!("Not found: {what}"));
        match (table, call) {
            (table, TableCall::TestPermissions) => {
                bigquery::test_permissions(request.body(), table.map_or(&[], |_| allowed))
            }
            (None, _) if !here => not_found(format!("Dataset {project}:{dataset}")),
            (None, _) => not_found(format!("Table {project}:{dataset}.{name}")),
            (Some(table), TableCall::Get) => table.shown([project, dataset, name]),
            (Some(table), TableCall::Insert) => {
                let (faults, dedup) = (&self.faults, self.options.dedup);
                table.answer(&bigquery::Insertion { now, body: request.body(), faults, dedup })
            }
        }
    }
}

/// The whole address a request was sent to, without its query.
fn address(request: &Request<Vec<u8>>) -> String {
    let uri = request.uri();
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let authority = uri.authority().map_or(host, http::uri::Authority::as_str);
    format!("{}://{authority}{}", uri.scheme_str().unwrap_or("http"), uri.path())
}
