//! The namespaces of KV that an account has.

use crate::{
    config::AiGateway,
    error::CallError,
    host::{Host, call},
    source::account::{self, Namespace},
};

/// Pages of 1,000 that are looked through at most: a server that shows the same page again and again must not keep us.
const PAGES: u32 = 20;

/// All of them. None where the token may not know.
pub async fn all<H: Host>(host: &H, source: &AiGateway) -> Result<Option<Vec<Namespace>>, CallError> {
    let mut all = Vec::new();
    for page in 1..=PAGES {
        let read = call(host, &account::namespaces(source, page), account::read_namespaces).await?;
        let Some((found, last)) = read else { return Ok(None) };
        all.extend(found);
        if last {
            break;
        }
    }
    Ok(Some(all))
}
