//! The address at which whoever runs the program asks how it is. It has no keys: it is for this machine, or for a network of
//! one's own.

use std::{
    future::IntoFuture as _,
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

use axum::{Router, body::Body, extract::State, response::IntoResponse, routing::get};
use http::header;

use super::{
    poller::PollerWatch,
    problem::{Audience, Problem, answer, exit},
    text::{self, CONTENT_TYPE, Family, gauge, single},
};
use crate::cli::{
    commands::serve::local::Local,
    failure::{Exit, Failure},
};

/// What is watched.
#[derive(Clone)]
pub enum Watched {
    /// The poller of `aig-logs run`.
    Poller(Arc<PollerWatch>),
    /// The server of `aig-logs serve`, and the poller that may run beside it.
    Server(Arc<Local>),
}

impl Watched {
    async fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Poller(poller) => poller.problems().await,
            Self::Server(server) => server.problems().await,
        }
    }

    async fn families(&self) -> Vec<Family> {
        let (families, cost) = match self {
            Self::Poller(poller) => (poller.families().await, poller.cost().await),
            Self::Server(server) => (server.watch.families().await, server.cost().await),
        };
        let healthy = if exit(&self.problems().await) == Exit::Person { 0.0 } else { 1.0 };
        let healthy = gauge("aig_logs_healthy", "0: somebody must act, as /healthz says.", single(Some(healthy)));
        let cost = gauge("aig_logs_cost_today_usd", "Cost of the present day, UTC.", single(cost));
        [healthy].into_iter().chain(families).chain([cost]).collect()
    }
}

/// Listens at an address of an option.
pub fn listen(address: SocketAddr, option: &str) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map_err(|error| {
        let hint = format!("Choose another address with {option}: port 0 takes a free one");
        Failure::denied(format!("listening on {address}"), error, hint)
    })
}

/// Answers `/healthz` and `/metrics` for as long as the work takes.
pub async fn beside<T>(
    listener: Option<TcpListener>,
    watched: Watched,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let Some(listener) = listener else { return work.await };
    let listener = tokio::net::TcpListener::from_std(listener);
    let listener = listener.map_err(|error| Failure::denied("listening", error, "Start it again"))?;
    let router = Router::new().route("/healthz", get(health)).route("/metrics", get(metrics)).with_state(watched);
    let serving = axum::serve(listener, router).into_future();
    tokio::select! {
        done = work => done,
        ended = serving => {
            let problem = ended.err().map_or_else(|| "it has ended".to_owned(), |error| error.to_string());
            Err(Failure::denied("answering at the address of health", problem, "Start it again"))
        }
    }
}

async fn health(State(watched): State<Watched>) -> impl IntoResponse {
    answer(&watched.problems().await, Audience::Operator).map(Body::from)
}

async fn metrics(State(watched): State<Watched>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], text::told(&watched.families().await))
}
