//! The world that passes are tried in, without a runtime: the simulator, a clock that moves only when somebody waits,
//! stores that are maps, and the real sinks.

mod check;
mod counts;
pub mod expected;
mod host;
mod map;
pub mod outside;
mod passes;
pub mod table;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::OnceLock,
};

use aig_logs::{
    config::{Config, Destination},
    log::metadata::MetadataKeys,
    plan::budget::Budget,
    simulator::{
        CallCounts, Simulator,
        faults::{Endpoint, Fault, When},
        google::SimulatedAccount,
        options::SimulatorOptions,
    },
    sink::{bigquery::SignIn, sql::SQLITE},
    time::{self, Timestamp},
    wire::{Request, Response},
};
use chrono::TimeDelta;
use serde_json::{Value, json};

use self::outside::{Outside, Plan, Strike};
pub use self::{
    counts::Counts,
    map::{Endless, Map},
    passes::Work,
    table::Table,
};
use crate::secrets::Heard;

pub const SECOND: TimeDelta = TimeDelta::seconds(1);
pub const MINUTE: TimeDelta = TimeDelta::minutes(1);
pub const HOUR: TimeDelta = TimeDelta::hours(1);
pub const DAY: TimeDelta = TimeDelta::days(1);

/// What somebody else answers in place of the simulator, and to what.
pub type Instead = Box<dyn Fn(&Request) -> Option<Response>>;

pub struct World {
    pub simulator: RefCell<Simulator>,
    pub outside: Rc<Outside>,
    pub state: Map,
    pub ids: Map,
    pub config: Config,
    pub budget: Budget,
    pub table: Table,
    /// Rows that one write holds, where not as many as the sink asks for.
    pub batch: Option<usize>,
    /// What the host answers where somebody asks for chance.
    pub random: f64,
    /// Calls after which somebody asks the program to stop.
    pub stop_after: Option<u32>,
    /// Calls of each pass that the platform allows; it refuses all others.
    pub allowed: Option<u32>,
    /// Bytes that are read of an answer, where not all.
    pub largest: Option<usize>,
    /// When somebody asks the program to stop.
    pub stop_at: Option<Timestamp>,
    /// Answers that the simulator does not know how to give.
    pub instead: Option<Instead>,
    /// By how much this machine's clock is ahead of the world's.
    pub clock: TimeDelta,
    /// Answers do not say when they were given.
    pub undated: bool,
    /// Answers take their time, so that calls that are made at once overlap, and come in another order.
    pub overlapping: bool,
    under_way: Cell<u32>,
    /// The most calls that were under way at once.
    pub most_under_way: Cell<u32>,
    sends: Cell<u32>,
    /// `sends` when the pass began.
    sends_before: Cell<u32>,
    sign_in: SignIn,
    added: u64,
    /// Gateway and id of what the list shows in a way that no row can be made of, and how.
    shown: BTreeMap<(String, String), String>,
    /// What the services have heard, where they send it back in each failure.
    pub heard: Option<RefCell<Heard>>,
    /// Whether a dead letter may be kept twice: a pass has died, or could not remember it.
    pub letters_may_repeat: bool,
    /// Rows whose ids could not be kept, as the reports say.
    unremembered: u64,
    /// Where the last forward pass had to come to.
    due: Timestamp,
}

impl World {
    /// One gateway, `main`, without entries, and an empty table in `BigQuery`.
    pub fn new() -> Self {
        Self::with(SimulatorOptions::default())
    }

    /// `BigQuery` keeps every copy, so that once means once.
    pub fn with(options: SimulatorOptions) -> Self {
        Self::made_of(SimulatorOptions { dedup: false, ..options })
    }

    /// `BigQuery` drops copies for a minute, as it does on a good day.
    pub fn that_drops_copies() -> Self {
        Self::made_of(SimulatorOptions { dedup: true, ..SimulatorOptions::default() })
    }

    fn made_of(options: SimulatorOptions) -> Self {
        static ACCOUNT: OnceLock<SimulatedAccount> = OnceLock::new();
        let account = ACCOUNT.get_or_init(|| SimulatedAccount::weak(1)).clone();
        let start = options.start;
        let simulator = Simulator::new(SimulatorOptions { service_account: Some(account), ..options });
        let settings = BTreeMap::from_iter(simulator.settings("http://127.0.0.1:1"));
        let unlimited = |name: &str| name.ends_with("_MAX_PAGES").then(|| "auto".to_owned());
        let lookup = |name: &str| settings.get(name).cloned().or_else(|| unlimited(name));
        let outside = Rc::new(Outside::new(start));
        Self {
            config: Config { record_runs: false, ..Config::from_vars(lookup, &[Destination::BigQuery]).unwrap() },
            simulator: RefCell::new(simulator),
            state: Map::new(Rc::clone(&outside)),
            ids: Map::new(Rc::clone(&outside)),
            outside,
            budget: Budget { pages: None, time: None, calls: None },
            table: Table::BigQuery,
            batch: None,
            random: 0.5,
            stop_after: None,
            allowed: None,
            largest: None,
            stop_at: None,
            instead: None,
            clock: TimeDelta::zero(),
            undated: false,
            overlapping: false,
            under_way: Cell::new(0),
            most_under_way: Cell::new(0),
            sends: Cell::new(0),
            sends_before: Cell::new(0),
            sign_in: SignIn::default(),
            added: 0,
            shown: BTreeMap::new(),
            heard: None,
            letters_may_repeat: false,
            unremembered: 0,
            due: start,
        }
    }

