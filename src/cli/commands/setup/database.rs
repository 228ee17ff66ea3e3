//! The database of D1: found by its name or made, and given its tables.

use crate::{
    cli::{
        commands::{
            setup::steps::{Mark, Steps},
            sql::d1,
        },
        failure::Failure,
        vars::settings::Vars,
    },
    config::{AiGateway, D1, Destination},
    database::rest::Rest,
    host::{Host, call},
    source::account::{self, AccountDatabase},
};

/// The id of the database with this name, found or made; none where that is left for a person, who is told.
pub async fn database<H: Host>(
    host: &H,
    source: &AiGateway,
    name: &str,
    steps: &Steps,
) -> Result<Option<String>, Failure> {
    let found = call(host, &account::databases(source, name), account::read_databases).await;
    let found = found.map_err(|error| Failure::call(format!("looking for the D1 database {name}"), error))?;
    let Some(found) = found else { return refused(name, steps) };
    if let Some(AccountDatabase { id, .. }) = found.into_iter().find(|database| database.name == name) {
        steps.tell(Mark::There, format!("D1 database {name}: there already"))?;
        return Ok(Some(id));
    }
    let made = call(host, &account::new_database(source, name), account::read_new_database).await;
    let made = made.map_err(|error| Failure::call(format!("making the D1 database {name}"), error))?;
    let Some(AccountDatabase { id, .. }) = made else { return refused(name, steps) };
    steps.tell(Mark::Done, format!("D1 database {name}"))?;
    Ok(Some(id))
}

/// Gives the database the tables and views that it lacks.
pub async fn tables<H: Host>(
    host: &H,
    source: &AiGateway,
    id: &str,
    vars: &Vars,
    steps: &Steps,
) -> Result<(), Failure> {
    let AiGateway { base, account, token, .. } = source.clone();
    let settings = D1 { base, account, token, database: id.to_owned() };
    let database = Rest::new(host, &settings);
    let keys = vars.schema(&Destination::D1)?.metadata;
    let lacks = d1::check(&database, &keys).await.map_err(|error| Failure::call("looking at D1", error))?;
    if lacks.is_empty() {
        return steps.tell(Mark::There, "tables and views in D1: there already");
    }
    d1::apply(&database, &keys, |_| {}).await?;
    steps.tell(Mark::Done, "tables and views in D1")
}

fn refused(name: &str, steps: &Steps) -> Result<Option<String>, Failure> {
    steps.tell(Mark::Left, format!("D1 database {name}: the token lacks the permission D1 Edit"))?;
    Steps::add(&format!(
        "Give it that and run setup again; or make it by hand, and write its id into wrangler.toml:\nnpx wrangler d1 \
         create {name}"
    ))?;
    Ok(None)
}
