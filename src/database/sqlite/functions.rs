//! Functions that D1 has, and that SQLite has only if it is built with them.

use rusqlite::{Connection, functions::FunctionFlags};

/// Gives a connection the functions `ln` and `floor`.
///
/// # Errors
/// If a statement of the connection is running.
pub fn add_functions(connection: &Connection) -> rusqlite::Result<()> {
    let functions: [(&str, fn(f64) -> f64); 2] = [("ln", f64::ln), ("floor", f64::floor)];
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    for (name, function) in functions {
        let of_value = move |context: &rusqlite::functions::Context<'_>| {
            context.get::<Option<f64>>(0).map(|value| value.map(function))
        };
        connection.create_scalar_function(name, 1, flags, of_value)?;
    }
    Ok(())
}
