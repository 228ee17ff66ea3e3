//! The database in D1: whether it can be asked, and has its tables and views.

use crate::{
    cli::commands::{doctor::check::Check, sql},
    config::D1,
    database::rest::Rest,
    host::Host,
    log::metadata::MetadataKeys,
};

/// The name of the check.
pub const NAME: &str = "D1";

/// Looks at the database. That the token may also write there shows only when something is written.
pub async fn check<H: Host>(host: &H, settings: &D1, keys: &MetadataKeys) -> Check {
    let findings = match sql::d1::check(&Rest::new(host, settings), keys).await {
        Ok(findings) => findings,
        Err(error) => return Check::refused(NAME, &error).mended_by("CF_D1_DATABASE_ID"),
    };
    let Some(first) = findings.first() else {
        return Check::ok(NAME, format!("database {} has its tables and views", settings.database));
    };
    let others = match findings.len() {
        1 => String::new(),
        number => format!(", and {} more", number - 1),
    };
    let says = format!("database {}: {} {}{others}", settings.database, first.what, first.problem);
    let hint = "Let the program make its tables and views; `aig-logs sql --sink d1 --check` lists all that is wrong";
    Check::failed(NAME, says, hint).mended_by("aig-logs sql --sink d1 --apply")
}
