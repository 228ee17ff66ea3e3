//! The Worker that receives events: requests, methods over a service binding, the messages of its queue, and the cron that
//! deletes what is too old.
//!
//! Only the settings and the keys that it has seen outlive a request. What it acknowledges is in D1, or in the queue in
//! front of it.

mod archive;
mod cron;
mod queue;
mod request;
mod rpc;
mod server;

use std::{cell::RefCell, rc::Rc};

use http::{HeaderValue, StatusCode, header};
use log::{Level, LevelFilter};
use serde_json::json;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use web_sys::{Request, Response};
use worker::Env;

use self::server::EventServer;
use super::{console, setting};
use crate::{
    api::{Api, Problem},
    config::EventSettings,
};

/// How long a sender should wait if the settings cannot be used: until somebody has changed them.
const WAIT: HeaderValue = HeaderValue::from_static("60");

#[wasm_bindgen(module = "cloudflare:workers")]
extern "C" {
    /// The bindings of the Worker. A method over a service binding is not given them.
    #[wasm_bindgen(thread_local_v2, js_name = env)]
    static ENV: Env;
}

thread_local! {
    static API: RefCell<Option<Rc<Api>>> = const { RefCell::new(None) };
}

/// The handler of requests.
///
/// # Errors
/// If the request ended before it was read.
#[wasm_bindgen]
pub async fn fetch(request: Request) -> Result<Response, JsValue> {
    let answer = match (api(), request::read(&request).await?) {
        (Ok(api), Ok(request)) => match request::way_to_page(&request) {
            Some(way) => way,
            None => api.answer(&server(), request).await,
        },
        (Err(problem), _) | (_, Err(problem)) => problem.response(),
    };
    request::response(&answer)
}

/// The API. The first request of an instance reads the settings.
fn api() -> Result<Rc<Api>, Problem> {
    if let Some(known) = API.with_borrow(Option::clone) {
        return Ok(known);
    }
    console::open(LevelFilter::Info);
    let settings = ENV.with(|env| EventSettings::from_vars(|name| setting(env, name)));
    let settings = settings.map_err(|error| {
        console::write(Level::Error, &error.to_string(), json!({}));
        let detail = "the settings of this server cannot be used: its log names them";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).with_header(header::RETRY_AFTER, WAIT)
    })?;
    console::open(settings.log_level);
    let api = Rc::new(Api::new(settings));
    API.set(Some(Rc::clone(&api)));
    Ok(api)
}

fn server() -> EventServer {
    ENV.with(|env| EventServer::bound(env))
}
