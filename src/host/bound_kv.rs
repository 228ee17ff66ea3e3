//! The KV that is bound to a Worker. It uses the runtime's own functions: the `worker` crate's wrappers take 8 KB.

use std::time::Duration;

use js_sys::{Array, JSON, Map, Promise, Reflect};
use serde_json::{Value, json};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};

use super::{Listing, Put, Store, promise};
use crate::error::StoreError;

/// The time until KV has answered.
const KV_ANSWER: Duration = Duration::from_secs(10);

/// How long a location may show a value that it has read before: the shortest time that KV allows. Ticks are a minute
/// apart, so each tick sees what the tick before has written. developers.cloudflare.com/kv/platform/limits
const CACHED_SECONDS: u64 = 30;

#[wasm_bindgen]
extern "C" {
    /// The runtime's own KV.
    #[derive(Debug)]
    type Namespace;

    #[wasm_bindgen(method, catch, js_name = get)]
    fn get_many(this: &Namespace, keys: &Array, options: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn put(this: &Namespace, key: &str, value: &str, options: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn delete(this: &Namespace, key: &str) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn list(this: &Namespace, options: &JsValue) -> Result<Promise, JsValue>;
}

/// A namespace of KV. Values are text.
#[derive(Debug)]
pub struct BoundKv(Namespace);

impl BoundKv {
    /// The namespace that is bound under this name, if any.
    #[must_use]
    pub fn bound(env: &JsValue, name: &str) -> Option<Self> {
        let binding = Reflect::get(env, &name.into()).ok().filter(JsValue::is_object)?;
        Some(Self(binding.unchecked_into()))
    }
}

impl Store for BoundKv {
    async fn get_many(&self, keys: &[&str]) -> Result<Vec<Option<String>>, StoreError> {
        let asked: Array = keys.iter().map(|key| JsValue::from_str(key)).collect();
        let options = object(&json!({ "type": "text", "cacheTtl": CACHED_SECONDS }))?;
        let values: Map = answer(self.0.get_many(&asked, &options)).await?.unchecked_into();
        Ok(asked.iter().map(|key| values.get(&key).as_string()).collect())
    }

    async fn put(&self, key: &str, value: &str, options: &Put) -> Result<(), StoreError> {
        let mut given = json!({});
        if let Some(ttl) = options.ttl {
            given["expirationTtl"] = ttl.as_secs().into();
        }
        if let Some(metadata) = &options.metadata {
            given["metadata"] = metadata.clone();
        }
        answer(self.0.put(key, value, &object(&given)?)).await.map(|_| ())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        answer(self.0.delete(key)).await.map(|_| ())
    }

    async fn list(&self, prefix: &str, cursor: Option<&str>) -> Result<Listing, StoreError> {
        let mut options = json!({ "prefix": prefix });
        if let Some(cursor) = cursor {
            options["cursor"] = cursor.into();
        }
        let listed = answer(self.0.list(&object(&options)?)).await?;
        let mut listed = promise::value(&listed);
        let Value::Array(keys) = listed["keys"].take() else {
            return Err(StoreError::Failed("the listing of KV has no keys".into()));
        };
        let key = |mut key: Value| {
            let Value::String(name) = key["name"].take() else { return None };
            Some((name, Some(key["metadata"].take()).filter(|metadata| !metadata.is_null())))
        };
        let cursor = listed["cursor"].as_str().filter(|_| listed["list_complete"] != true).map(str::to_owned);
        Ok(Listing { keys: keys.into_iter().filter_map(key).collect(), cursor })
    }
}

/// A value as the runtime has it.
fn object(value: &Value) -> Result<JsValue, StoreError> {
    JSON::parse(&value.to_string()).map_err(|thrown| StoreError::Failed(promise::said(&thrown)))
}

/// KV's answer, if it comes in time.
async fn answer(asked: Result<Promise, JsValue>) -> Result<JsValue, StoreError> {
    promise::answered(asked, KV_ANSWER).await.map_err(StoreError::Failed)
}
