//! D1's REST API: a real SQLite database in memory, with D1's limits, behind `POST d1/database/ID/query`.
//! developers.cloudflare.com/d1/platform/limits

pub mod databases;

use http::Response;
use rusqlite::{
    Batch, Connection, ErrorCode, Statement, fallible_iterator::FallibleIterator, limits::Limit, types::Value as Cell,
};
use serde_json::{Map, Value, json};

use crate::simulator::cloudflare;

/// D1's limits: bytes of a statement, of a value or a row, bound values, columns, and the depth of an expression.
const LIMITS: [(Limit, i32); 5] = [
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 100_000),
    (Limit::SQLITE_LIMIT_LENGTH, 2_000_000),
    (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 100),
    (Limit::SQLITE_LIMIT_COLUMN, 100),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
];

/// D1 makes its own transactions.
const OWN: [&str; 6] = ["BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE"];

/// A database.
#[derive(Debug)]
pub struct SimulatedDatabase {
    connection: Connection,
    rows_written: u64,
}

impl SimulatedDatabase {
    /// A database without tables.
    pub(in crate::simulator) fn new() -> Self {
        #[expect(clippy::expect_used, reason = "it needs nothing but memory")]
        let connection = Connection::open_in_memory().expect("a database in memory");
        for (limit, most) in LIMITS {
            #[expect(clippy::expect_used, reason = "the limits are SQLite's own, and smaller than its defaults")]
            connection.set_limit(limit, most).expect("a limit");
        }
        Self { connection, rows_written: 0 }
    }

    /// The database itself, to look at and to change without limits of the API.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Rows that were written over the API so far, as D1 bills them.
    #[must_use]
    pub fn rows_written(&self) -> u64 {
        self.rows_written
    }

    /// Runs a statement without the API. The lines that it returns.
    ///
    /// # Errors
    /// What the database says against it.
    pub fn lines(&self, sql: &str) -> Result<Vec<Value>, String> {
        let lines = || lines(self.connection.prepare(sql)?, &[]);
        lines().map_err(|error: rusqlite::Error| error.to_string())
    }

    /// Answers `query`. All its statements are one transaction.
    pub(in crate::simulator) fn answer(&mut self, body: &[u8]) -> Response<Vec<u8>> {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let queries = match (&body["batch"], &body["sql"]) {
            (Value::Array(batch), Value::Null) if !batch.is_empty() => batch.clone(),
            (Value::Null, Value::String(_)) => vec![body],
            _ => return refused(7_400, "The request is malformed: it needs sql, or a batch"),
        };
        match self.transaction(&queries) {
            Ok((results, written)) => {
                self.rows_written += written;
                cloudflare::success(&results.into(), &Value::Null)
            }
            Err(Problem::Request(words)) => refused(7_400, words),
            Err(Problem::Sql(words)) => refused(7_500, &words),
        }
    }

    fn transaction(&self, queries: &[Value]) -> Result<(Vec<Value>, u64), Problem> {
        let transaction = self.connection.unchecked_transaction()?;
        let (mut results, mut written) = (Vec::new(), 0);
        for query in queries {
            let sql = query["sql"].as_str().ok_or(Problem::Request("sql must be a text"))?;
            let values = values(&query["params"])?;
            let mut batch = Batch::new(&transaction, sql);
            let mut statements = 0;
            while let Some(statement) = batch.next()? {
                statements += 1;
                if statements > 1 && !values.is_empty() {
                    return Err(Problem::Request("params need a single statement"));
                }
                let (result, rows) = carried_out(&transaction, statement, &values)?;
                results.push(result);
                written += rows;
            }
        }
        transaction.commit()?;
        Ok((results, written))
    }
}

/// Why nothing is done.
enum Problem {
    /// The request is not understood.
    Request(&'static str),
    /// The database refuses.
    Sql(String),
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        let code = match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => "SQLITE_CONSTRAINT",
            Some(ErrorCode::TooBig) => "SQLITE_TOOBIG",
            _ => "SQLITE_ERROR",
        };
        Self::Sql(format!("{error}: {code}"))
    }
}

fn refused(code: u32, message: &str) -> Response<Vec<u8>> {
    cloudflare::failure(400, json!([{ "code": code, "message": message }]), json!([]))
}

