//! `aig-logs sql --apply`: makes missing datasets, tables and columns, and replaces the views. A second run changes
//! nothing.

use crate::{
    cli::{failure::Failure, warehouse::Warehouse},
    config::TableName,
    host::Host,
    log::metadata::MetadataColumn,
    sink::sql::Script,
};

/// Where a dataset is made if nobody says: the location that BigQuery itself takes.
pub const LOCATION: &str = "US";

/// Makes the dataset of the settings, and the tables and views of `scripts`, and tells each that is done.
pub async fn apply<H: Host>(
    warehouse: &Warehouse<'_, H>,
    name: &TableName,
    columns: &[MetadataColumn],
    scripts: impl Iterator<Item = &'static Script>,
    location: Option<&str>,
    tell: impl Fn(&str),
) -> Result<(), Failure> {
    let TableName { project, dataset, .. } = name;
    let failed = |error| Failure::call(format!("making {project}.{dataset}"), error);
    let found = warehouse.location().await.map_err(failed)?;
    let location = match (found, location) {
        (Some(found), Some(asked)) if !found.eq_ignore_ascii_case(asked) => {
            let problem = format!("it lies in {found}, and a dataset cannot be moved");
            let hint = "Leave --location out, or choose another GCP_BQ_DATASET";
            return Err(Failure::denied(format!("making {project}.{dataset} in {asked}"), problem, hint));
        }
        (Some(found), _) => found,
        (None, asked) => {
            let location = asked.unwrap_or(LOCATION).to_owned();
            warehouse.make_dataset(&location).await.map_err(failed)?;
            tell(&format!("dataset {project}.{dataset} in {location}"));
            location
        }
    };
    for script in scripts {
        let Script { name: file, .. } = script;
        let sql = script.for_bigquery(name, columns);
        let done = warehouse.carry_out(&sql, &location).await;
        done.map_err(|error| Failure::call(format!("carrying out sql/bigquery/{file}"), error))?;
        tell(file);
    }
    Ok(())
}
