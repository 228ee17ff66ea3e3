//! The simulator over HTTP, on loopback only.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, State, connect_info::Connected},
    serve::{IncomingStream, Listener},
};
use chrono::TimeDelta;
use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode,
    header::{DATE, HOST, ORIGIN},
    uri::Authority,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};
use tower_http::compression::CompressionLayer;

use crate::simulator::{Answer, Simulator, time::Timestamp};

/// The most bytes of a request that are read: more than any service here accepts, so that each can refuse in its way.
const MOST_BYTES: usize = 64 * 1_048_576;

/// Serves until `shutdown` is ready, and then until the answers in hand are sent.
///
/// # Errors
/// When `listener` is not on loopback, or its address cannot be read.
pub async fn serve<Clock>(
    simulator: Arc<Mutex<Simulator>>,
    listener: TcpListener,
    clock: Clock,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()>
where
    Clock: Fn() -> Timestamp + Clone + Send + Sync + 'static,
{
    if !TcpListener::local_addr(&listener)?.ip().is_loopback() {
        return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, "the simulator listens on loopback only"));
    }
    let router = Router::new()
        .fallback(answer::<Clock>)
        .layer(CompressionLayer::new())
        .with_state(World { simulator, clock })
        .into_make_service_with_connect_info::<Line>();
    axum::serve(Lines(listener), router).with_graceful_shutdown(shutdown).await
}

#[derive(Clone)]
struct World<Clock> {
    simulator: Arc<Mutex<Simulator>>,
    clock: Clock,
}

