//! One outside call: send, read, and try again where that may help.

use std::time::Duration;

use super::{Host, Request, Response};
use crate::{error::CallError, plan::retry};

/// Sends `request` and reads the answer, up to three times, as long as the pass has time.
///
/// # Errors
/// The last failure.
pub async fn call<H: Host, T>(
    host: &H,
    request: &Request,
    read: impl Fn(&Response) -> Result<T, CallError>,
) -> Result<T, CallError> {
    let mut attempt = 1;
    loop {
        let result = match host.send(request.clone()).await {
            Ok(response) => read(&response),
            Err(error) => Err(error),
        };
        let Err(error) = result else { return result };
        let wait = retry::wait(&error, attempt, host.random());
        let Some(wait) = wait.filter(|wait| has_time_for(host, *wait)) else { return Err(error) };
        log::warn!(attempt, host = request.uri().host(); "asking again: {error}");
        host.sleep(wait).await;
        attempt += 1;
    }
}

/// The longest wait within a pass: three windows of Cloudflare's rate limit. Whoever asks for more is asked again by a
/// later pass.
const LONGEST: Duration = Duration::from_mins(15);

/// Whether the pass still has time after a wait.
pub(crate) fn has_time_for<H: Host>(host: &H, wait: Duration) -> bool {
    !host.stopping()
        && wait <= LONGEST
        && host.deadline().is_none_or(|deadline| (deadline - host.now()).to_std().is_ok_and(|left| wait < left))
}
