//! `aig-logs prices`: the price list of the events API, in a SQLite file.

use serde_json::{Value, json};

use crate::{
    api::prices::PRICES,
    cli::{
        args::PricesAction,
        failure::{Exit, Failure},
        files::events::{close, existing},
        show, terminal,
    },
    database::Database,
    host::native::now,
    time,
};

/// The script that makes the price list.
const TABLES: [&str; 1] = ["1_prices.sql"];

/// Sets or lists prices. After a price was set, those of its SKU are shown.
pub async fn prices(action: PricesAction, json: bool) -> Result<Exit, Failure> {
    let (db, line) = match action {
        PricesAction::Set { db, org, sku, unit, since, price } => {
            let since = time::text(since.at(now()));
            (db, json!({ "organizationId": org, "sku": sku, "unit": unit, "since": since, "price": price }))
        }
        PricesAction::List { db } => (db, Value::Null),
    };
    let write = (!line.is_null()).then(|| PRICES.write(vec![line.clone()])).transpose();
    let write = write.map_err(|(member, problem)| {
        Failure::denied("setting a price", problem, format!("Nothing was changed. Check --{}", option(member)))
    })?;
    let database = existing(&db, &TABLES).await?;
    if let Some(write) = write {
        let done = database.run(vec![write]).await;
        done.map_err(|error| Failure::call("setting a price", error))?;
    }
    let rows = PRICES.read(&database, None).await;
    let mut rows = rows.map_err(|error| Failure::call("reading the prices", error))?;
    close(database)?;
    let is_of_line = |row: &Value| ["organizationId", "sku", "unit"].iter().all(|name| row[name] == line[name]);
    rows.retain(|row| line.is_null() || is_of_line(row));
    show::print(&if json { json!({ "rows": rows }).to_string() } else { table(&rows) })?;
    Ok(Exit::Done)
}

/// The option that gives a member of a price.
fn option(member: &str) -> &str {
    if member == "organizationId" { "org" } else { member }
}

fn table(rows: &[Value]) -> String {
    if rows.is_empty() {
        return "no price".into();
    }
    let mut table = terminal::table();
    table.set_header(["org", "sku", "unit", "since", "USD"]);
    let columns = ["organizationId", "sku", "unit", "since", "price"];
    let words = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    table.add_rows(rows.iter().map(|row| columns.map(|column| words(&row[column]))));
    table.trim_fmt()
}
