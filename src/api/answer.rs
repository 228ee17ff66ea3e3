//! The beginning of every answer.

use http::{HeaderValue, StatusCode, header};

use crate::wire::Response;

/// An answer that nobody on its way keeps.
pub(super) fn answer(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
