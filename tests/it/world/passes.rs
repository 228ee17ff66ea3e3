//! Passes in a world: the real ones, with the real sinks.

use std::pin::pin;

use aig_logs::{
    database::rest::Rest,
    host::{Host, Meter, Metered},
    log::metadata::MetadataKeys,
    pass::{
        self, Context, Report,
        audit::explain::{InTable as Asked, Life, explain},
        audit::prove::{Proof, Question, prove},
    },
    plan::budget::Budget,
    sink::{
        Sink,
        bigquery::{BigQuerySink, SignIn},
        d1::D1Sink,
        ndjson::Ndjson,
        sqlite::Sqlite,
    },
    time::{self, Timestamp},
};
use futures_util::FutureExt;

use super::{
    Counts, World,
    map::Map,
    table::{InBatches, Table},
};

/// What a pass is asked to do.
#[derive(Debug, Clone, Copy)]
pub enum Work {
    Forward,
    Backfill,
    Range(Timestamp, Timestamp),
}

impl World {
    /// A forward pass.
    pub fn forward(&mut self) -> Report {
        self.attempt(Work::Forward).expect("the process lives")
    }

    /// A backfill pass.
    pub fn backfill(&mut self) -> Report {
        self.attempt(Work::Backfill).expect("the process lives")
    }

    /// A pass in a process that lasts as long as `outside` lets it; `None` where it died.
    pub fn attempt(&mut self, work: Work) -> Option<Report> {
        if matches!(work, Work::Forward) {
            self.due = time::floor_ms(self.now() - self.config.settle);
        }
        let pages = match work {
            Work::Forward => self.config.forward_pages,
            Work::Backfill => self.config.backfill_pages,
            Work::Range(..) => None,
        };
        self.outside.revive();
        let meter = Meter::new(Budget { pages, ..self.budget }, Host::now(self));
        let counted = self.counts();
        self.sends_before.set(counted.sends);
        let report = self.run(&meter, work);
        let counts = self.counts() - counted;
        if let Some(report) = &report {
            let reported = (report.calls, report.reads, report.writes);
            let seen = (counts.sends, counts.state_reads + counts.ids_reads, counts.writes());
            self.unremembered += report.sum(|gateway| gateway.unremembered);
            assert_eq!(reported, seen, "calls, reads and writes, as reported and as seen");
        } else {
            // A token lives in memory.
            self.sign_in = SignIn::default();
        }
        report
    }

    fn run(&self, meter: &Meter, work: Work) -> Option<Report> {
        let host = Metered { inner: self, meter };
        match &self.table {
            Table::BigQuery => {
                let table = self.config.bigquery.as_ref().unwrap();
                self.run_into(host, BigQuerySink::new(&host, table, &self.sign_in), work)
            }
            Table::Sqlite(connection) => {
                self.run_into(host, Sqlite::new(connection, &MetadataKeys::default()).unwrap(), work)
            }
            Table::D1(settings) => {
                self.apply_to_d1();
                self.run_into(host, D1Sink::new(Rest::new(&host, settings)), work)
            }
            Table::Ndjson(lines) => self.run_into(host, Ndjson::new(lines), work),
        }
    }

    fn run_into<K: Sink>(&self, host: Metered<'_, Self>, sink: K, work: Work) -> Option<Report> {
        let sink = InBatches { rows: self.batch.unwrap_or(sink.batch()), sink };
        let context = Context::new(host, [&self.state, &self.ids], &sink, &self.config);
        match work {
            Work::Forward => self.outlived_by(pass::forward(&context)),
            Work::Backfill => self.outlived_by(pass::backfill(&context)),
            Work::Range(from, to) => self.outlived_by(pass::range(&context, from, to)),
        }
    }

    /// What comes of it; none where the process ends before it does.
    fn outlived_by<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        loop {
            let done = work.as_mut().now_or_never();
            if done.is_some() || self.outside.is_dead() {
                return done;
            }
        }
    }

    /// What is proven on demand.
    pub fn prove(&self, question: &Question) -> Proof {
        self.ask(&async |context| prove(context, question, &|_, _| {}).await)
    }

    /// The life of a log of `main`, told without its table.
    pub fn explain(&self, id: &str) -> Life {
        self.ask(&async |context| explain(context, "main", id, Asked::Unknown).await).unwrap()
    }

    fn ask<T>(&self, work: &impl AsyncFn(&Context<'_, (Self, Map, BigQuerySink<'_, Metered<'_, Self>>)>) -> T) -> T {
        let meter = Meter::new(Budget { pages: None, time: None, calls: None }, self.now());
        self.sends_before.set(self.counts().sends);
        let host = Metered { inner: self, meter: &meter };
        let table = self.config.bigquery.as_ref().unwrap();
        let sink = BigQuerySink::new(&host, table, &self.sign_in);
        let context = Context::new(host, [&self.state, &self.ids], &sink, &self.config);
        self.outlived_by(work(&context)).expect("the process lives")
    }

    /// What one pass costs.
    pub fn cost(&mut self, work: Work) -> Counts {
        let before = self.counts();
        let report = self.attempt(work).unwrap();
        assert!(report.is_complete(), "{}", report.to_json());
        self.counts() - before
    }
}
