//! Connections, and the requests on each: how long they may take, and how many there may be.

use std::{
    convert::Infallible,
    io,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use axum::serve::{Listener, ListenerExt as _};
use http::StatusCode;
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Body, Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};
use tokio_io_timeout::TimeoutStream;

use super::local::Local;
use crate::{api::Problem, ingest::LARGEST_BODY};

/// Connections at once, half of the files that most systems let a program open. A further one waits until another ends.
const MOST_CONNECTIONS: usize = 512;

/// Requests that are worked on at once, each with up to [`LARGEST_BODY`] bytes. A further one waits.
const MOST_REQUESTS: usize = 128;

/// How long the head of a request may take, from the end of the request before it. So an idle connection ends.
const HEAD: Duration = Duration::from_mins(1);

/// The same on a connection that begins when half of the places are taken. So idle connections cannot hold all places for
/// long.
const CROWDED_HEAD: Duration = Duration::from_secs(5);

/// How long the body of a request may take.
const BODY: Duration = Duration::from_secs(30);

/// How long the rest of a body that is too large is read and dropped. A sender that still sends when the connection ends
/// may never see the answer.
const REST: Duration = Duration::from_secs(5);

/// How long a sender may take to read a part of an answer.
const ANSWER: Duration = BODY;

/// Answers until `stopped`, and then what was already asked.
///
/// # Errors
/// If the runtime cannot use the listener.
pub async fn serve(
    listener: std::net::TcpListener,
    local: Arc<Local>,
    stopped: impl Future<Output = ()>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?.tap_io(|stream| {
        // An answer is written at once, so that it never waits for more.
        let _ = stream.set_nodelay(true);
    });
    serve_at_most(MOST_CONNECTIONS, listener, local, stopped).await;
    Ok(())
}

async fn serve_at_most(most: usize, mut listener: impl Listener, local: Arc<Local>, stopped: impl Future<Output = ()>) {
    let mut stopped = pin!(stopped);
    let (places, turns) = (Arc::new(Semaphore::new(most)), Arc::new(Semaphore::new(MOST_REQUESTS)));
    let (graceful, mut tasks) = (GracefulShutdown::new(), JoinSet::new());
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new());
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.ok();
            // It waits a moment if the system has no connections left to give.
            (listener.accept().await.0, place)
        };
        let (stream, place) = tokio::select! {
            () = &mut stopped => break,
            Some(_) = tasks.join_next(), if !tasks.is_empty() => continue,
            connection = next => connection,
        };
        let is_crowded = places.available_permits() < most / 2;
        http.header_read_timeout(if is_crowded { CROWDED_HEAD } else { HEAD });
        let (local, turns) = (Arc::clone(&local), Arc::clone(&turns));
        let service = service_fn(move |request| answer(Arc::clone(&local), Arc::clone(&turns), request));
        let connection = graceful.watch(http.serve_connection(timed(stream), service));
        tasks.spawn(async move {
            // A connection that breaks is the sender's loss: it sends the same again.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    graceful.shutdown().await;
    while tasks.join_next().await.is_some() {}
}

/// A connection on which no part of an answer may wait for long.
fn timed<S: AsyncRead + AsyncWrite>(stream: S) -> TokioIo<Pin<Box<TimeoutStream<S>>>> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(ANSWER));
    TokioIo::new(Box::pin(stream))
}

async fn answer(
    local: Arc<Local>,
    turns: Arc<Semaphore>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    let (head, mut body) = request.into_parts();
    let response = match timeout(BODY, read(&mut body)).await {
        Ok(Ok(bytes)) => {
            let _ = timeout(REST, async { while let Some(Ok(_)) = body.frame().await {} }).await;
            let _turn = turns.acquire().await;
            local.answer(hyper::Request::from_parts(head, bytes)).await
        }
        Ok(Err(_)) => Problem::new(StatusCode::BAD_REQUEST, "the body ended too early: send it whole").response(),
        Err(_) => {
            let detail = format!("the body took longer than {} s: send less at once", BODY.as_secs());
            Problem::new(StatusCode::REQUEST_TIMEOUT, detail).response()
        }
    };
    Ok(response.map(|body| Full::new(body.into())))
}

