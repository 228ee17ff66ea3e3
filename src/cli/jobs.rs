//! One pass on this machine: settings, host, state and sink put together.

use rusqlite::Connection;

use crate::{
    cli::{
        failure::{Exit, Failure},
        files::{lines, target::Files},
        progress::Screen,
        show,
        warehouse::{beside::beside, reader::ReadAccess},
    },
    config::Config,
    host::{
        Host, Meter, Metered, Store,
        native::{NativeHost, SqliteStore},
    },
    pass::{
        self, Context, Job, Report,
        audit::prove::{Proof, Proven, Question},
    },
    plan::budget::Budget,
    sink::{bigquery::SignIn, sqlite::Sqlite},
    time::Timestamp,
};

/// What a pass is to do.
#[derive(Debug, Clone, Copy)]
pub enum Work {
    /// Up to the present.
    Forward,
    /// Down to the first entry.
    Backfill,
    /// An explicit time range.
    Range {
        /// First instant, UTC.
        from: Timestamp,
        /// The instant after the last.
        to: Timestamp,
    },
}

impl Work {
    /// The job that it is part of.
    pub fn job(self) -> Job {
        match self {
            Self::Forward => Job::Forward,
            Self::Backfill => Job::Backfill,
            Self::Range { .. } => Job::Range,
        }
    }
}

/// All that passes need, from the first to the last.
pub struct Poller<'a, H = NativeHost, S = SqliteStore<'a>> {
    /// This machine.
    pub host: &'a H,
    /// The settings.
    pub config: &'a Config,
    /// `STATE_KV`.
    pub state: S,
    ids: S,
    files: &'a Files,
    sign_in: SignIn,
}

impl<'a> Poller<'a> {
    /// A poller over open files.
    pub fn new(host: &'a NativeHost, config: &'a Config, files: &'a Files) -> Result<Self, Failure> {
        Self::over(host, config, files, stores(&files.state)?)
    }
}

/// The store that only a file's state has, and a Worker's state has not.
pub fn native_store(state: &Connection) -> Result<SqliteStore<'_>, Failure> {
    store(state, "native")
}

/// The two stores in the file of a state: cursors and status, and the ids written.
pub fn stores(state: &Connection) -> Result<[SqliteStore<'_>; 2], Failure> {
    Ok([store(state, "state")?, store(state, "ids")?])
}

fn store<'a>(state: &'a Connection, name: &'static str) -> Result<SqliteStore<'a>, Failure> {
    let unusable = |problem| Failure::denied("opening the state", problem, "Check the file of --state");
    SqliteStore::new(state, name).map_err(unusable)
}

impl<'a, H: Host, S: Store> Poller<'a, H, S> {
    /// A poller over open files, with stores of its own.
    pub fn over(host: &'a H, config: &'a Config, files: &'a Files, stores: [S; 2]) -> Result<Self, Failure> {
        for file in files.tables() {
            Sqlite::new(file, &config.metadata)
                .map_err(|error| Failure::denied("opening the SQLite file", error, "Nothing was written"))?;
        }
        let [state, ids] = stores;
        Ok(Self { host, config, state, ids, files, sign_in: SignIn::default() })
    }

    /// One pass, however long it takes.
    pub async fn pass(&self, work: Work) -> Report {
        self.within(Budget { time: None, ..work.job().budget(self.config) }, work).await
    }

    /// One pass of a schedule.
    pub async fn scheduled(&self, work: Work) -> Report {
        self.within(work.job().budget(self.config), work).await
    }

    /// Proves what is asked, however long it takes. A table in BigQuery is asked where somebody may read it.
    pub async fn prove(
        &self,
        question: &Question,
        access: Option<&ReadAccess>,
        tell: &dyn Fn(&Proven, usize),
    ) -> Proof {
        let meter = Meter::new(Job::Range.budget(self.config), self.host.now());
        let host = Metered { inner: self.host, meter: &meter };
        let sinks = beside(self.files.sinks(&host, &self.sign_in), &host, access);
        let context = Context::new(host, [&self.state, &self.ids], &sinks, self.config);
        pass::audit::prove::prove(&context, question, tell).await
    }

    async fn within(&self, budget: Budget, work: Work) -> Report {
        let meter = Meter::new(budget, self.host.now());
        let host = Metered { inner: self.host, meter: &meter };
        let sinks = self.files.sinks(&host, &self.sign_in);
        let context = Context::new(host, [&self.state, &self.ids], &sinks, self.config);
        match work {
            Work::Forward => Box::pin(pass::forward(&context)).await,
            Work::Backfill => Box::pin(pass::backfill(&context)).await,
            Work::Range { from, to } => Box::pin(pass::range(&context, from, to)).await,
        }
    }
}

/// How results are told.
#[derive(Debug)]
pub struct Teller<'a> {
    /// For people.
    pub screen: &'a Screen,
    /// For programs, on the output.
    pub json: bool,
    /// The output is full of rows: words go to the screen.
    pub rows_on_output: bool,
    /// Nothing is remembered, so nothing is lost if nobody reads the output.
    pub dry_run: bool,
}

impl Teller<'_> {
    /// Whether the reader of the rows is gone.
    pub fn is_unread(&self) -> bool {
        self.rows_on_output && lines::is_unread()
    }

    /// Tells what a pass did, and what went wrong.
    pub fn tell(&self, report: &Report) -> Result<Exit, Failure> {
        if self.is_unread() && (self.dry_run || report.worst().is_none()) {
            return Err(Failure::Unread);
        }
        let text = if self.json { report.to_json().to_string() } else { self.screen.stamped(&show::report(report)) };
        if !text.is_empty() {
            self.screen.tell(&text, self.rows_on_output)?;
        }
        for error in report.errors() {
            self.screen.say(&format!("aig-logs: {} failed: {}", report.job, error.chain()));
        }
        Ok(match report.worst() {
            None => Exit::Done,
            Some(error) if error.is_transient() => Exit::Later,
            Some(_) => Exit::Person,
        })
    }
}
