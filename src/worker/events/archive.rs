//! The bucket of R2 that keeps events before they are deleted from the database.

use std::time::Duration;

use js_sys::{JSON, Promise, Reflect, Uint8Array};
use serde_json::json;
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};

use crate::{
    error::CallError,
    host::{Archive, Object, promise},
};

/// The time until R2 has answered.
const ANSWER: Duration = Duration::from_mins(1);

#[wasm_bindgen]
extern "C" {
    /// The runtime's own bucket.
    #[derive(Debug)]
    pub type Bucket;

    /// An object of it, with its body.
    type Found;

    #[wasm_bindgen(method, catch)]
    fn get(this: &Bucket, name: &str) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn put(this: &Bucket, name: &str, bytes: &Uint8Array, options: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, getter)]
    fn etag(this: &Found) -> String;

    #[wasm_bindgen(method, catch, js_name = arrayBuffer)]
    fn array_buffer(this: &Found) -> Result<Promise, JsValue>;

    /// The runtime's `Response`, whose body is a stream of bytes.
    #[wasm_bindgen(js_name = Response)]
    type Body;

    #[wasm_bindgen(constructor, catch, js_class = Response)]
    fn new(body: &JsValue) -> Result<Body, JsValue>;

    #[wasm_bindgen(method, getter, js_class = Response)]
    fn body(this: &Body) -> Stream;

    #[wasm_bindgen(method, catch, js_class = Response, js_name = arrayBuffer)]
    fn array_buffer(this: &Body) -> Result<Promise, JsValue>;

    /// A stream of bytes.
    type Stream;

    #[wasm_bindgen(method, catch, js_name = pipeThrough)]
    fn pipe_through(this: &Stream, packer: &CompressionStream) -> Result<Stream, JsValue>;

    /// The runtime's packer: a smaller Worker than with one of its own.
    type CompressionStream;

    #[wasm_bindgen(constructor, catch)]
    fn new(format: &str) -> Result<CompressionStream, JsValue>;
}

/// The bucket that is bound; none: there is no archive.
pub fn bound(env: &JsValue) -> Option<Bucket> {
    let binding = Reflect::get(env, &"EVENTS_ARCHIVE".into()).ok()?;
    (!binding.is_undefined()).then(|| binding.unchecked_into())
}

impl Archive for Bucket {
    async fn get(&self, name: &str) -> Result<Option<Object>, CallError> {
        let found = answer(Bucket::get(self, name)).await?;
        if found.is_null() || found.is_undefined() {
            return Ok(None);
        }
        let found: Found = found.unchecked_into();
        let body = answer(found.array_buffer()).await?;
        Ok(Some(Object { bytes: Uint8Array::new(&body).to_vec(), version: found.etag() }))
    }

    /// R2 compares the version itself, and answers with nothing where another one is there.
    async fn put(&self, name: &str, bytes: Vec<u8>, replaces: Option<&str>) -> Result<(), CallError> {
        let condition =
            replaces.map_or_else(|| json!({ "etagDoesNotMatch": "*" }), |etag| json!({ "etagMatches": etag }));
        let options = JSON::parse(&json!({ "onlyIf": condition }).to_string())?;
        let kept = answer(Bucket::put(self, name, &Uint8Array::from(bytes.as_slice()), &options)).await?;
        if kept.is_null() || kept.is_undefined() {
            return Err(CallError::Broken(format!("another pass has just written {name} of the archive")));
        }
        Ok(())
    }

    async fn pack(&self, bytes: &[u8]) -> Result<Vec<u8>, CallError> {
        let stream = Body::new(&Uint8Array::from(bytes))?.body();
        let packed = stream.pipe_through(&CompressionStream::new("gzip")?)?;
        let packed = Body::new(&packed.into())?;
        Ok(Uint8Array::new(&answer(packed.array_buffer()).await?).to_vec())
    }
}

async fn answer(asked: Result<Promise, JsValue>) -> Result<JsValue, CallError> {
    promise::answered(asked, ANSWER).await.map_err(|words| CallError::thrown(&words))
}
