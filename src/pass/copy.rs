//! One stretch of one gateway, from the list to the sink: read a page, write what is new, and only then move the cursor.

use crate::{
    error::Error,
    gateway,
    host::{Host, Progress, Store, call},
    pass::{Context, pace::Pace, report::GatewayReport},
    plan::{
        budget::Ended,
        cursor::{Query, Scan},
        segments::Segment,
    },
    row::Row,
    sink::{Rejected, Sink},
    state::Track,
};

/// Entries that may be written but not yet remembered. More would cost memory, and work after a crash.
const MOST_UNREMEMBERED: usize = 10_000;

/// Pages after which what was read is written even if it fills no batch: where pages are small, or known but for a few
/// entries, the platform might refuse further calls before one is full, and each pass would read the same again. Workers
/// Free allows 50 subrequests. Full pages never come to this: eleven hold a batch.
/// developers.cloudflare.com/workers/platform/limits
const MOST_UNWRITTEN_PAGES: u32 = 11;

/// What was written since it was last remembered.
#[derive(Debug, Default)]
pub struct Written {
    /// The ids.
    pub segment: Option<Segment>,
    /// The rows the sink will never take.
    pub rejected: Vec<(Row, Rejected)>,
}

/// The copying of one stretch. `track` is how far the writing has come.
pub struct Copy<'a, 'c, H, S, K, T> {
    context: &'a Context<'c, H, S, K>,
    scan: Scan,
    pace: Pace,
    /// The last page was empty although it counts entries: an end that does not prove itself.
    doubtful: bool,
    pending: Vec<Row>,
    /// Pages read since rows have been pending.
    unwritten_pages: u32,
    /// How far the writing has come.
    pub track: T,
    /// What is written and not yet remembered.
    pub written: Written,
    /// What was done so far.
    pub report: GatewayReport,
}

impl<'a, 'c, H: Host, S: Store, K: Sink, T: Track> Copy<'a, 'c, H, S, K, T> {
    /// A copy of what `scan` reads.
    pub fn new(context: &'a Context<'c, H, S, K>, gateway: &str, scan: Scan, track: T) -> Self {
        let report = GatewayReport::new(gateway, scan.cursor().ts, scan.bound());
        Self {
            context,
            scan,
            pace: Pace::default(),
            doubtful: false,
            pending: Vec::new(),
            unwritten_pages: 0,
            track,
            written: Written::default(),
            report,
        }
    }

    /// Copies until the stretch or the budget ends, or until there is enough to remember: `None` then, and this is to be
    /// called again.
    pub async fn run(&mut self) -> Option<Ended> {
        let mut result = self.read_and_write().await;
        if matches!(result, Ok(Some(_)) | Err(Error::Source { .. })) {
            // Whatever ended the reading, what was read is written.
            match self.write(1).await {
                Ok(()) => {}
                // The source's own failure says more than that there was no call left to write with.
                Err(error) if result.is_err() && self.context.is_out_of_calls(&error) => {}
                Err(error) => result = Err(error),
            }
        }
        let ended = match result {
            Ok(ended) => ended?,
            // What is read and not written, the next pass reads again.
            Err(error) if self.context.is_out_of_calls(&error) => Ended::Calls,
            Err(error) => {
                self.report.error = Some(error);
                Ended::Failed
            }
        };
        self.report.reached = self.track.cursor().ts;
        self.report.ended = ended;
        Some(ended)
    }

    async fn read_and_write(&mut self) -> Result<Option<Ended>, Error> {
        while let Some(query) = self.scan.query() {
            if let Some(ended) = self.end_or_hold_back().await {
                return Ok(Some(ended));
            }
            self.read(&query).await?;
            self.write(self.context.sink.batch()).await?;
            if self.unwritten_pages >= MOST_UNWRITTEN_PAGES {
                self.write(1).await?;
            }
            if self.written.segment.as_ref().is_some_and(|segment| segment.metadata.n >= MOST_UNREMEMBERED) {
                return Ok(None);
            }
        }
        Ok(Some(if self.doubtful { Ended::Doubtful } else { Ended::Complete }))
    }

    async fn end_or_hold_back(&mut self) -> Option<Ended> {
        // An instant that was begun is read to its end: the next pass would begin it again, and come no further.
        let pages = if self.scan.is_within_instant() { 0 } else { self.report.pages };
        self.pace.end_or_hold_back(self.context, pages).await
    }

    async fn read(&mut self, query: &Query) -> Result<(), Error> {
        let Context { host, config, .. } = self.context;
        let request = gateway::list(&config.source, &self.report.gateway, query);
        let page = call(host, &request, |response| gateway::read_page(response, query)).await;
        let page = page.map_err(|error| Error::Source { gateway: self.report.gateway.clone(), error })?;
        let now = host.now();
        gateway::check_clock(&page, now)
            .map_err(|error| Error::Source { gateway: self.report.gateway.clone(), error })?;
        self.doubtful = query.page == 1 && page.entries.is_empty() && page.total.is_some_and(|total| total > 0);
        let mut new = self.scan.take(page.entries, page.total);
        new.retain(|entry| !self.track.knows(entry));
        self.pace.note(page.rate);
        self.report.pages += 1;
        self.report.entries += new.len() as u64;
        for entry in &new {
            self.report.lateness.add(now - entry.created_at);
        }
        let row = |entry| Row::new(entry, &self.report.gateway, now, &config.privacy);
        self.pending.extend(new.into_iter().map(row));
        self.unwritten_pages += u32::from(!self.pending.is_empty());
        host.progress(Progress {
            gateway: &self.report.gateway,
            entries: self.report.entries,
            left: page.total,
            at: self.scan.cursor().ts,
        });
        Ok(())
    }

    /// Writes what was read, in batches, as long as there are at least `least` rows.
    async fn write(&mut self, least: usize) -> Result<(), Error> {
        let sink = self.context.sink;
        while self.pending.len() >= least {
            let batch = sink.batch().min(self.pending.len());
            let outcome = sink.write(&self.pending[..batch]).await;
            let outcome = outcome.map_err(|error| Error::Sink { sink: sink.name(), error })?;
            // The rows are acknowledged; nothing else moves a cursor. If we stop before this is remembered, the next
            // pass writes them again, and readers see them once.
            let rows: Vec<Row> = self.pending.drain(..batch).collect();
            self.unwritten_pages = 0;
            for row in &rows {
                self.deliver(row);
            }
            self.report.known += outcome.known;
            self.report.rejected += outcome.rejected.len() as u64;
            self.report.rows += (rows.len() - outcome.rejected.len()) as u64;
            for rejected in outcome.rejected {
                let row = rows[rejected.index].clone();
                // Its reason may quote the row: that is for the dead letter alone.
                log::warn!(id = row.id.as_str(); "kept as a dead letter");
                self.written.rejected.push((row, rejected));
            }
        }
        if self.pending.is_empty() {
            self.track.settle(self.scan.cursor());
        }
        Ok(())
    }

    fn deliver(&mut self, row: &Row) {
        self.track.cursor().pass_over(&row.id, row.created_at);
        self.track.count(row);
        match &mut self.written.segment {
            Some(segment) => segment.push(&row.id, row.created_at),
            none @ None => *none = Some(Segment::of(&row.id, row.created_at)),
        }
    }
}
