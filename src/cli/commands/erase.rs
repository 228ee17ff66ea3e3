//! `aig-logs erase`: deletes a user's events and logs from a SQLite file.

use serde_json::json;

use crate::{
    cli::{
        args::{Erase, Options},
        confirm::is_confirmed,
        failure::{Exit, Failure},
        files::events::{close, existing},
        show,
        vars::settings::Vars,
    },
    foreign::clean,
    removal,
};

/// The scripts that make the tables with rows of users.
const TABLES: [&str; 2] = ["1_events_raw.sql", "1_table.sql"];

/// Erases a user.
pub async fn erase(arguments: &Erase, options: &Options) -> Result<Exit, Failure> {
    let Erase { db, org, user, archive, yes } = arguments;
    let settings = Vars::read(options)?.events()?;
    let database = existing(db, &TABLES).await?;
    let what = format!("every event and log of the user {} of the org {}", clean(user), clean(org));
    if !yes && !is_confirmed("Erase", &what, "Nothing was erased")? {
        show::print("Nothing was erased")?;
        return Ok(Exit::Done);
    }
    let erased = removal::erase::erase(&database, &settings, org, user).await;
    let erased = erased.map_err(|error| Failure::call("erasing a user: run it again to erase the rest", error))?;
    close(database)?;
    let note = archive.as_ref().map(|_| removal::archive_note(org));
    if options.json {
        show::print(&json!({ "erased": erased, "archive": note }).to_string())?;
    } else {
        let note = note.map_or_else(String::new, |note| format!("; {note}"));
        show::print(&format!("Erased {}{note}", show::counted(erased, "row")))?;
    }
    Ok(Exit::Done)
}
