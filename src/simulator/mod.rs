//! The simulated outside world: AI Gateway's list API, the REST APIs of Workers KV and D1, Google's sign-in, BigQuery's `insertAll`,
//! and the APIs that describe account, token, gateways and table. Traffic keeps arriving, and faults strike by plan. It
//! is one pure state machine, in which the time is an argument.
//!
//! It shares no code with the rest of the library: it must not share its mistakes.

pub mod application;
mod chance;
pub mod cloudflare;
pub mod faults;
pub mod google;
mod operator;
pub mod options;
mod respond;
mod route;
pub mod server;
pub mod time;
mod wire;

use std::{collections::BTreeMap, sync::OnceLock};

use http::Response;

use self::{
    cloudflare::{
        Limiter,
        access::Access,
        d1::{SimulatedDatabase, databases::Databases},
        gateway::Gateway,
        kv::SimulatedNamespace,
        namespaces::Namespaces,
        queues::Queues,
    },
    faults::{Endpoint, plan::Faults},
    google::{SimulatedAccount, Tokens, bigquery::SimulatedTable, schema::SimulatedSchema},
    options::{Quirks, SimulatorOptions},
    time::Timestamp,
};

/// The outside world's answer to a call.
#[derive(Debug)]
pub enum Answer {
    /// An answer with any status.
    Response(Response<Vec<u8>>),
    /// No answer: the connection closes. The request may or may not have been carried out.
    Silence,
}

/// Calls answered so far, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// Lists of gateways.
    pub gateways: u64,
    /// Lists of logs.
    pub list: u64,
    /// Requests for a token.
    pub token: u64,
    /// `insertAll`.
    pub insert: u64,
    /// Queries of D1.
    pub database: u64,
    /// Calls of all five kinds that got no answer, or an answer other than 200.
    pub refused: u64,
}

/// The simulated world. Time only goes forward: each call's `now` is at or after that of the call before.
pub struct Simulator {
    options: SimulatorOptions,
    gateways: Vec<Gateway>,
    limiter: Limiter,
    service_account: OnceLock<SimulatedAccount>,
    tokens: Tokens,
    tables: BTreeMap<String, SimulatedTable>,
    namespaces: Namespaces,
    databases: Databases,
    queues: Queues,
    faults: Faults,
    calls: CallCounts,
}

impl Simulator {
    /// A world with its history in place.
    #[must_use]
    pub fn new(options: SimulatorOptions) -> Self {
        let table = SimulatedTable::new(SimulatedSchema::parse(include_str!("../../sql/bigquery/1_table.sql")));
        let runs = SimulatedTable::new(SimulatedSchema::parse(include_str!("../../sql/bigquery/1_aig_runs.sql")));
        Self {
            gateways: options.gateways.iter().map(|id| Gateway::new(id, &options)).collect(),
            limiter: Limiter::new(options.rate_limit),
            service_account: options.service_account.clone().map(OnceLock::from).unwrap_or_default(),
            tokens: Tokens::default(),
            tables: BTreeMap::from([(options.table.clone(), table), ("aig_runs".to_owned(), runs)]),
            namespaces: Namespaces::new([
                (options.state_namespace.as_str(), "STATE_KV"),
                (options.ids_namespace.as_str(), "IDS_KV"),
            ]),
            databases: Databases::new(&options.database),
            queues: Queues::default(),
            faults: Faults::new(options.seed, options.storm),
            calls: CallCounts::default(),
            options,
        }
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

    /// The account and what its token may do, to change.
    pub fn access_mut(&mut self) -> &mut Access {
        &mut self.options.access
    }

    /// A table of the dataset.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&SimulatedTable> {
        self.tables.get(name)
    }

    /// Creates a table. It replaces a table of the same name, whose rows are lost.
    pub fn create_table(&mut self, name: &str, schema: SimulatedSchema) {
        self.tables.insert(name.to_owned(), SimulatedTable::new(schema));
    }

    /// Drops a table. Returns whether it existed.
    pub fn drop_table(&mut self, name: &str) -> bool {
        self.tables.remove(name).is_some()
    }

    /// A namespace of KV by its id.
    #[must_use]
    pub fn namespace(&self, id: &str) -> Option<&SimulatedNamespace> {
        self.namespaces.get(id)
    }

    /// A namespace of KV by its id, to change.
    pub fn namespace_mut(&mut self, id: &str) -> Option<&mut SimulatedNamespace> {
        self.namespaces.get_mut(id)
    }

    /// A database of D1 by its id.
    #[must_use]
    pub fn database(&self, id: &str) -> Option<&SimulatedDatabase> {
        self.databases.get(id)
    }

    /// Revokes every token given out so far.
    pub fn revoke_tokens(&mut self) {
        self.tokens.revoke_all();
    }

