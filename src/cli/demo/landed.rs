//! What has landed in the simulated BigQuery, put into a SQLite file for readers: the raw table with every copy, and
//! the view as BigQuery's is.

use rusqlite::{Connection, params_from_iter, types::Value as Cell};
use serde_json::Value;

use crate::{
    log::columns::LOGS,
    sink::sql::{SQLITE, Script},
};

/// Makes table and view of these rows in a file that has neither.
pub fn keep<'a>(file: &Connection, rows: impl Iterator<Item = &'a Value>) -> rusqlite::Result<()> {
    let names: Vec<_> = LOGS.columns.iter().map(|column| column.name).collect();
    let places = vec!["?"; names.len()].join(", ");
    let names = names.join(", ");
    let transaction = file.unchecked_transaction()?;
    // Without a key and types: whatever landed is shown as it is. The view is that of sql/bigquery/3_aig_logs.sql.
    transaction.execute_batch(&format!(
        "CREATE TABLE aig_logs_raw ({names});
         CREATE VIEW aig_logs AS SELECT {names} FROM (
           SELECT *, row_number() OVER (PARTITION BY created_at, id ORDER BY ingested_at DESC) AS version
           FROM aig_logs_raw
         ) WHERE version = 1;"
    ))?;
    {
        let mut insert = transaction.prepare(&format!("INSERT INTO aig_logs_raw ({names}) VALUES ({places})"))?;
        for row in rows {
            insert.execute(params_from_iter(LOGS.columns.iter().map(|column| cell(&row[column.name]))))?;
        }
    }
    // All that `aig-logs` makes over the logs, but for their table and their view.
    let of_logs = |script: &&Script| script.name.contains("_aig_") && script.name != "2_aig_logs.sql";
    for script in SQLITE.iter().filter(of_logs) {
        transaction.execute_batch(script.text)?;
    }
    transaction.commit()
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(truth) => Cell::Integer((*truth).into()),
        Value::Number(number) => {
            number.as_i64().map(Cell::Integer).or(number.as_f64().map(Cell::Real)).unwrap_or(Cell::Null)
        }
        Value::String(text) => Cell::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => Cell::Text(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn readers_see_the_newest_version_of_each_log_and_the_raw_table_every_copy() {
        let row = |id: &str, at: &str, cost| json!({ "id": id, "gateway": "main", "created_at": "2026-10-06T09:15:22.417Z", "ingested_at": at, "cost": cost, "byok": true });
        let rows = [row("a", "2", 0.5), row("b", "1", 0.1), row("a", "3", 0.7), row("a", "1", 0.2)];
        let file = Connection::open_in_memory().unwrap();
        keep(&file, rows.iter()).unwrap();
        let read = |sql| {
            let mut statement = file.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            rows.collect::<Result<Vec<String>, _>>().unwrap()
        };
        let newest = read("SELECT json_array(id, cost, byok, model) FROM aig_logs ORDER BY id");
        assert_eq!(newest, [r#"["a",0.7,1,null]"#, r#"["b",0.1,1,null]"#]);
        assert_eq!(read("SELECT id FROM aig_logs_raw ORDER BY id"), ["a", "a", "a", "b"]);
        assert_eq!(read("SELECT day || ' ' || requests FROM aig_usage_by_day"), ["2026-10-06 2"]);
        assert_eq!(read("SELECT hour FROM aig_pipeline_by_hour"), [""; 0]);
    }
}
