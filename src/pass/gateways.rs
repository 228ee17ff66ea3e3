//! The gateways that a pass reads.

use crate::{
    error::CallError,
    host::{Host, call},
    source::Source,
};

/// The most pages of an account's gateways, with 50 gateways on each.
const MOST_PAGES: u32 = 200;

/// The gateways of the settings, in their order, or all gateways of the account for `*`; and an error about gateways
/// that cannot be read. Such gateways do not stop the others.
///
/// # Errors
/// If the gateways cannot be listed, or the list is not complete.
pub async fn gateways<H: Host>(host: &H, source: &dyn Source) -> Result<(Vec<String>, Option<CallError>), CallError> {
    if let Some(ids) = source.named() {
        return Ok((ids.to_vec(), None));
    }
    let (mut all, mut shown) = (Vec::new(), 0);
    for page in 1..=MOST_PAGES {
        let (found, total) = call(host, &source.streams(page), |response| source.read_streams(response)).await?;
        let known = all.len();
        shown += found.len() as u64;
        for id in found {
            if !all.contains(&id) {
                all.push(id);
            }
        }
        // The server may make its pages shorter. Without a total, only a page with no new gateway is certainly the last
        // one.
        match total {
            Some(total) if all.len() as u64 >= total => return Ok(known_by_rule(source, all)),
            // The list shows some gateways twice, and it is complete.
            Some(total) if page == 1 && shown == total => return Ok(known_by_rule(source, all)),
            Some(total) if all.len() == known => {
                return Err(CallError::Broken(format!("the list has only {known} of {total} gateways")));
            }
            None if all.len() == known => return Ok(known_by_rule(source, all)),
            Some(_) | None => {}
        }
    }
    let hint = "Name the gateways to copy in AIG_GATEWAY_ID";
    Err(CallError::denied("the account has more than 10,000 gateways", hint))
}

/// Splits off ids that no gateway can have, and makes an error of them. They are never used in an address or a key.
fn known_by_rule(source: &dyn Source, ids: Vec<String>) -> (Vec<String>, Option<CallError>) {
    let (ids, strange): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| source.is_stream(id));
    let told = (!strange.is_empty()).then(|| {
        let hint = "They were not read. Name the gateways to copy in AIG_GATEWAY_ID, and please report this";
        CallError::denied(format!("the list names {strange:?}, but no gateway can have such an id"), hint)
    });
    (ids, told)
}
