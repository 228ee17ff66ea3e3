//! `DELETE /users/{id}`: erases a user of an org.

use http::StatusCode;
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::{
    content::json as answer,
    key::Key,
    problem::{Answer, Problem},
};
use crate::{config::EventSettings, host::Server, removal::erase::erase, wire::Request};

const ORG: &str = "organizationId";

/// Erases the user whose id is the last part of the path.
pub(super) async fn delete<S: Server>(
    server: &S,
    settings: &EventSettings,
    key: &Key,
    request: &Request,
    part: &str,
) -> Answer {
    let named = org(request.uri().query())?;
    let org = match (&key.org, named) {
        (Some(own), Some(named)) if *own != named => {
            return Err(Problem::new(StatusCode::FORBIDDEN, "the key is of another org").of(ORG));
        }
        (Some(own), _) => own.clone(),
        (None, Some(named)) => named,
        (None, None) => {
            let detail = "the key is of all orgs: say whose user it is with ?organizationId=ORG";
            return Err(Problem::new(StatusCode::BAD_REQUEST, detail).of(ORG));
        }
    };
    let user = percent_decode_str(part).decode_utf8();
    let user = user.map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "send the id of the user as UTF-8").of("id"))?;
    let erased = erase(server.database(), settings, &org, &user).await?;
    answer(StatusCode::OK, &json!({ "erased": erased, "archive": server.archive_note(&org) }))
}

/// The org that the request names.
fn org(query: Option<&str>) -> Result<Option<String>, Problem> {
    let mut org = None;
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if name != ORG || value.is_empty() || org.is_some() {
            return Err(Problem::new(StatusCode::BAD_REQUEST, "send organizationId=ORG, and nothing else").of(ORG));
        }
        org = Some(value.into_owned());
    }
    Ok(org)
}
