//! What is found and made at Google: the table's name, dataset, table and views, and the service account. The commands for
//! the last are those of `scripts/gcp-setup.sh`, which this program carries out and prints.

use std::{
    fs, io,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::{
    cli::{
        args::Setup,
        commands::{
            setup::{
                Failure, Task,
                ask::Prompt,
                steps::{Mark, Steps},
            },
            sql,
        },
        show,
        warehouse::Warehouse,
    },
    config::{Destination, SETTINGS, Schema, TableName, WarehouseSettings},
    host::Host,
    secret::Secret,
    sink::sql::bigquery,
};

const SCRIPT: &str = include_str!("../../../../scripts/gcp-setup.sh");

/// The path of the script, for messages.
const PATH: &str = "scripts/gcp-setup.sh";

/// Its exit code where Google's commands are not on this machine.
const MISSING: i32 = 3;

/// The table's name: from flags, settings, gcloud, or the user's answer.
pub fn table_name(task: Task<'_>) -> Result<TableName, Failure> {
    let Task { arguments: Setup { project, dataset, table, .. }, vars, asker, .. } = task;
    let lookup = |found: Option<&str>, name: &str| match name {
        "GCP_BQ_PROJECT" => project.clone().or_else(|| vars.get(name)).or_else(|| found.map(str::to_owned)),
        "GCP_BQ_DATASET" => dataset.clone().or_else(|| vars.get(name)).or_else(|| Some("ai_gateway".to_owned())),
        "GCP_BQ_TABLE" => table.clone().or_else(|| vars.get(name)),
        _ => vars.get(name),
    };
    // The settings know it also where only a key's file names it. What else is wrong shows below.
    if let Ok(known) = TableName::from_vars(|name| lookup(None, name)) {
        return Ok(known);
    }
    let question = Prompt { what: "Google Cloud project id", flag: "--project", setting: "GCP_BQ_PROJECT" };
    let project = match lookup(None, "GCP_BQ_PROJECT") {
        Some(project) => project,
        None => asker.text(question, gcloud_project().as_deref())?,
    };
    Ok(TableName::from_vars(|name| lookup(Some(&project), name))?)
}

fn gcloud_project() -> Option<String> {
    let printed = command("gcloud").args(["config", "get-value", "project"]).stderr(Stdio::null()).output().ok()?;
    let project = String::from_utf8(printed.stdout).ok()?.trim().to_owned();
    (printed.status.success() && !project.is_empty()).then_some(project)
}

/// Makes dataset, table and views, unless they are as they must be. Says whether they are there.
pub async fn table<H: Host>(host: &H, settings: &WarehouseSettings, task: Task<'_>) -> Result<bool, Failure> {
    let TableName { project, dataset, .. } = &settings.table;
    let what = format!("dataset {project}.{dataset}, table and views");
    match made(host, settings, task).await {
        Ok(mark) => {
            let there = if mark == Mark::There { ": there already" } else { "" };
            task.steps.tell(mark, format!("{what}{there}"))?;
            Ok(true)
        }
        Err(Failure::Unread) => Err(Failure::Unread),
        Err(failure) => {
            task.steps.tell(Mark::Left, format!("{what}: {failure}"))?;
            Ok(false)
        }
    }
}

async fn made<H: Host>(host: &H, settings: &WarehouseSettings, task: Task<'_>) -> Result<Mark, Failure> {
    let Task { arguments, asker, vars, .. } = task;
    let Schema { metadata, .. } = vars.schema(&Destination::default())?;
    let warehouse = Warehouse::new(host, settings)?;
    let name = &settings.table;
    if sql::check::check(&warehouse, name, &metadata.columns, false).await?.is_empty() {
        return Ok(Mark::There);
    }
    let found = warehouse.location().await.map_err(|error| Failure::call("looking for the dataset", error))?;
    let asked = if found.is_none() && arguments.location.is_none() {
        let what = "location of the new dataset, such as EU or europe-west3 (a dataset cannot be moved later)";
        let question = Prompt { what, flag: "--location", setting: "GCP_BQ_DATASET" };
        Some(asker.text(question, Some(sql::LOCATION))?)
    } else {
        arguments.location.clone()
    };
    let scripts = bigquery(false);
    sql::apply(&warehouse, name, &metadata.columns, scripts, asked.as_deref(), |_| {}).await?;
    match sql::check::check(&warehouse, name, &metadata.columns, false).await?.first() {
        None => Ok(Mark::Done),
        Some(finding) => {
            let hint = "It cannot be changed in place: `aig-logs sql --check` lists all, --table names another table";
            Err(Failure::denied("checking the table", format!("{} {}", finding.what, finding.problem), hint))
        }
    }
}

/// The commands that are left for a person: all of them, or those for the service account.
pub fn tell_commands(arguments: &Setup, name: &TableName, account_only: bool) -> Result<(), Failure> {
    let mut options = options(name, arguments, account_only);
    let by_script = format!("{PATH} {}", options.join(" "));
    options.insert(0, "--print".to_owned());
    let printed = script(&options).ok().filter(|output| output.status.success());
    let commands = printed.map_or(by_script, |output| String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    let way = "By hand, where gcloud and bq are, in this folder (or run setup again after `gcloud auth login`):";
    Steps::add(&format!("{way}\n{commands}"))
}

/// Makes the service account, and gives its key. None: it is left for a person, who is told.
pub fn service_account(task: Task<'_>, name: &TableName) -> Result<Option<Secret>, Failure> {
    const ACTION: &str = "making the service account's key";
    let failed = |error: io::Error| Failure::denied(ACTION, error, "Run setup again");
    // Nobody else can look into it, and it goes with all that is in it.
    let folder = tempfile::tempdir().map_err(failed)?;
    let file = folder.path().join("key.json");
    let mut words = options(name, task.arguments, true);
    words.splice(0..0, ["--key".to_owned(), file.display().to_string()]);
    let output = match script(&words) {
        Ok(output) if output.status.code() != Some(MISSING) => output,
        Ok(_) | Err(_) => {
            task.steps.tell(Mark::Left, "service account: gcloud and bq are not here")?;
            return tell_commands(task.arguments, name, true).map(|()| None);
        }
    };
    show::print(String::from_utf8_lossy(&output.stdout).trim_end())?;
    if !output.status.success() {
        task.steps.note_left();
        return Ok(None);
    }
    let key = fs::read_to_string(&file).map_err(failed)?;
    // In one line, as a file of settings has it. The parser's own words would quote the key.
    let key: Value = serde_json::from_str(&key)
        .map_err(|_| Failure::denied(ACTION, "gcloud has made no JSON", "Run setup again"))?;
    Ok(Some(Secret::new(key.to_string())))
}

/// What the script is called with.
fn options(name: &TableName, arguments: &Setup, account_only: bool) -> Vec<String> {
    let TableName { project, dataset, table } = name;
    let location = arguments.location.as_deref().unwrap_or(sql::LOCATION);
    let flags = [(account_only, "--account"), (arguments.data_editor, "--data-editor")];
    let flags = flags.into_iter().filter_map(|(given, flag)| given.then_some(flag));
    flags.chain([project, dataset, table, location]).map(str::to_owned).collect()
}

fn script(options: &[String]) -> io::Result<Output> {
    command("bash").args(["-c", SCRIPT, PATH]).args(options).stderr(Stdio::inherit()).output()
}

/// A program that needs to know none of this program's secrets.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    for setting in SETTINGS.iter().filter(|setting| setting.secret) {
        command.env_remove(setting.name);
    }
    command
}
