//! Which gateways a pass reads.

use crate::{
    error::CallError,
    host::{Host, call},
    source::Source,
};

/// Pages of an account's gateways, 50 on each.
const MOST_PAGES: u32 = 200;

/// The gateways of the settings, in their order; for `*` all of the account. And why there are others that cannot be read:
/// these stop no other.
///
/// # Errors
/// Where they cannot be listed, or not all of them are.
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
        // A short page may be the server's own cap: without a total only one with nothing new is certain to be the last.
        match total {
            Some(total) if all.len() as u64 >= total => return Ok(known_by_rule(source, all)),
            // Some were named twice, and all were shown.
            Some(total) if page == 1 && shown == total => return Ok(known_by_rule(source, all)),
            Some(total) if all.len() == known => {
                return Err(CallError::Broken(format!("it lists {known} of {total} gateways")));
            }
            None if all.len() == known => return Ok(known_by_rule(source, all)),
            Some(_) | None => {}
        }
    }
    let hint = "Name those to copy in AIG_GATEWAY_ID";
    Err(CallError::denied("the list of the account's gateways goes on after 10,000 of them", hint))
}

/// Ids that can be those of gateways, and a word about the others: they reach no address and no key.
fn known_by_rule(source: &dyn Source, ids: Vec<String>) -> (Vec<String>, Option<CallError>) {
    let (ids, strange): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| source.is_stream(id));
    let told = (!strange.is_empty()).then(|| {
        let hint = "Nothing was read of these. Name the gateways to copy in AIG_GATEWAY_ID, and please report it";
        CallError::denied(format!("the list names {strange:?}, which no gateway can be called"), hint)
    });
    (ids, told)
}