fn values(params: &Value) -> Result<Vec<Cell>, Problem> {
    let Value::Array(params) = params else {
        return if params.is_null() { Ok(Vec::new()) } else { Err(Problem::Request("params must be a list")) };
    };
    let cell = |value: &Value| match value {
        Value::Null => Ok(Cell::Null),
        Value::String(text) => Ok(Cell::Text(text.clone())),
        Value::Number(number) => {
            Ok(number.as_i64().map_or_else(|| Cell::Real(number.as_f64().unwrap_or_default()), Cell::Integer))
        }
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(Problem::Request("a param is no single value")),
    };
    params.iter().map(cell).collect()
}

/// Runs one statement. Its result, and the rows that it has written.
fn carried_out(connection: &Connection, statement: Statement<'_>, values: &[Cell]) -> Result<(Value, u64), Problem> {
    let sql = statement.expanded_sql().unwrap_or_default();
    let first = sql.split(|letter: char| !letter.is_ascii_alphabetic()).find(|word| !word.is_empty());
    if first.is_some_and(|word| OWN.contains(&word.to_uppercase().as_str())) {
        return Err(Problem::Sql("cannot begin or end a transaction in D1: SQLITE_AUTH".into()));
    }
    let before = connection.total_changes();
    let results = lines(statement, values)?;
    let changes = connection.total_changes() - before;
    let written = changes * lines_of_a_row(connection, &sql)?;
    let meta = json!({
        "served_by": "simulator", "duration": 0.1, "changes": changes, "last_row_id": 0, "changed_db": changes > 0,
        "size_after": 4096, "rows_read": results.len(), "rows_written": written,
    });
    Ok((json!({ "success": true, "results": results, "meta": meta }), written))
}

/// Runs a statement to its end. The lines that it returns.
fn lines(mut statement: Statement<'_>, values: &[Cell]) -> rusqlite::Result<Vec<Value>> {
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut lines = Vec::new();
    let mut rows = statement.query(rusqlite::params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        let mut line = Map::new();
        for (place, name) in names.iter().enumerate() {
            line.insert(name.clone(), json_of(row.get(place)?));
        }
        lines.push(Value::Object(line));
    }
    Ok(lines)
}

fn json_of(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(integer) => integer.into(),
        Cell::Real(real) => real.into(),
        Cell::Text(text) => text.into(),
        Cell::Blob(bytes) => bytes.into(),
    }
}

