//! The runtime's requests and answers, as values.

use http::{HeaderValue, Method, StatusCode, Uri, header};
use js_sys::Uint8Array;
use js_sys::futures::JsFuture;
use wasm_bindgen::JsValue;
use web_sys::{Headers, ResponseInit};

use crate::{
    api::{Problem, READ},
    host::cloudflare,
    ingest::LARGEST_BODY,
    wire::{Request, Response},
};

/// Reads a request: of its headers those that the API reads, and of a body that is too large one byte too many.
///
/// # Errors
/// If it ended before it was read. The inner problem: no address or method of the API looks like this.
pub async fn read(request: &web_sys::Request) -> Result<Result<Request, Problem>, JsValue> {
    let (Ok(uri), Ok(method)) = (request.url().parse::<Uri>(), request.method().parse::<Method>()) else {
        return Ok(Err(Problem::new(StatusCode::NOT_FOUND, "there is no such path")));
    };
    let mut read = Request::new(Vec::new());
    *read.uri_mut() = uri;
    *read.method_mut() = method;
    let headers = request.headers();
    for name in READ {
        let value = headers.get(name.as_str())?;
        // A value that HTTP does not allow is treated as absent.
        if let Some(value) = value.and_then(|value| value.parse().ok()) {
            read.headers_mut().insert(name, value);
        }
    }
    let Some(stream) = request.body() else { return Ok(Ok(read)) };
    let length = headers.get("content-length")?.and_then(|length| length.parse().ok());
    // A body of known length is read at once. Another body may have no end.
    *read.body_mut() = if length.is_some_and(|length: usize| length <= LARGEST_BODY) {
        Uint8Array::new(&JsFuture::from(request.array_buffer()?).await?).to_vec()
    } else {
        cloudflare::read(&stream, LARGEST_BODY).await?
    };
    Ok(Ok(read))
}

/// The way to the page, which is an asset: the runtime answers with it before it asks the Worker. At `/` an asset would stand
/// in the way of `POST /`. None: the request is for something else.
pub fn way_to_page(request: &Request) -> Option<Response> {
    let is_read = request.method() == Method::GET || request.method() == Method::HEAD;
    if !is_read || request.uri().path() != "/" {
        return None;
    }
    let mut response = Response::new(Vec::new());
    *response.status_mut() = StatusCode::FOUND;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/dashboard.html"));
    Some(response)
}

/// The answer as the runtime sends it.
///
/// # Errors
/// If the runtime does not take it.
pub fn response(answer: &Response) -> Result<web_sys::Response, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in answer.headers() {
        headers.append(name.as_str(), value.to_str().unwrap_or_default())?;
    }
    let init = ResponseInit::new();
    init.set_status(answer.status().as_u16());
    init.set_headers_headers(&headers);
    let body = answer.body();
    // A status without a body takes none, not even an empty one.
    let body = (!body.is_empty()).then(|| Uint8Array::from(body.as_slice()));
    web_sys::Response::new_with_opt_js_u8_array_and_init(body.as_ref(), &init)
}
