//! One tick of the Worker. It puts settings, host, state and sink together, and makes one pass.
//!
//! The handler is exported by hand (`scheduled`). The `worker` crate's macro for cron triggers drops the handler's
//! result, so a failed pass would look like a success. The runtime shows an error of this handler as an exception,
//! after everything that could be delivered was remembered. A panic ends the instance, with every pass in it. The state
//! stays as the last save left it, and the next tick gets a new instance.
//!
//! Only values that cost time to make and cannot be stale outlive a tick: the settings (a change of settings is a
//! deployment, with a new instance), the token, and the imported key. Each tick reads the cursors anew, because ticks
//! run in many places. KV may show a location an old value as long as the location caches it. So values are read with
//! the shortest cache time, 30 s, which is less than the minute between two ticks. If a value is old even so, the raw
//! table gets repeated rows, and no row is lost.

use std::{cell::RefCell, rc::Rc};

use futures_util::FutureExt;
use log::{Level, LevelFilter};
use serde_json::json;
use wasm_bindgen::{JsError, prelude::wasm_bindgen};
use worker::{Env, worker_sys::ScheduledEvent};

use super::{console, setting, sinks::sinks};
use crate::{
    config::{Config, Destination},
    error::Error,
    foreign,
    host::{Host, Meter, Metered, bound_kv::BoundKv, cloudflare::CloudflareHost},
    pass::{self, Context, Job, Report},
    sink::bigquery::SignIn,
};

/// The values that outlive a tick. They cost time to make, and a token is valid for an hour.
struct Instance {
    config: Config,
    destinations: Vec<Destination>,
    host: CloudflareHost,
    sign_in: SignIn,
}

thread_local! {
    static INSTANCE: RefCell<Option<Rc<Instance>>> = const { RefCell::new(None) };
}

/// The handler of cron triggers. It is exported by hand: the `worker` crate's own macro drops the handler's result, and
/// a failed pass must show as failed.
///
/// # Errors
/// If the pass failed. Everything that it could deliver is delivered and remembered even so.
#[wasm_bindgen]
pub async fn scheduled(event: ScheduledEvent, env: Env) -> Result<(), JsError> {
    let cron = event.cron().unwrap_or_default();
    let report = pass(&cron, &env).await.map_err(|problem| {
        console::write(Level::Error, &problem, json!({}));
        JsError::new(&foreign::lines(&problem))
    })?;
    tell(&cron, &report);
    let failed =
        |error: &Error| Err(JsError::new(&foreign::line(&format!("{} failed: {}", report.job, error.chain()))));
    report.worst().map_or(Ok(()), failed)
}

/// Logs the report of a scheduled pass.
fn tell(cron: &str, report: &Report) {
    let level = match report.worst() {
        None => Level::Info,
        Some(error) if error.is_transient() => Level::Warn,
        Some(_) => Level::Error,
    };
    let message = format!("{} {}, rows: {}", report.job, report.verdict(), report.sum(|gateway| gateway.rows));
    let mut fields = report.to_json();
    fields["cron"] = cron.into();
    console::write(level, &message, fields);
}

async fn pass(cron: &str, env: &Env) -> Result<Report, String> {
    let instance = instance(env)?;
    let job = Job::of_cron(cron, &instance.config);
    instance.pass(job, env).await
}

/// The instance. The first tick makes it.
fn instance(env: &Env) -> Result<Rc<Instance>, String> {
    if let Some(known) = INSTANCE.with_borrow(Option::clone) {
        return Ok(known);
    }
    console::open(LevelFilter::Info);
    let (config, destinations) = Config::of_worker(|name| setting(env, name)).map_err(|error| error.to_string())?;
    console::open(config.log_level);
    let (host, sign_in) = (CloudflareHost::default(), SignIn::default());
    let made = Rc::new(Instance { config, destinations, host, sign_in });
    INSTANCE.set(Some(Rc::clone(&made)));
    Ok(made)
}

impl Instance {
    async fn pass(&self, job: Job, env: &Env) -> Result<Report, String> {
        let meter = Meter::new(job.budget(&self.config), self.host.now());
        let kv = |binding: &str| {
            BoundKv::bound(env, binding).ok_or_else(|| {
                format!("the KV namespace {binding} is not bound: add it to wrangler.toml, [[kv_namespaces]]")
            })
        };
        let (state, ids) = (kv("STATE_KV")?, kv("IDS_KV")?);
        let host = Metered { inner: &self.host, meter: &meter };
        let sink = sinks(&self.destinations, self.config.bigquery.as_ref(), (&host, &self.sign_in), env)?;
        let context = Context::new(host, [&state, &ids], &sink, &self.config);
        // In a box, so that it is no part of the function that the runtime calls with each answer: V8 would optimize all of it
        // in an instance's second pass, which takes 25 ms of CPU time.
        let pass = if job == Job::Backfill {
            pass::backfill(&context).boxed_local()
        } else {
            pass::forward(&context).boxed_local()
        };
        Ok(pass.await)
    }
}
