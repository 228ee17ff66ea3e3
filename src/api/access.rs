//! The access log: who asks what is an event of the asker's org, and is kept before the answer.

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    key::{ALL_ORGS, Key},
    problem::Problem,
    route::Route,
};
use crate::{
    config::EventSettings,
    event::Way,
    host::Server,
    ingest::{Sender, ingest},
};

/// The name of the event.
const NAME: &str = "api.access";

/// Keeps an event that says which key asked for which route, and whether it may. What it asked, and whom it named, is left
/// out: whoever reads the log need not know that.
///
/// # Errors
/// If the store does not confirm it. Then nobody gets an answer.
pub(super) async fn record<S: Server>(
    server: &S,
    settings: &EventSettings,
    (method, pattern, _): &Route,
    key: &Key,
    is_allowed: bool,
) -> Result<(), Problem> {
    // Keys of all orgs have no org, and what they do is told to no org.
    let event = json!({
        "event": NAME,
        "organizationId": key.org.as_deref().unwrap_or(ALL_ORGS),
        "userId": key.prefix,
        "subject": format!("{method} {pattern}"),
        "success": is_allowed,
    });
    let Value::Object(event) = event else { return Ok(()) };
    // Whatever events the settings want of others.
    let settings = EventSettings { names: Vec::new(), required: Vec::new(), ..settings.clone() };
    let sender = Sender { way: Way::Http, org: None, idempotency_key: None };
    let taken = ingest(server, &settings, &sender, [Ok(event)]).await?;
    let refused = |detail: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("the access log: {detail}"));
    taken.refused.into_iter().next().map_or(Ok(()), |refusal| Err(refused(refusal.reason)))
}
