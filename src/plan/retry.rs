//! Whether a failed call, or a failed write to a store, is made again within a pass, and after how long. The next tick is
//! the real retry.

use std::time::Duration;

use crate::error::CallError;

/// Tries of one call or write in a pass, the first included.
pub const ATTEMPTS: u32 = 3;

/// Longest wait before the second try; it doubles with each further one.
const BASE: Duration = Duration::from_secs(1);

/// KV takes one write to a key in a second, and refuses a second one. developers.cloudflare.com/kv/platform/limits
const STORE_GAP: Duration = Duration::from_secs(1);

/// How long to wait before trying again, or `None` to give up. `attempt` counts the tries made; `random` in [0, 1)
/// spreads the waits of many pollers over the whole interval (full jitter).
#[must_use]
pub fn wait(error: &CallError, attempt: u32, random: f64) -> Option<Duration> {
    if attempt >= ATTEMPTS {
        return None;
    }
    let jitter = BASE.saturating_mul(1 << attempt.saturating_sub(1)).mul_f64(random);
    match error {
        CallError::Silent(_) | CallError::Broken(_) => Some(jitter),
        CallError::Throttled { wait, .. } => Some(wait.map_or(jitter, |asked| asked.saturating_add(jitter))),
        CallError::Refused(_) | CallError::TooLarge { .. } | CallError::Denied { .. } => None,
    }
}

/// How long to wait before a value is put into a store again, or `None` to give up. `attempt` counts the tries made;
/// `random` in [0, 1) spreads the waits over a second more.
#[must_use]
pub fn wait_to_put(attempt: u32, random: f64) -> Option<Duration> {
    (attempt < ATTEMPTS).then(|| STORE_GAP + BASE.mul_f64(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_given_a_second_before_each_further_try() {
        let ms = Duration::from_millis;
        assert_eq!([1, 2, 3].map(|attempt| wait_to_put(attempt, 0.0)), [Some(ms(1_000)), Some(ms(1_000)), None]);
        assert_eq!(wait_to_put(1, 0.5), Some(ms(1_500)));
    }

    #[test]
    fn only_what_may_pass_is_tried_again_and_at_most_twice() {
        let ms = Duration::from_millis;
        let check = |error: CallError, attempt, expected| assert_eq!(wait(&error, attempt, 0.5), expected, "{error}");
        check(CallError::Silent(String::new()), 1, Some(ms(500)));
        check(CallError::Broken(String::new()), 2, Some(ms(1_000)));
        check(CallError::Broken(String::new()), 3, None);
        check(CallError::Broken(String::new()), 0, Some(ms(500)));
        check(CallError::Throttled { message: String::new(), wait: None }, 1, Some(ms(500)));
        check(CallError::Throttled { message: String::new(), wait: Some(ms(7_000)) }, 1, Some(ms(7_500)));
        let endless = CallError::Throttled { message: String::new(), wait: Some(Duration::MAX) };
        check(endless, 2, Some(Duration::MAX));
        check(CallError::Refused(String::new()), 1, None);
        check(CallError::denied("", ""), 1, None);
    }
}