async fn answer<Clock: Fn() -> Timestamp>(
    State(world): State<World<Clock>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request<Body>,
) -> Response<Body> {
    if !is_of_this_machine(request.headers()) {
        let mut refusal = status(StatusCode::FORBIDDEN);
        *refusal.body_mut() =
            Body::from("The simulator answers programs of this machine, at an address of this machine.\n");
        return refusal;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST_BYTES).await else {
        return status(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let request = Request::from_parts(parts, body.to_vec());
    let (answer, shown, latency, silence) = {
        let mut simulator = world.simulator.lock().unwrap_or_else(PoisonError::into_inner);
        let now = (world.clock)();
        let answer = simulator.answer(now, &request);
        let options = simulator.options();
        (answer, now + TimeDelta::seconds(options.clock_ahead_seconds), options.latency_ms, options.silence_ms)
    };
    match answer {
        Answer::Response(response) => {
            wait(latency).await;
            dated(response.map(Body::from), shown)
        }
        Answer::Silence => {
            wait(silence).await;
            line.cut();
            status(StatusCode::NO_CONTENT)
        }
    }
}

/// Whether a request names this machine as its host, and as its origin if it names one. A web page, whose browser may be
/// told that any name is this machine, does not.
fn is_of_this_machine(headers: &HeaderMap) -> bool {
    let is_local = |authority: &str| {
        let authority: Option<Authority> = authority.parse().ok();
        let host = authority.as_ref().map_or("", Authority::host).trim_matches(['[', ']']);
        host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    };
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let origin = text(ORIGIN).map(|origin| origin.split_once("://").map_or("", |(_, authority)| authority));
    text(HOST).is_some_and(is_local) && origin.is_none_or(is_local)
}

/// An answer that says when it was given, by the world's own clock rather than by this machine's.
fn dated(mut response: Response<Body>, now: Timestamp) -> Response<Body> {
    let date = HeaderValue::try_from(now.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
    response.headers_mut().extend(date.ok().map(|date| (DATE, date)));
    response
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

async fn wait(milliseconds: u64) {
    if milliseconds > 0 {
        #[expect(clippy::disallowed_methods, reason = "the server is a host of its own: it stands for a slow network")]
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

/// A connection's switch: once cut, nothing is written any more, so that the caller sees no answer at all.
#[derive(Clone, Default)]
struct Line(Arc<AtomicBool>);

impl Line {
    fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Acquire) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Connected<IncomingStream<'_, Lines>> for Line {
    fn connect_info(stream: IncomingStream<'_, Lines>) -> Self {
        stream.io().line.clone()
    }
}

/// Accepts connections that can be cut.
struct Lines(TcpListener);

impl Listener for Lines {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        (Connection { stream, line: Line::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

struct Connection {
    stream: TcpStream,
    line: Line,
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context, buffer: &mut ReadBuf) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.line.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<()>> {
        self.line.check()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpStream as Caller,
    };

    use super::*;
    use crate::simulator::{
        faults::{Endpoint, Fault, When},
        tests::options,
    };

    /// What comes back over a new connection.
    async fn ask(address: SocketAddr, request: &str) -> String {
        let request = request.to_owned();
        let ask = move || {
            let mut caller = Caller::connect(address).unwrap();
            caller.write_all(request.as_bytes()).unwrap();
            let mut answer = Vec::new();
            // A connection that is cut may end in an error.
            let _ = caller.read_to_end(&mut answer);
            String::from_utf8_lossy(&answer).into_owned()
        };
        tokio::task::spawn_blocking(ask).await.unwrap()
    }

    #[tokio::test]
    async fn answers_compresses_keeps_silent_and_shuts_down() {
        let mut simulator = Simulator::new(options());
        simulator.faults_mut().add(Endpoint::Token, When::Always, Fault::Silence);
        let start = simulator.options().start;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let shutdown = async { drop(stopped.await) };
        let server = serve(Arc::new(Mutex::new(simulator)), listener, move || start, shutdown);
        let server = tokio::spawn(server);

        let head = "HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";
        let plain = ask(address, &format!("GET /simulator/calls {head}\r\n")).await;
        assert!(plain.starts_with("HTTP/1.1 200 OK\r\n") && plain.contains("\"list\":0"), "{plain}");
        assert!(plain.contains("\r\ndate: Mon, 02 Nov 2026 12:00:00 GMT\r\n"), "{plain}");
        let path = "/simulator/entries?gateway=main";
        let packed = ask(address, &format!("GET {path} {head}accept-encoding: gzip\r\n\r\n")).await;
        assert!(packed.contains("content-encoding: gzip"), "{packed}");
        let silence = ask(address, &format!("POST /token {head}content-length: 0\r\n\r\n")).await;
        assert_eq!(silence, "");

        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_web_page_is_not_answered() {
        let start = options().start;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let simulator = Arc::new(Mutex::new(Simulator::new(options())));
        let server = tokio::spawn(serve(simulator, listener, move || start, std::future::pending()));
        let status = async |head: &str| {
            let answer =
                ask(address, &format!("GET /simulator/calls HTTP/1.1\r\nconnection: close\r\n{head}\r\n")).await;
            (answer[9..12].to_owned(), answer)
        };
        for good in [
            "host: localhost\r\n",
            "host: LOCALHOST:8788\r\n",
            "host: 127.0.0.1:8788\r\n",
            "host: [::1]:8788\r\n",
            "host: 127.0.0.1\r\norigin: http://localhost:3000\r\n",
        ] {
            let (status, answer) = status(good).await;
            assert_eq!(status, "200", "{good}: {answer}");
        }
        for wrong in [
            "host: evil.example\r\n",
            "host: 127.evil.example:8788\r\n",
            "host: localhost.evil.example\r\n",
            "host: 127.0.0.1\r\norigin: https://evil.example\r\n",
            "host: 127.0.0.1\r\norigin: null\r\n",
        ] {
            let (status, answer) = status(wrong).await;
            assert!(status == "403" && answer.contains("this machine"), "{wrong}: {answer}");
        }
        server.abort();
    }

    #[tokio::test]
    async fn only_loopback_is_served() {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let simulator = Arc::new(Mutex::new(Simulator::new(options())));
        let served = serve(simulator, listener, || Timestamp::UNIX_EPOCH, async {}).await;
        assert_eq!(served.unwrap_err().kind(), io::ErrorKind::AddrNotAvailable);
    }
}
