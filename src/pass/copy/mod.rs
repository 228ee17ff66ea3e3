//! One stretch of one gateway, from the list to the sink: pages are read, several at once, what is new is written meanwhile,
//! and only what is written moves the cursor.

mod writer;

use std::{future::poll_fn, task::Poll};

use futures_util::{FutureExt, StreamExt, future::LocalBoxFuture, stream::FuturesOrdered};

pub use self::writer::Written;
use self::writer::{Letter, Line, Writer, Wrote};
use crate::{
    entry::{Entry, Unread},
    error::{CallError, Error},
    foreign,
    gateway::{self, Page},
    host::{Host, Progress},
    pass::{
        Context, Platform,
        pace::{self, Calls, Pace},
        report::GatewayReport,
    },
    plan::{
        ahead::{AT_ONCE, Ahead},
        budget::Ended,
        cursor::{Query, Scan},
    },
    privacy::Privacy,
    row::Row,
    state::{Body, DeadLetter, Track},
    time::Timestamp,
};

/// The copying of one stretch.
pub struct Copy<'a, 'c, P: Platform> {
    context: &'a Context<'c, P>,
    ahead: Ahead,
    pace: Pace,
    /// Pages under way, in the order in which they are taken.
    reads: FuturesOrdered<LocalBoxFuture<'a, Read>>,
    /// Pages asked for.
    asked: u32,
    /// Why no further page is asked for, if that is not the end of the stretch.
    ended: Option<Ended>,
    /// The last page was empty although it counts entries: an end that does not prove itself.
    doubtful: bool,
    writer: Writer<'a, P::Sink>,
    /// What was done so far.
    pub report: GatewayReport,
}

/// A page that was asked for.
struct Read {
    query: Query,
    /// When it came, UTC.
    at: Timestamp,
    /// None: the program was asked to stop before it was sent for.
    page: Option<Result<Page, CallError>>,
}

/// What comes first.
enum Event {
    Read(Read),
    Wrote(Wrote),
}

impl<'a, 'c, P: Platform> Copy<'a, 'c, P> {
    /// A copy of what `scan` reads.
    pub fn new(context: &'a Context<'c, P>, gateway: &str, scan: Scan) -> Self {
        let report = GatewayReport::new(gateway, scan.cursor().ts(), scan.bound());
        Self {
            context,
            ahead: Ahead::new(scan, context.config.source.per_page),
            pace: Pace::default(),
            reads: FuturesOrdered::new(),
            asked: 0,
            ended: None,
            doubtful: false,
            writer: Writer::new(context.sink),
            report,
        }
    }

    /// Copies until the stretch or the budget ends, or until there is enough to remember: `None` then, and this is to be
    /// called again. `track` is how far the writing has come.
    pub async fn run(&mut self, track: &mut dyn Track) -> Option<Ended> {
        let mut result = self.read_and_write(track).await;
        if matches!(result, Ok(Some(_)) | Err(Error::Source { .. })) {
            // Whatever ended the reading, what was read is written.
            match self.write_all(track).await {
                Ok(()) => {}
                // The source's own failure says more than that there was no call left to write with.
                Err(error) if result.is_err() && self.context.is_out_of_calls(&error) => {}
                Err(error) => result = Err(error),
            }
        }
        let ended = match result {
            Ok(ended) => ended?,
            Err(error) => self.fail(error),
        };
        self.report.reached = track.cursor().ts();
        self.report.ended = ended;
        Some(ended)
    }

    /// Notes why nothing more is copied. What is read and not written, the next pass reads again.
    pub fn fail(&mut self, error: Error) -> Ended {
        let is_failure = !self.context.is_out_of_calls(&error);
        self.report.ended = if is_failure { Ended::Failed } else { Ended::Calls };
        if is_failure {
            self.report.error = Some(error);
        }
        self.report.ended
    }

    /// What was written since this was last asked: it is to be remembered.
    pub fn take_written(&mut self) -> Written {
        std::mem::take(&mut self.writer.written)
    }

    /// The same to its end, with all that is written kept, and no cursor.
    pub async fn run_to_end(&mut self, track: &mut dyn Track) -> Result<Ended, Error> {
        loop {
            let ended = self.run(track).await;
            let written = self.take_written();
            self.context.keep(&mut self.report, written).await?;
            if let Some(ended) = ended {
                return Ok(ended);
            }
        }
    }

    async fn read_and_write(&mut self, track: &mut dyn Track) -> Result<Option<Ended>, Error> {
        loop {
            self.ask();
            self.writer.begin();
            match self.event().await {
                Some(Event::Read(read)) => self.take(read, track)?,
                Some(Event::Wrote(wrote)) => self.writer.acknowledge(wrote, track, &mut self.report)?,
                None => break,
            }
            self.settle(track);
            if self.writer.has_much_to_remember() {
                return Ok(None);
            }
        }
        let is_doubtful = self.doubtful || self.ahead.scan().is_doubtful();
        let whole = if is_doubtful { Ended::Doubtful } else { Ended::Complete };
        Ok(Some(self.ended.unwrap_or(whole)))
    }

    /// Asks for as many pages as may be under way at once.
    fn ask(&mut self) {
        while self.ended.is_none() && self.reads.len() < AT_ONCE && !self.writer.is_full() {
            let is_first = self.reads.is_empty();
            let query = if is_first { self.ahead.next(0) } else { self.ahead.guess() };
            let Some(query) = query else { return };
            match self.read(query) {
                Ok(read) => self.reads.push_back(read),
                // A guess is given up, and what is under way may be the end of the stretch.
                Err(ended) => return self.ended = is_first.then_some(ended),
            }
        }
    }

