//! Time zones of the runtime: the offset of each from UTC, by JavaScript's `Intl`.

use std::cell::RefCell;

use chrono::{FixedOffset, Offset, Utc};
use js_sys::JSON;
use serde_json::json;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::time::Timestamp;

#[wasm_bindgen]
extern "C" {
    /// What writes instants as texts of a zone.
    #[wasm_bindgen(js_namespace = Intl, js_name = DateTimeFormat)]
    type Format;

    #[wasm_bindgen(constructor, catch, js_namespace = Intl, js_class = "DateTimeFormat")]
    fn new(locale: &str, options: &JsValue) -> Result<Format, JsValue>;

    #[wasm_bindgen(method)]
    fn format(this: &Format, milliseconds: f64) -> String;
}

thread_local! {
    /// The zone that was asked for last. A question asks for one.
    static LAST: RefCell<Option<(String, Format)>> = const { RefCell::new(None) };
}

/// The offset of a zone from UTC at an instant; none: there is no zone of this name.
#[must_use]
pub fn offset(zone: &str, at: Timestamp) -> Option<FixedOffset> {
    if zone == "UTC" {
        return Some(Utc.fix());
    }
    // The runtime also takes offsets, such as +02:00, which are no names.
    if !zone.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return None;
    }
    LAST.with_borrow_mut(|last| {
        if last.as_ref().is_none_or(|(name, _)| name != zone) {
            let options = JSON::parse(&json!({ "timeZone": zone, "timeZoneName": "longOffset" }).to_string()).ok()?;
            *last = Some((zone.to_owned(), Format::new("en-US", &options).ok()?));
        }
        let (_, format) = last.as_ref()?;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of these years are exact as floats")]
        parsed(&format.format(at.timestamp_millis() as f64))
    })
}

/// The offset in a text such as `11/29/2026, GMT+01:00`.
fn parsed(text: &str) -> Option<FixedOffset> {
    let (_, offset) = text.split_once("GMT")?;
    if offset.is_empty() {
        return Some(Utc.fix());
    }
    let (sign, digits) = match offset.strip_prefix('+') {
        Some(digits) => (1, digits),
        None => (-1, offset.strip_prefix('-')?),
    };
    let mut seconds = 0;
    for (part, unit) in digits.split(':').zip([3_600, 60, 1]) {
        seconds += part.parse::<i32>().ok()? * unit;
    }
    FixedOffset::east_opt(sign * seconds)
}
