//! The host of the Worker: the runtime's clock and random numbers, `fetch` and WebCrypto.
//!
//! The Worker signs with WebCrypto. A signature takes less than a millisecond there. In wasm it would take eight of the
//! ten that Workers Free allows a pass. WebCrypto reads only PKCS#8, so `google::PrivateKey::pkcs8` wraps a key in
//! PKCS#1.
//!
//! When CPU time is near its limit, `Host::stopping` is true: the write in hand is finished, and nothing more is read,
//! as on SIGTERM.

use std::{cell::RefCell, time::Duration};

use http::{
    HeaderName,
    header::{DATE, RETRY_AFTER},
};
use js_sys::{JSON, Reflect, Uint8Array, futures::JsFuture};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    AbortSignal, CryptoKey, Headers, ReadableStream, ReadableStreamDefaultReader, RequestInit, RequestRedirect,
    WorkerGlobalScope,
};
use worker::{Delay, signal};

use super::{BEGINNING, Host, LARGEST_ANSWER, promise::said};
use crate::{
    error::CallError,
    google::{key::PrivateKey, unusable_key},
    time::{Timestamp, held},
    wire::{Request, Response},
};

/// The time until the whole answer is read, in milliseconds. An insert of 9 MB is answered within a few seconds.
const ANSWER_MS: u32 = 30_000;

/// The headers of an answer that the program reads. Each header read is a call into the runtime.
const READ: [HeaderName; 4] =
    [DATE, RETRY_AFTER, HeaderName::from_static("ratelimit"), HeaderName::from_static("ratelimit-policy")];

/// WebCrypto's name for RS256.
const ALGORITHM: &str = "RSASSA-PKCS1-v1_5";

/// The Workers runtime.
#[derive(Debug, Default)]
pub struct CloudflareHost {
    /// The key in use. Its import costs more than a signature.
    key: RefCell<Option<(PrivateKey, CryptoKey)>>,
}

impl CloudflareHost {
    async fn import(&self, key: &PrivateKey) -> Result<CryptoKey, JsValue> {
        if let Some((known, imported)) = &*self.key.borrow()
            && known == key
        {
            return Ok(imported.clone());
        }
        let algorithm = JSON::parse(&format!(r#"{{"name":"{ALGORITHM}","hash":"SHA-256"}}"#))?;
        let usages = JSON::parse(r#"["sign"]"#)?;
        let bytes = Uint8Array::from(key.pkcs8().as_slice());
        let subtle = global().crypto()?.subtle();
        let import = subtle.import_key_with_object("pkcs8", &bytes, algorithm.unchecked_ref(), false, &usages)?;
        let imported: CryptoKey = JsFuture::from(import).await?.unchecked_into();
        self.key.replace(Some((key.clone(), imported.clone())));
        Ok(imported)
    }
}

fn global() -> WorkerGlobalScope {
    js_sys::global().unchecked_into()
}

impl Host for CloudflareHost {
    /// The platform's clock stands still between two calls to the outside.
    fn now(&self) -> Timestamp {
        #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds since 1970")]
        held(Timestamp::from_timestamp_millis(js_sys::Date::now() as i64).unwrap_or_default())
    }

    fn random(&self) -> f64 {
        js_sys::Math::random()
    }

    async fn sleep(&self, duration: Duration) {
        Delay::from(duration).await;
    }

    async fn send(&self, request: Request) -> Result<Response, CallError> {
        fetch(&request).await
    }

    async fn sign(&self, key: &PrivateKey, message: &[u8]) -> Result<Vec<u8>, CallError> {
        let sign = async {
            let key = self.import(key).await?;
            let signing = global().crypto()?.subtle().sign_with_str_and_u8_array(ALGORITHM, &key, message)?;
            Ok(Uint8Array::new(&JsFuture::from(signing).await?).to_vec())
        };
        // The runtime's own message could quote the key.
        sign.await.map_err(|_: JsValue| unusable_key())
    }

    /// The platform warns before its CPU limit, and ends the program soon after.
    fn stopping(&self) -> bool {
        signal::is_near_cpu_limit()
    }
}

/// Sends a request and reads the whole answer: an unread body would hold one of the six connections of a Worker. It
/// uses the runtime's own functions: the `worker` crate's wrappers take 0.4 ms a call, and 10 KB.
async fn fetch(request: &Request) -> Result<Response, CallError> {
    let init = RequestInit::new();
    init.set_method(request.method().as_str());
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(Some(&AbortSignal::timeout_with_u32(ANSWER_MS)));
    if !request.body().is_empty() {
        init.set_body(&Uint8Array::from(request.body().as_slice()));
    }
    let headers = Headers::new()?;
    for (name, value) in request.headers() {
        headers.set(name.as_str(), value.to_str().unwrap_or_default())?;
    }
    headers.set("user-agent", concat!("aig-logs/", env!("CARGO_PKG_VERSION")))?;
    init.set_headers(&headers);
    let answer = JsFuture::from(global().fetch_with_str_and_init(&request.uri().to_string(), &init)).await?;
    let answer: web_sys::Response = answer.unchecked_into();
    let headers = answer.headers();
    let length = headers.get("content-length")?.and_then(|length| length.parse().ok());
    let is_packed = headers.has("content-encoding")?;
    // A body of known length is read at once. Another body may have no end.
    let body = match answer.body() {
        Some(stream) if is_packed || length.is_none_or(|length: usize| length > LARGEST_ANSWER) => {
            let mut bytes = read(&stream, LARGEST_ANSWER).await?;
            if bytes.len() > LARGEST_ANSWER {
                bytes.truncate(BEGINNING);
                return Err(CallError::TooLarge { most: LARGEST_ANSWER, beginning: bytes });
            }
            bytes
        }
        Some(_) | None => Uint8Array::new(&JsFuture::from(answer.array_buffer()?).await?).to_vec(),
    };
    let mut response = Response::new(body);
    *response.status_mut() = answer.status().try_into().map_err(|_| CallError::Silent("no HTTP status".into()))?;
    for name in READ {
        let value = headers.get(name.as_str())?;
        // A value that HTTP does not allow is treated as absent.
        if let Some(value) = value.and_then(|value| value.parse().ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// Reads a body as it comes, up to `most` bytes. Of a larger body it returns one byte more, and nobody waits for the
/// rest.
pub(crate) async fn read(stream: &ReadableStream, most: usize) -> Result<Vec<u8>, JsValue> {
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut bytes = Vec::new();
    while bytes.len() <= most {
        let chunk = JsFuture::from(reader.read()).await?;
        let value = Reflect::get(&chunk, &"value".into())?;
        if value.is_undefined() {
            return Ok(bytes);
        }
        let chunk: Uint8Array = value.unchecked_into();
        let from = bytes.len();
        let room = most + 1 - from;
        if chunk.length() as usize > room {
            bytes.extend(chunk.subarray(0, room.try_into().unwrap_or(u32::MAX)).to_vec());
            break;
        }
        bytes.resize(from + chunk.length() as usize, 0);
        chunk.copy_to(&mut bytes[from..]);
    }
    let _ = reader.cancel();
    Ok(bytes)
}

impl From<JsValue> for CallError {
    fn from(thrown: JsValue) -> Self {
        Self::thrown(&said(&thrown))
    }
}