/// How many rows D1 bills for a line of the table that a statement writes: one for the table, and one for each index. A
/// table WITHOUT ROWID is its key's own index.
fn lines_of_a_row(connection: &Connection, sql: &str) -> rusqlite::Result<u64> {
    const SQL: &str = "SELECT count(*) + (SELECT NOT wr FROM pragma_table_list(?1)) FROM pragma_index_list(?1)";
    let mut words =
        sql.split(|letter: char| !letter.is_alphanumeric() && letter != '_').filter(|word| !word.is_empty());
    let table = words.find(|word| ["INTO", "UPDATE", "FROM"].contains(&word.to_uppercase().as_str()));
    let Some(table) = table.and(words.next()) else { return Ok(1) };
    let lines: Option<i64> = connection.query_row(SQL, [table], |row| row.get(0))?;
    Ok(lines.and_then(|lines| lines.try_into().ok()).unwrap_or(1).max(1))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::simulator::{Answer, Simulator, tests::options};

    struct D1(Simulator);

    impl D1 {
        fn new() -> Self {
            Self(Simulator::new(options()))
        }

        fn send(&mut self, database: &str, token: &str, body: &Value) -> (u16, Value) {
            let address = format!("/client/v4/accounts/{}/d1/database/{database}/query", self.0.options().account);
            let request = Request::post(address).header("authorization", format!("Bearer {token}"));
            let now = self.0.options().start;
            let Answer::Response(response) = self.0.answer(now, &request.body(body.to_string().into()).unwrap()) else {
                panic!("silence")
            };
            (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
        }

        fn ask(&mut self, body: &Value) -> (u16, Value) {
            let (token, database) = (self.0.options().api_token.clone(), self.0.options().database.clone());
            self.send(&database, &token, body)
        }

        /// The effect of a statement that works: changes and rows written.
        fn effect(&mut self, sql: &str, params: &Value) -> (u64, u64) {
            let (status, body) = self.ask(&json!({ "sql": sql, "params": params }));
            assert_eq!(status, 200, "{body}");
            let meta = &body["result"][0]["meta"];
            (meta["changes"].as_u64().unwrap(), meta["rows_written"].as_u64().unwrap())
        }

        fn refusal(&mut self, body: &Value) -> (u16, i64, String) {
            let (status, body) = self.ask(body);
            let error = &body["errors"][0];
            (status, error["code"].as_i64().unwrap(), error["message"].as_str().unwrap().to_owned())
        }
    }

    #[test]
    fn a_row_of_a_key_alone_is_billed_once_and_each_index_once_more() {
        let mut d1 = D1::new();
        let tables = "CREATE TABLE a (k TEXT PRIMARY KEY, v) WITHOUT ROWID; CREATE TABLE b (k TEXT PRIMARY KEY, v);
            CREATE TABLE c (k TEXT PRIMARY KEY, v); CREATE INDEX by_v ON c (v)";
        assert_eq!(d1.ask(&json!({ "sql": tables })).0, 200);
        for (table, rows) in [("a", 2), ("b", 4), ("c", 6)] {
            let insert =
                format!("INSERT INTO {table} SELECT value, 1 FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING");
            assert_eq!(d1.effect(&insert, &json!([r#"["x","y"]"#])), (2, rows), "{table}");
            assert_eq!(d1.effect(&insert, &json!([r#"["x"]"#])), (0, 0), "{table}");
        }
        let id = d1.0.options().database.clone();
        assert_eq!(d1.0.database(&id).unwrap().rows_written(), 12);
    }

    #[test]
    fn statements_of_one_request_are_one_transaction() {
        let mut d1 = D1::new();
        assert_eq!(d1.ask(&json!({ "sql": "CREATE TABLE a (k INTEGER PRIMARY KEY)" })).0, 200);
        let insert = |k: i64| json!({ "sql": "INSERT INTO a VALUES (?1) RETURNING k", "params": [k] });
        let (status, body) = d1.ask(&json!({ "batch": [insert(1), insert(2)] }));
        assert_eq!((status, &body["result"][1]["results"]), (200, &json!([{ "k": 2 }])));
        let (status, code, words) = d1.refusal(&json!({ "batch": [insert(3), insert(1)] }));
        assert_eq!((status, code), (400, 7_500));
        assert!(words.contains("UNIQUE constraint failed: a.k") && words.ends_with("SQLITE_CONSTRAINT"), "{words}");
        let (_, body) = d1.ask(&json!({ "sql": "SELECT count(*) AS n FROM a" }));
        assert_eq!(body["result"][0]["results"], json!([{ "n": 2 }]));
    }

    #[test]
    fn what_d1_does_not_take_is_refused() {
        let mut d1 = D1::new();
        let select = |length: usize, params: Value| json!({ "sql": format!("SELECT {}?1", " ".repeat(length)), "params": params });
        assert_eq!(d1.ask(&select(99_000, json!(["a"]))).0, 200);
        assert_eq!(d1.refusal(&select(100_000, json!(["a"]))).1, 7_500);
        assert_eq!(d1.ask(&select(0, json!(["a".repeat(2_000_000)]))).0, 200);
        let (_, code, words) = d1.refusal(&select(0, json!(["a".repeat(2_000_001)])));
        assert!(code == 7_500 && words.ends_with("SQLITE_TOOBIG"), "{words}");
        let marks = |n: usize| json!({ "sql": format!("SELECT {}", vec!["?"; n].join(",")), "params": vec![1; n] });
        assert_eq!(d1.ask(&marks(100)).0, 200);
        assert_eq!(d1.refusal(&marks(101)).1, 7_500);
        assert_eq!(d1.refusal(&json!({ "sql": "BEGIN" })).1, 7_500);
        assert_eq!(d1.refusal(&json!({ "sql": "SELECT ?1; SELECT ?1", "params": ["a"] })).1, 7_400);
        for malformed in
            [json!({}), json!({ "batch": [] }), json!({ "sql": 1 }), json!({ "sql": "SELECT ?1", "params": [[]] })]
        {
            assert_eq!(d1.refusal(&malformed).1, 7_400, "{malformed}");
        }
    }

    #[test]
    fn a_database_is_for_who_may_and_is_found_by_its_id() {
        let mut d1 = D1::new();
        let (token, body) = (d1.0.options().api_token.clone(), json!({ "sql": "SELECT 1" }));
        assert_eq!(d1.send("other", &token, &body).1["errors"][0]["code"], 7_404);
        assert_eq!(d1.ask(&body).0, 200);
        d1.0.access_mut().permissions.clear();
        assert_eq!(d1.ask(&body).0, 403);
    }
}
