//! D1 in the Workers runtime. It uses the runtime's own functions, and reads each answer as one text: a call into the
//! runtime for each value would cost more than the statement.

use std::{borrow::Cow, mem, time::Duration};

use js_sys::{Array, Promise, Reflect};
use serde_json::{Map, Value};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};

use super::{Database, Done, LONGEST, Statement, late, lists, told, upsert_of_json};
use crate::{error::CallError, host::promise, record::Cell, time};

/// The time until D1 has answered: as long as D1 lets a statement run. developers.cloudflare.com/d1/platform/limits
const ANSWER: Duration = Duration::from_secs(30);

#[wasm_bindgen]
extern "C" {
    /// The runtime's own D1.
    #[derive(Debug)]
    type Binding;

    /// A statement of its.
    #[derive(Debug)]
    type Prepared;

    #[wasm_bindgen(method, catch)]
    fn prepare(this: &Binding, text: &str) -> Result<Prepared, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn batch(this: &Binding, statements: &Array) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, variadic)]
    fn bind(this: &Prepared, values: &Array) -> Result<Prepared, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn all(this: &Prepared) -> Result<Promise, JsValue>;
}

/// A database of D1 that is bound to the Worker.
#[derive(Debug)]
pub struct D1 {
    name: &'static str,
    /// None: it is not bound.
    binding: Option<Binding>,
}

impl D1 {
    /// The database that is bound under this name.
    #[must_use]
    pub fn bound(env: &JsValue, name: &'static str) -> Self {
        let binding = Reflect::get(env, &name.into()).ok().filter(|binding| !binding.is_undefined());
        Self { name, binding: binding.map(JsCast::unchecked_into) }
    }

    /// Whether there is such a database.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.binding.is_some()
    }

    fn binding(&self) -> Result<&Binding, CallError> {
        self.binding.as_ref().ok_or_else(|| {
            let problem = format!("the database {} is not bound", self.name);
            CallError::Broken(format!("{problem}; add it to wrangler.toml, [[d1_databases]]"))
        })
    }
}

/// The lines in D1's answer to a statement.
fn results(answer: &mut Value) -> impl Iterator<Item = Map<String, Value>> {
    let lines = answer.get_mut("results").and_then(Value::as_array_mut).map(mem::take).unwrap_or_default();
    lines.into_iter().filter_map(|line| if let Value::Object(line) = line { Some(line) } else { None })
}

impl Database for D1 {
    /// A batch of D1 is a transaction. Records take one statement, or several if one value cannot hold all of them.
    async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Done>, CallError> {
        let binding = self.binding()?;
        let batch = Array::new();
        // How many statements of the batch each statement takes.
        let mut counts = Vec::with_capacity(statements.len());
        for statement in statements {
            let before = batch.length();
            for (text, values) in expanded(statement)? {
                batch.push(&prepared(binding, &text, &values)?.into());
            }
            counts.push((batch.length() - before) as usize);
        }
        if batch.length() == 0 {
            return Ok(vec![Done::default(); counts.len()]);
        }
        let answers = answer(binding.batch(&batch)).await?;
        let mut answers = confirmed(answers, batch.length() as usize)?.into_iter();
        let sum = |count| {
            answers.by_ref().take(count).fold(Done::default(), |mut done, mut answer| {
                let number = |name: &str| answer["meta"][name].as_u64().unwrap_or_default();
                done.changed += number("changes");
                done.rows_written += number("rows_written");
                done.rows.extend(results(&mut answer));
                done
            })
        };
        Ok(counts.into_iter().map(sum).collect())
    }

    async fn query(&self, text: &str, values: Vec<Cell>) -> Result<Vec<Map<String, Value>>, CallError> {
        lines(answer(prepared(self.binding()?, text, &values)?.all()).await?)
    }

    /// Nobody waits longer; the statement itself D1 ends by its own limit.
    async fn ask(&self, text: &str, values: Vec<Cell>) -> Result<Vec<Map<String, Value>>, CallError> {
        let asked = prepared(self.binding()?, text, &values)?.all();
        let answer = promise::within(asked, LONGEST).await.map_err(|words| told(&words))?;
        lines(promise::value(&answer.ok_or_else(|| late(LONGEST))?))
    }
}

/// The lines in D1's answer to a statement that only reads.
fn lines(mut answer: Value) -> Result<Vec<Map<String, Value>>, CallError> {
    if answer["success"] != true || !answer["results"].is_array() {
        return Err(CallError::Broken("D1's answer has no list of lines".into()));
    }
    Ok(results(&mut answer).collect())
}

/// D1's answers to so many statements. They are committed only if it says so of each of them.
fn confirmed(answer: Value, statements: usize) -> Result<Vec<Value>, CallError> {
    let is_confirmed = |answer: &Value| answer["success"] == true && answer["meta"]["changes"].is_u64();
    let answers = if let Value::Array(answers) = answer { answers } else { Vec::new() };
    if answers.len() == statements && answers.iter().all(is_confirmed) {
        return Ok(answers);
    }
    Err(CallError::Broken("D1 does not confirm each statement".into()))
}

/// A text of SQL with its values.
type Sql = (Cow<'static, str>, Vec<Cell>);

/// A statement as D1 takes it.
fn expanded(statement: Statement) -> Result<Vec<Sql>, CallError> {
    match statement {
        Statement::Sql(text, values) => Ok(vec![(text, values)]),
        Statement::Write(records) => {
            let Some(table) = records.first().map(|record| record.table) else { return Ok(Vec::new()) };
            let text = Cow::from(upsert_of_json(table));
            let lists = lists(&records)?.into_iter();
            Ok(lists.map(|list| (text.clone(), vec![Cell::Text(list)])).collect())
        }
    }
}

fn prepared(binding: &Binding, text: &str, values: &[Cell]) -> Result<Prepared, CallError> {
    let statement = binding.prepare(text).map_err(|thrown| failed(&thrown))?;
    if values.is_empty() {
        return Ok(statement);
    }
    statement.bind(&values.iter().map(value).collect()).map_err(|thrown| failed(&thrown))
}

/// A value as D1 takes it: it has no truths and no instants, and its numbers are JavaScript's.
fn value(cell: &Cell) -> JsValue {
    match cell {
        Cell::Null => JsValue::NULL,
        Cell::Text(text) => JsValue::from_str(text),
        #[expect(clippy::cast_precision_loss, reason = "D1 takes no integer beyond 2^53")]
        Cell::Integer(integer) => JsValue::from_f64(*integer as f64),
        Cell::Float(float) => JsValue::from_f64(*float),
        Cell::Bool(truth) => JsValue::from_f64(f64::from(u8::from(*truth))),
        Cell::Instant(instant) => JsValue::from_str(&time::text(*instant)),
    }
}

/// D1's answer, if it comes in time.
async fn answer(asked: Result<Promise, JsValue>) -> Result<Value, CallError> {
    promise::answered(asked, ANSWER).await.map(|answer| promise::value(&answer)).map_err(|words| told(&words))
}

/// The failure behind what D1 has thrown.
fn failed(thrown: &JsValue) -> CallError {
    told(&promise::said(thrown))
}