/// A body, or as much of it as shows that it is too large.
async fn read(body: &mut Incoming) -> hyper::Result<Vec<u8>> {
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(LARGEST_BODY);
    let mut bytes = Vec::with_capacity(expected.min(LARGEST_BODY));
    while bytes.len() <= LARGEST_BODY
        && let Some(frame) = body.frame().await
    {
        if let Ok(part) = frame?.into_data() {
            bytes.extend_from_slice(&part[..part.len().min(LARGEST_BODY + 1 - bytes.len())]);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
        sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        time::Instant,
    };

    use super::*;
    use crate::{config::EventSettings, database::sqlite::SqliteDatabase, log::metadata::MetadataKeys};

    /// A key of all orgs and scopes.
    const ADMIN: &str = "the-key-of-all-orgs-and-scopes";

    /// Bytes that a connection holds that nobody has read yet.
    const ROOM: usize = 64 << 10;

    /// Connections in memory. A clock that passes when everybody waits would also pass while a system carries bytes.
    struct Wires(UnboundedReceiver<DuplexStream>);

    impl Listener for Wires {
        type Io = DuplexStream;
        type Addr = ();

        async fn accept(&mut self) -> (DuplexStream, ()) {
            match self.0.recv().await {
                Some(stream) => (stream, ()),
                None => std::future::pending().await,
            }
        }

        fn local_addr(&self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Who connects to the server of a test.
    struct Dialer(UnboundedSender<DuplexStream>);

    impl Dialer {
        fn connect(&self) -> DuplexStream {
            let (near, far) = duplex(ROOM);
            self.0.send(far).unwrap();
            near
        }
    }

    /// What a test does with a server of so many connections, by a clock that passes when everybody waits.
    async fn with_server<T, F: Future<Output = T>>(most: usize, talk: impl FnOnce(Dialer) -> F) -> T {
        let folder = tempfile::tempdir().unwrap();
        let database = SqliteDatabase::open(&folder.path().join("a.sqlite"), &MetadataKeys::default()).unwrap();
        let settings = EventSettings::from_vars(|name| (name == "EVENTS_ADMIN_KEY").then(|| ADMIN.to_owned()));
        let local = Arc::new(Local::new(settings.unwrap(), database, None, None, None));
        let (dialer, wires) = unbounded_channel();
        tokio::select! {
            () = serve_at_most(most, Wires(wires), local, std::future::pending()) => panic!("it ended"),
            told = timeout(Duration::from_hours(1), talk(Dialer(dialer))) => told.expect("the connection never ends"),
        }
    }

    /// What a sender is answered that sends this and then nothing.
    async fn answered(sent: &[u8]) -> String {
        with_server(MOST_CONNECTIONS, async |dialer| {
            let mut connection = dialer.connect();
            connection.write_all(sent).await.unwrap();
            let mut answer = String::new();
            connection.read_to_string(&mut answer).await.unwrap();
            answer
        })
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_answered_and_the_connection_ends() {
        let answer = answered(b"POST /events HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n{").await;
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("took longer than 30 s"), "{answer}");
        assert!(answer.contains("cache-control: no-store"), "{answer}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_no_body_is_answered() {
        let answer = answered(b"POST /events HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nx\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("send it whole"), "{answer}");
        assert!(answer.contains("cache-control: no-store"), "{answer}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_come_ends_the_connection() {
        for sent in ["", "POST /events HTTP/1.1\r\n", "GET / HTTP/1.1\r\nhost: a\r\n\r\n"] {
            let answers = answered(sent.as_bytes()).await.matches("HTTP/1.1").count();
            assert!(answers <= 1, "{sent}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_of_a_body_that_is_far_too_large_is_told_so_when_it_has_sent_all_of_it() {
        const SENT: usize = 50 << 20;
        let head =
            format!("POST /events HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {ADMIN}\r\ncontent-length: {SENT}");
        let mut request = format!("{head}\r\n\r\n").into_bytes();
        request.resize(request.len() + SENT, b'x');
        let answer = answered(&request).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_too_large_is_answered_though_its_end_never_comes() {
        let head =
            format!("POST /events HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {ADMIN}\r\ntransfer-encoding: chunked");
        let sent = format!("{head}\r\n\r\n{:x}\r\n{}", LARGEST_BODY + 1, "x".repeat(LARGEST_BODY + 1));
        let answer = answered(sent.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_that_reads_no_answer_loses_its_connection() {
        let waited = with_server(MOST_CONNECTIONS, async |dialer| {
            let mut connection = dialer.connect();
            let requests = "GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n".repeat(1_000);
            let began = Instant::now();
            while connection.write_all(requests.as_bytes()).await.is_ok() {}
            began.elapsed()
        });
        let waited = waited.await;
        assert!(waited >= ANSWER && waited < 2 * ANSWER, "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn idle_connections_keep_nobody_waiting_for_long() {
        const MOST: usize = 8;
        let (waited, early) = with_server(MOST, async |dialer| {
            let mut idle = Vec::new();
            for _ in 0..2 * MOST {
                idle.push(dialer.connect());
            }
            let began = Instant::now();
            let mut connection = dialer.connect();
            connection.write_all(b"GET /nowhere HTTP/1.0\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            connection.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.0 404"), "{answer}");
            let waited = began.elapsed();
            // Those that came while there was room may stay.
            idle.swap_remove(0).read_to_string(&mut answer).await.unwrap();
            (waited, began.elapsed())
        })
        .await;
        assert!(waited < 4 * CROWDED_HEAD, "{waited:?}");
        assert!(early >= HEAD, "{early:?}");
    }
}
