//! The log of the Worker: one object for each line, so that every field can be searched.

use log::{Level, LevelFilter, Log, Metadata, Record, kv};
use serde_json::{Map, Value, json};
use wasm_bindgen::JsValue;
use web_sys::console;

use crate::foreign;

/// The logger of the whole program.
struct Console;

/// Logs everything from `level` up from now on.
pub fn open(level: LevelFilter) {
    // After the first tick the logger is already in place.
    let _ = log::set_logger(&Console);
    log::set_max_level(level);
}

/// Logs one line.
pub fn write(level: Level, message: &str, fields: Value) {
    if level > log::max_level() {
        return;
    }
    let mut object = json!({ "level": level.as_str().to_ascii_lowercase(), "message": message });
    if let (Value::Object(object), Value::Object(fields)) = (&mut object, fields) {
        object.extend(fields);
    }
    let mut text = object.to_string();
    // Texts from outside are already clean, and are masked once more. A pass without errors has no such text.
    if level <= Level::Warn {
        text = foreign::line(&text);
    }
    let object = js_sys::JSON::parse(&text).unwrap_or_else(|_| JsValue::from(text));
    match level {
        Level::Error => console::error_1(&object),
        Level::Warn => console::warn_1(&object),
        Level::Info => console::info_1(&object),
        Level::Debug | Level::Trace => console::debug_1(&object),
    }
}

impl Log for Console {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        let mut fields = Fields(Map::new());
        // This never fails: the visitor takes every value.
        let _ = record.key_values().visit(&mut fields);
        write(record.level(), &record.args().to_string(), Value::Object(fields.0));
    }

    fn flush(&self) {}
}

struct Fields(Map<String, Value>);

impl<'kvs> kv::VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        let value = value.to_u64().map_or_else(|| value.to_string().into(), Value::from);
        self.0.insert(key.to_string(), value);
        Ok(())
    }
}