    /// The reading of a page, or why the pass ends before it.
    fn read(&mut self, query: Query) -> Result<LocalBoxFuture<'a, Read>, Ended> {
        // An instant that was begun is read to its end, and pages are asked for that can be read: the next pass would begin
        // again, and come no further.
        let scan = self.ahead.scan();
        let pages = if scan.is_within_instant() || scan.is_shrunk() { 0 } else { self.asked };
        let calls = Calls { pages, under_way: self.reads.len(), left: self.ahead.pages_left() };
        let from = self.pace.next(self.context, calls)?;
        self.asked += 1;
        Ok(read(self.context, self.report.gateway.clone(), query, from).boxed_local())
    }

    /// Waits for the next page in order or the batch in hand, whichever comes first; `None` where there is neither.
    async fn event(&mut self) -> Option<Event> {
        poll_fn(|task| {
            if let Poll::Ready(wrote) = self.writer.poll(task) {
                return Poll::Ready(Some(Event::Wrote(wrote)));
            }
            match self.reads.poll_next_unpin(task) {
                Poll::Ready(None) if self.writer.is_writing() => Poll::Pending,
                Poll::Ready(read) => Poll::Ready(read.map(Event::Read)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    fn take(&mut self, Read { query, at, page }: Read, track: &mut dyn Track) -> Result<(), Error> {
        let Some(page) = page else {
            self.stop();
            return Ok(());
        };
        let page = match page {
            Err(CallError::TooLarge { most, beginning }) => {
                // What is under way was asked for on account of larger pages.
                self.reads.clear();
                if self.ahead.too_large() {
                    return Ok(());
                }
                gateway::page_of_one(&beginning, most, &query).ok_or(CallError::TooLarge { most, beginning })
            }
            page => page,
        };
        let page = page.map_err(|error| Error::Source { gateway: self.report.gateway.clone(), error })?;
        self.pace.note(page.rate, at);
        self.report.pages += 1;
        let is_empty = page.entries.is_empty();
        if let Some(new) = self.ahead.take(&query, page.entries, page.total) {
            let more = page.total.filter(|total| *total > 0 && !self.ahead.scan().is_counted_anyway(*total));
            self.doubtful = query.page == 1 && is_empty && more.is_some();
            self.collect(new, at, track);
        } else if let Some(query) = self.ahead.next(self.reads.len())
            && let Ok(read) = self.read(query)
        {
            self.reads.push_front(read);
        }
        if self.ahead.scan().query().is_none() {
            self.reads.clear();
        }
        if self.context.host.stopping() {
            self.stop();
        }
        Ok(())
    }

    /// Reads nothing more.
    fn stop(&mut self) {
        self.reads.clear();
        self.ended = self.ahead.scan().query().map(|_| Ended::Stopped);
    }

    /// Makes lines of what is new.
    fn collect(&mut self, mut new: Vec<Entry>, now: Timestamp, track: &mut dyn Track) {
        let Context { host, config, .. } = self.context;
        new.retain(|entry| !track.knows(entry));
        self.report.entries += new.len() as u64;
        for entry in &new {
            // Where its instant is another's, nothing is known of how late it appeared.
            if !entry.is_placed() {
                self.report.lateness.add(now - entry.created_at);
            }
        }
        let gateway = &self.report.gateway;
        self.writer.add(new.into_iter().map(|entry| line(entry, gateway, now, &config.privacy)));
        host.progress(Progress {
            gateway: &self.report.gateway,
            entries: self.report.entries,
            left: self.ahead.left(),
            at: self.ahead.scan().cursor().ts(),
        });
    }

    async fn write_all(&mut self, track: &mut dyn Track) -> Result<(), Error> {
        while let Some(wrote) = self.writer.write_on().await {
            self.writer.acknowledge(wrote, track, &mut self.report)?;
        }
        self.settle(track);
        Ok(())
    }

    /// Where everything that was read is written, the writing is where the reading is.
    fn settle(&self, track: &mut dyn Track) {
        if self.writer.is_done() {
            track.settle(self.ahead.scan().cursor());
        }
    }
}

/// What an entry becomes: its row, or a dead letter.
fn line(entry: Entry, gateway: &str, now: Timestamp, privacy: &Privacy) -> Line {
    let Entry { id, created_at, unread: Some(unread), .. } = entry else {
        return Line::Row(Row::new(entry, gateway, now, privacy));
    };
    let Unread { text, reason, is_placed } = *unread;
    let text = foreign::masked(&privacy.apply_to_text(&text));
    let body = Body::Text { id, created_at: (!is_placed).then_some(created_at), text };
    Line::Letter(Letter { kept: DeadLetter { body, reason }, created_at, is_placed })
}

/// Sends for a page as soon as it may.
async fn read<P: Platform>(context: &Context<'_, P>, gateway: String, query: Query, from: Timestamp) -> Read {
    let Context { host, config, .. } = context;
    if !pace::until(host, from).await {
        return Read { query, at: host.now(), page: None };
    }
    let request = gateway::list(&config.source, &gateway, &query);
    let page = context.page(&request, &query).await;
    Read { query, at: host.now(), page: Some(page) }
}