    /// A world with these gateways.
    pub fn of(gateways: &[&str]) -> Self {
        let gateways = gateways.iter().map(|id| (*id).to_owned()).collect();
        Self::with(SimulatorOptions { gateways, ..SimulatorOptions::default() })
    }

    /// Gives D1 its tables and views, as `aig-logs sql --sink d1 --apply` does.
    pub fn apply_to_d1(&self) {
        let simulator = self.simulator.borrow();
        let database = simulator.database(&simulator.options().database).unwrap().connection();
        for script in SQLITE {
            database.execute_batch(&script.for_sqlite(&MetadataKeys::default())).unwrap();
        }
    }

    pub fn now(&self) -> Timestamp {
        self.outside.now()
    }

    pub fn pass_time(&mut self, time: TimeDelta) {
        self.outside.pass_time(time);
    }

    /// Adds an entry that was created `ago`. Its id.
    pub fn add(&mut self, ago: TimeDelta) -> String {
        self.add_with(ago, json!({}))
    }

    /// Adds entries that were created from `first` ago until before `last` ago, evenly spread.
    pub fn add_many(&mut self, number: i32, first: TimeDelta, last: TimeDelta) -> Vec<String> {
        (0..number).map(|n| self.add(first - (first - last) / number * n)).collect()
    }

    /// Adds an entry with these fields.
    pub fn add_with(&mut self, ago: TimeDelta, fields: Value) -> String {
        let gateway = self.simulator.get_mut().options().gateways[0].clone();
        self.add_to(&gateway, ago, fields)
    }

    pub fn add_to(&mut self, gateway: &str, ago: TimeDelta, fields: Value) -> String {
        let created_at = time::floor_ms(self.now() - ago);
        self.add_at(gateway, created_at, created_at, fields)
    }

    /// Adds an entry that is created now, and that the API shows only after `lateness`.
    pub fn add_late(&mut self, lateness: TimeDelta) -> String {
        let created_at = time::floor_ms(self.now());
        self.add_at("main", created_at, created_at + lateness, json!({}))
    }

    /// Adds an entry that the list shows from `visible_at` on.
    pub fn add_at(&mut self, gateway: &str, created_at: Timestamp, visible_at: Timestamp, fields: Value) -> String {
        self.added += 1;
        let n = self.added;
        // Ids carry no order.
        let id = format!("{:08x}-{n}", n.wrapping_mul(2_654_435_769) % (1 << 32));
        let mut entry = json!({
            "id": id, "created_at": time::text(created_at), "provider": "openai", "model": "gpt-5",
            "success": true, "cached": n.is_multiple_of(3), "duration": n * 7, "tokens_in": n, "tokens_out": 2 * n,
            "cost": 0.000_1 * f64::from(u32::try_from(n).unwrap()), "step": 0, "metadata": "{\"team\":\"search\"}",
            "timings": { "latency": 12.5, "total": 90 },
        });
        let Value::Object(fields) = fields else { panic!("fields have names") };
        entry.as_object_mut().unwrap().extend(fields);
        let gateway = self.simulator.get_mut().gateway_mut(gateway).unwrap();
        gateway.insert(entry, Some(visible_at)).unwrap();
        id
    }

    /// An entry as it truly is.
    pub fn entry(&self, gateway: &str, id: &str) -> Value {
        let simulator = self.simulator.borrow();
        let mut entries = simulator.gateway(gateway).unwrap().entries(Timestamp::MAX_UTC);
        entries.find(|entry| entry["id"] == id).expect("the entry")
    }

    /// Has the list show these bytes in place of an entry, of which then no row can be made if it `is_letter`.
    pub fn show_as(&mut self, gateway: &str, id: &str, bytes: Vec<u8>, is_letter: bool) {
        if is_letter {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            self.shown.insert((gateway.to_owned(), id.to_owned()), text);
        }
        assert!(self.simulator.get_mut().gateway_mut(gateway).unwrap().show_as(id, bytes));
    }

    /// All that passes have left behind: state, ids and table.
    pub fn kept(&self) -> String {
        let stores = [&self.state, &self.ids].into_iter();
        let values =
            stores.flat_map(|store| store.keys().into_iter().flat_map(|key| [store.value(&key).unwrap(), key]));
        let rows = self.table.rows(self).into_iter().map(|row| row.to_string());
        values.chain(rows).collect::<Vec<_>>().join("\n")
    }

    /// Has the simulated services fail.
    pub fn fault(&mut self, endpoint: Endpoint, when: When, fault: Fault) {
        self.simulator.get_mut().faults_mut().add(endpoint, when, fault);
    }

    pub fn end_faults(&mut self) {
        self.simulator.get_mut().faults_mut().clear();
    }

    /// Has the outside world go wrong in the next pass, by the number of the call.
    pub fn strike(&mut self, nth: u32, strike: Strike, length: u32) {
        self.outside.plan(Some(Plan { strike, nth, length }));
    }

    /// A stored value as JSON.
    pub fn stored(&self, key: &str) -> Value {
        serde_json::from_str(&self.state.value(key).expect(key)).unwrap()
    }

    /// Everything counted so far.
    pub fn counts(&self) -> Counts {
        let CallCounts { gateways, list, token, insert, database: _, refused } = *self.simulator.borrow().calls();
        let [gateways, list, token, insert, refused] =
            [gateways, list, token, insert, refused].map(|calls| u32::try_from(calls).unwrap());
        Counts {
            sends: self.sends.get(),
            gateways,
            list,
            token,
            insert,
            refused,
            state_reads: self.state.reads(),
            state_writes: self.state.writes(),
            ids_reads: self.ids.reads(),
            ids_writes: self.ids.writes(),
        }
    }
}
