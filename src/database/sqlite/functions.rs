//! Functions that D1 has, and that SQLite has only if it is built with them.

use rusqlite::{Connection, functions::FunctionFlags};

/// Gives a connection the functions `ln` and `floor`.
///
/// # Errors
/// If a statement of the connection is running.
pub fn add_functions(connection: &Connection) -> rusqlite::Result<()> {
    add(connection, "ln", f64::ln)?;
    add(connection, "floor", f64::floor)
}

fn add(connection: &Connection, name: &str, function: fn(f64) -> f64) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function(name, 1, flags, move |context| {
        let value: Option<f64> = context.get(0)?;
        Ok(value.map(function))
    })
}
