//! The reading half of a copy: it reads the pages of one stretch of a gateway, several at once.

use std::task::{Context as Task, Poll};

use futures_util::{FutureExt, StreamExt, future::LocalBoxFuture, stream::FuturesOrdered};

use crate::{
    error::{CallError, Error},
    host::Host,
    log::entry::Entry,
    pass::{Context, Platform},
    plan::{
        ahead::{AT_ONCE, Ahead},
        budget::Ended,
        cursor::{Cursor, Query, Scan},
        pace::Pace,
    },
    source::Page,
    time::Timestamp,
};

/// A page that the reader asked for.
pub struct Read {
    query: Query,
    /// When the page came, UTC.
    pub at: Timestamp,
    /// None: the program was asked to stop before the request was sent.
    page: Option<Result<Page, CallError>>,
}

/// The reading of one stretch of a gateway.
pub struct Reader<'a, 'c, P: Platform> {
    context: &'a Context<'c, P>,
    gateway: String,
    ahead: Ahead,
    pace: Pace,
    /// Pages under way, in the order in which they are taken.
    reads: FuturesOrdered<LocalBoxFuture<'a, Read>>,
    /// The number of pages asked for.
    asked: u32,
    /// The number of pages read.
    pub pages: u32,
    /// Why no further page is asked for; none if only the end of the stretch is the reason.
    ended: Option<Ended>,
    /// Whether the last page was empty although it counts entries, so that it does not prove the end.
    doubtful: bool,
}

impl<'a, 'c, P: Platform> Reader<'a, 'c, P> {
    /// A reader of the pages of `scan`.
    pub fn new(context: &'a Context<'c, P>, gateway: &str, scan: Scan) -> Self {
        Self {
            context,
            gateway: gateway.to_owned(),
            ahead: Ahead::new(scan, context.source.per_page()),
            pace: Pace::default(),
            reads: FuturesOrdered::new(),
            asked: 0,
            pages: 0,
            ended: None,
            doubtful: false,
        }
    }

    /// How far the reading has come.
    pub fn cursor(&self) -> &Cursor {
        self.ahead.scan().cursor()
    }

    /// The number of entries still to be read; none: the source does not tell.
    pub fn left(&self) -> Option<u64> {
        self.ahead.left()
    }

    /// Whether no further page is asked for.
    pub fn is_done(&self) -> bool {
        self.ended.is_some() || self.ahead.scan().query().is_none()
    }

    /// Why no further page is asked for.
    pub fn ended(&self) -> Ended {
        let is_doubtful = self.doubtful || self.ahead.scan().is_doubtful();
        self.ended.unwrap_or(if is_doubtful { Ended::Doubtful } else { Ended::Complete })
    }

    /// Asks for as many pages as may be under way at once.
    pub fn ask(&mut self, is_full: bool) {
        while self.ended.is_none() && self.reads.len() < AT_ONCE && !is_full {
            let is_first = self.reads.is_empty();
            let query = if is_first { self.ahead.next(0) } else { self.ahead.guess() };
            let Some(query) = query else { return };
            match self.read(query) {
                Ok(read) => self.reads.push_back(read),
                // A guessed page may be skipped, because a page under way may be the end of the stretch.
                Err(ended) => return self.ended = is_first.then_some(ended),
            }
        }
    }

    /// Starts the reading of a page, or returns why the pass ends before it.
    fn read(&mut self, query: Query) -> Result<LocalBoxFuture<'a, Read>, Ended> {
        // A page budget does not stop the reading within an instant, or of pages that were made smaller because they
        // were too large. Otherwise the next pass would begin there again, and come no further.
        let scan = self.ahead.scan();
        let pages = if scan.is_within_instant() || scan.is_shrunk() { 0 } else { self.asked };
        let from = self.context.next_call(&mut self.pace, pages, self.reads.len(), self.ahead.pages_left())?;
        self.asked += 1;
        Ok(read(self.context, self.gateway.clone(), query, from).boxed_local())
    }

    /// The next page in order; `None` if no page is under way.
    pub fn poll_next(&mut self, task: &mut Task<'_>) -> Poll<Option<Read>> {
        self.reads.poll_next_unpin(task)
    }

    /// Takes the next page in order, and returns its new entries. None: the page must be asked for again, or the
    /// program was asked to stop.
    ///
    /// # Errors
    /// If the source fails.
    pub fn take(&mut self, Read { query, at, page }: Read) -> Result<Option<Vec<Entry>>, Error> {
        let Some(page) = page else {
            self.stop();
            return Ok(None);
        };
        let page = match page {
            Err(CallError::TooLarge { most, beginning }) => {
                // The pages under way were asked for with the larger page size.
                self.reads.clear();
                if self.ahead.too_large() {
                    return Ok(None);
                }
                self.context.source.page_of_one(&beginning, most, &query).ok_or(CallError::TooLarge { most, beginning })
            }
            page => page,
        };
        let page = page.map_err(|error| Error::Source { gateway: self.gateway.clone(), error })?;
        self.pace.note(page.rate, at);
        self.pages += 1;
        let is_empty = page.entries.is_empty();
        let new = self.ahead.take(&query, page.entries, page.total);
        if new.is_some() {
            let more = page.total.filter(|total| *total > 0 && !self.ahead.scan().is_counted_anyway(*total));
            self.doubtful = query.page == 1 && is_empty && more.is_some();
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
        Ok(new)
    }

    /// Ends the reading.
    fn stop(&mut self) {
        self.reads.clear();
        self.ended = self.ahead.scan().query().map(|_| Ended::Stopped);
    }
}

/// Waits until the page may be asked for, and asks for it.
async fn read<P: Platform>(context: &Context<'_, P>, gateway: String, query: Query, from: Timestamp) -> Read {
    let page = if context.wait_until(from).await { Some(context.page(&gateway, &query).await) } else { None };
    Read { query, at: context.host.now(), page }
}