    /// Calls so far.
    #[must_use]
    pub fn calls(&self) -> &CallCounts {
        &self.calls
    }

    /// Faults and how often they struck.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// How many live entries of all gateways were late, including those that are still hidden.
    #[must_use]
    pub fn late(&self) -> usize {
        self.gateways.iter().map(Gateway::late).sum()
    }

    /// The plan of faults, to change.
    pub fn faults_mut(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// The options that the world was made with.
    #[must_use]
    pub fn options(&self) -> &SimulatorOptions {
        &self.options
    }

    /// The one service account, made on first use.
    pub fn service_account(&self) -> &SimulatedAccount {
        self.service_account.get_or_init(|| SimulatedAccount::from_seed(self.options.seed))
    }

    /// Settings for the poller, when the simulator is reached under `base`, for example `http://127.0.0.1:8080`.
    #[must_use]
    pub fn settings(&self, base: &str) -> Vec<(&'static str, String)> {
        vec![
            ("CF_API_TOKEN", self.options.api_token.clone()),
            ("CF_ACCOUNT_ID", self.options.account.clone()),
            ("AIG_GATEWAY_ID", self.options.gateways.join(",")),
            ("CLOUDFLARE_BASE_URL", format!("{base}/client/v4")),
            ("CF_KV_STATE_ID", self.options.state_namespace.clone()),
            ("CF_KV_IDS_ID", self.options.ids_namespace.clone()),
            ("CF_D1_DATABASE_ID", self.options.database.clone()),
            ("GCP_TOKEN_URI", format!("{base}/token")),
            ("GCP_SA_EMAIL", self.service_account().email().to_owned()),
            ("GCP_SA_PRIVATE_KEY_PEM", self.service_account().pkcs8_pem()),
            ("GCP_BQ_PROJECT", self.options.project.clone()),
            ("GCP_BQ_DATASET", self.options.dataset.clone()),
            ("GCP_BQ_TABLE", self.options.table.clone()),
            ("BIGQUERY_EMULATOR_HOST", base.to_owned()),
        ]
    }
}

impl CallCounts {
    fn of(&mut self, endpoint: Endpoint) -> &mut u64 {
        match endpoint {
            Endpoint::Gateways => &mut self.gateways,
            Endpoint::List => &mut self.list,
            Endpoint::Token => &mut self.token,
            Endpoint::Insert => &mut self.insert,
            Endpoint::Database => &mut self.database,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use http::Request;
    use serde_json::{Value, json};

    use super::{
        faults::{Fault, Refusal, When},
        google::tests::{ACCOUNT, claims, request as sign},
        *,
    };

    const BASE: &str = "http://127.0.0.1:8080";

    pub fn options() -> SimulatorOptions {
        SimulatorOptions { entries: 200, service_account: Some(ACCOUNT.clone()), ..SimulatorOptions::default() }
    }

    /// The answer to a list of the first gateway's logs; none when there is silence.
    fn list(world: &mut Simulator, query: &str) -> Option<(u16, Value)> {
        let settings: BTreeMap<&str, String> = world.settings(BASE).into_iter().collect();
        let gateways =
            format!("{}/accounts/{}/ai-gateway/gateways", settings["CLOUDFLARE_BASE_URL"], settings["CF_ACCOUNT_ID"]);
        let address = format!("{gateways}/{}/logs?{query}", settings["AIG_GATEWAY_ID"]);
        send(world, Request::get(address), &settings["CF_API_TOKEN"], Vec::new())
    }

    fn insert(world: &mut Simulator, token: &str, table: &str) -> Option<(u16, Value)> {
        let address =
            format!("{BASE}/bigquery/v2/projects/simulated-project/datasets/ai_gateway/tables/{table}/insertAll");
        let body = json!({ "rows": [{ "insertId": "a", "json": { "id": "a", "metadata": "{}" } }] });
        send(world, Request::post(address), token, body.to_string().into_bytes())
    }

    fn sign_in(world: &mut Simulator) -> String {
        let claims = claims(&format!("{BASE}/token"), world.options().start.timestamp());
        let body = sign(&claims, &ACCOUNT.pkcs8_pem());
        let (_, reply) = send(world, Request::post(format!("{BASE}/token")), "", body).unwrap();
        reply["access_token"].as_str().unwrap().to_owned()
    }

    fn send(
        world: &mut Simulator,
        request: http::request::Builder,
        token: &str,
        body: Vec<u8>,
    ) -> Option<(u16, Value)> {
        let request = request.header("authorization", format!("Bearer {token}")).body(body).unwrap();
        let now = world.options().start;
        match world.answer(now, &request) {
            Answer::Response(response) => {
                let body = serde_json::from_slice(response.body()).unwrap_or_default();
                Some((response.status().as_u16(), body))
            }
            Answer::Silence => None,
        }
    }

    #[test]
    fn the_settings_lead_to_the_logs() {
        let mut world = Simulator::new(options());
        let (status, body) = list(&mut world, "per_page=50").unwrap();
        assert_eq!((status, &body["result_info"]["total_count"]), (200, &json!(200)));
        assert_eq!(world.calls(), &CallCounts { list: 1, ..CallCounts::default() });
    }

    #[test]
    fn the_list_api_is_limited_and_says_so() {
        let limit = cloudflare::RateLimit { quota: 1, window_seconds: 60 };
        let mut world = Simulator::new(SimulatorOptions { rate_limit: Some(limit), ..options() });
        assert_eq!(list(&mut world, "").unwrap().0, 200);
        assert_eq!(list(&mut world, "").unwrap().0, 429);
        let request = Request::get("/client/v4/accounts/other/ai-gateway/gateways");
        let answer = world.answer(world.options().start, &request.body(Vec::new()).unwrap());
        let Answer::Response(response) = answer else { panic!("silence") };
        assert_eq!(response.headers()["ratelimit"], "\"default\";r=0;t=60");
    }

    #[test]
    fn equal_options_make_equal_worlds() {
        let lists = |()| {
            let mut world = Simulator::new(SimulatorOptions { live_per_minute: 60.0, ..options() });
            world.advance(world.options().start + TimeDelta::hours(1));
            list(&mut world, "per_page=50").unwrap()
        };
        assert_eq!(lists(()), lists(()));
    }

    #[test]
    fn unknown_accounts_and_gateways_cannot_be_routed() {
        let mut world = Simulator::new(options());
        let token = world.options().api_token.clone();
        for path in ["other/ai-gateway/gateways", "other/ai-gateway/gateways/main/logs"] {
            let request = Request::get(format!("{BASE}/client/v4/accounts/{path}"));
            let (status, body) = send(&mut world, request, &token, Vec::new()).unwrap();
            assert_eq!((status, &body["errors"][0]["code"]), (404, &json!(7003)));
        }
        world.options.gateways = vec!["missing".into()];
        assert_eq!(list(&mut world, "").unwrap().0, 404);
        assert_eq!(world.calls().refused, 3);
    }

    #[test]
    fn rows_land_for_who_is_signed_in() {
        let mut world = Simulator::new(options());
        let table = world.options().table.clone();
        assert_eq!(insert(&mut world, "stolen", &table).unwrap().0, 401);
        let token = sign_in(&mut world);
        assert_eq!(insert(&mut world, &token, &table).unwrap().0, 200);
        assert_eq!(world.table(&table).unwrap().rows()[0].row["id"], "a");
        let (status, body) = insert(&mut world, &token, "other").unwrap();
        assert_eq!((status, &body["error"]["errors"][0]["reason"]), (404, &json!("notFound")));
        world.create_table("other", SimulatedSchema::parse("id STRING"));
        let (_, body) = insert(&mut world, &token, "other").unwrap();
        assert_eq!(body["insertErrors"][0]["errors"][0]["message"], "no such field: metadata.");
        world.revoke_tokens();
        assert_eq!(insert(&mut world, &token, &table).unwrap().0, 401);
    }

    #[test]
    fn what_is_done_in_silence_is_done() {
        let mut world = Simulator::new(options());
        let (token, table) = (sign_in(&mut world), world.options().table.clone());
        world.faults_mut().add(Endpoint::Insert, When::Nth(1), Fault::Silence);
        world.faults_mut().add(Endpoint::Insert, When::Nth(2), Fault::SilenceAfter);
        assert_eq!(insert(&mut world, &token, &table), None);
        assert_eq!(world.table(&table).unwrap().rows().len(), 0);
        assert_eq!(insert(&mut world, &token, &table), None);
        assert_eq!(world.table(&table).unwrap().rows().len(), 1);
        assert_eq!((world.calls().insert, world.calls().refused), (2, 2));
    }

    #[test]
    fn pages_can_be_refused_cut_repeated_and_thinned() {
        let mut world = Simulator::new(options());
        let faults = world.faults_mut();
        faults.add(Endpoint::List, When::Nth(1), Fault::Refuse(Refusal::Html(502)));
        faults.add(Endpoint::List, When::Nth(2), Fault::Truncate);
        faults.add(Endpoint::List, When::Nth(3), Fault::RepeatEntry);
        faults.add(Endpoint::List, When::Nth(4), Fault::DeleteOldest(50));
        assert_eq!(list(&mut world, "").unwrap(), (502, Value::Null));
        assert_eq!(list(&mut world, "").unwrap(), (200, Value::Null));
        let (_, body) = list(&mut world, "").unwrap();
        assert_eq!(body["result"][1], body["result"][0]);
        assert_eq!(list(&mut world, "").unwrap().1["result_info"]["total_count"], 150);
    }
}
