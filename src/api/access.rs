//! The access log: who asks what is an event of the asker's org, and is kept before the answer.

use http::StatusCode;
use serde_json::json;

use super::{
    key::{ALL_ORGS, Key},
    problem::Problem,
    route::Route,
};
use crate::{
    config::EventSettings,
    event::{Members, Way},
    host::Server,
    ingest::{Sender, ingest},
    log::privacy::Privacy,
};

/// The name of the event.
const NAME: &str = "api.access";

/// Keeps an event that says which key asked for which route, and whether it may, whatever comes of it. What it asked, and
/// whom it named, is left out: whoever reads the log need not know that.
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
    let event = json!({
        "event": NAME,
        "userId": key.prefix,
        "subject": format!("{method} {pattern}"),
        "success": is_allowed,
    });
    let event = event.as_object().cloned().map(Members::from).ok_or_else(|| "it is no object".to_owned());
    // Whatever the settings want of the events of others, or withhold from them.
    let (names, required, privacy) = (Vec::new(), Vec::new(), Privacy::default());
    let settings = EventSettings { names, required, privacy, ..settings.clone() };
    // Keys of all orgs have no org, and what they do is told to no org.
    let org = Some(key.org.as_deref().unwrap_or(ALL_ORGS));
    let taken = ingest(server, &settings, &Sender { way: Way::Access, org, idempotency_key: None }, [event]).await?;
    let refused = |detail: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("the access log: {detail}"));
    taken.refused.into_iter().next().map_or(Ok(()), |refusal| Err(refused(refusal.reason)))
}
