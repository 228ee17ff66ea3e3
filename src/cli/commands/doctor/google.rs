//! The service account, and the table that it writes to.

use futures_util::future;
use http::StatusCode;

use crate::{
    cli::{
        commands::{
            doctor::{
                check::{Asker, Check, Service},
                table::{self, CLUSTERING},
            },
            sql::check::{Mismatch, of_table},
        },
        vars::settings::Vars,
        warehouse::LiveTable,
    },
    config::{BigQuery, Config, ServiceAccount},
    error::CallError,
    google::{self, Scope, Token},
    host::Host,
    log::columns::LOGS,
    pass::RUNS,
    sink::bigquery::token_request,
    wire::Request,
};

/// The checks of this part.
pub const NAMES: &[&str] = &["Google key", "sign-in", "table", "insert"];

/// What makes the table, or adds its columns.
const MAKE: &str = "aig-logs sql --apply";

/// What Google says. An emulator may do without a key.
pub async fn checks<H: Host>(asker: &Asker<'_, H>, vars: &Vars, config: &Config, table: &BigQuery) -> Vec<Check> {
    let Some(account) = &table.account else { return described(asker, config, table, None).await };
    if let Err(failure) = vars.check_key(asker.host, config).await {
        let hint = "Give the key as Google Cloud made it";
        let first = Check::failed(NAMES[0], failure.problem(), hint).mended_by("GCP_SA_KEY_JSON");
        return [first].into_iter().chain(skipped(&NAMES[1..], "the key must be good first")).collect();
    }
    let mut checks = vec![Check::ok(NAMES[0], format!("readable, of {}", account.email))];
    let (insert, look) =
        future::join(sign_in(asker, account, Scope::Insert), sign_in(asker, account, Scope::Look)).await;
    match (insert, look) {
        (Ok(_), Ok(token)) => {
            checks.push(Check::ok(NAMES[1], "Google hands out tokens"));
            checks.extend(described(asker, config, table, Some(&token)).await);
        }
        (Err(error), _) | (Ok(_), Err(error)) => {
            checks.push(Check::refused(NAMES[1], &error).mended_by("GCP_SA_KEY_JSON"));
            checks.extend(skipped(&NAMES[2..], "signing in must work first"));
        }
    }
    checks
}

fn skipped(names: &'static [&'static str], why: &'static str) -> impl Iterator<Item = Check> {
    names.iter().map(move |name| Check::skipped(*name, why))
}

async fn sign_in<H: Host>(asker: &Asker<'_, H>, account: &ServiceAccount, scope: Scope) -> Result<Token, CallError> {
    let request = token_request(asker.host, account, scope).await?;
    asker.ask(Service::Google, request, |response| google::read_token(response, asker.host.now())).await
}

async fn described<H: Host>(
    asker: &Asker<'_, H>,
    config: &Config,
    table: &BigQuery,
    token: Option<&Token>,
) -> Vec<Check> {
    let authorized = |mut request: Request| {
        if let Some(token) = token {
            token.secret.authorize(&mut request);
        }
        request
    };
    let get = asker.ask(Service::Google, authorized(table::get(table, &table.table)), |response| {
        Ok((response.status(), table::read(response, table)))
    });
    let permissions = asker.ask(Service::Google, authorized(table::test_permissions(table)), |response| {
        table::read_missing(response, table)
    });
    let runs = asker.ask(Service::Google, authorized(table::get(table, RUNS.name)), |response| {
        Ok((response.status(), table::read(response, table)))
    });
    let (found, missing, runs) = future::join3(get, permissions, runs).await;
    let (mut checks, there) = match found {
        Ok((_, Ok(found))) => (shape(&found, table), true),
        Ok((status, Err(error))) => {
            let fix = if status == StatusCode::FORBIDDEN { grant(table) } else { MAKE.to_owned() };
            (vec![Check::refused("table", &error).mended_by(fix)], false)
        }
        Err(error) => (vec![Check::refused("table", &error)], false),
    };
    checks.push(match missing {
        _ if !there => Check::skipped("insert", "the table must answer first"),
        Ok(missing) => allowed(missing.as_deref(), table),
        Err(error) => Check::refused("insert", &error).mended_by(grant(table)),
    });
    if there && config.record_runs {
        checks.push(recording(runs));
    }
    checks
}

/// The table of passes. No log depends on it.
fn recording(found: Result<(StatusCode, Result<LiveTable, CallError>), CallError>) -> Check {
    let hint = "Passes cannot be recorded, so aig_pipeline_by_hour stays empty; RECORD_RUNS=false stops the recording";
    let says = match found {
        Ok((_, Ok(table))) => {
            let findings = of_table(RUNS.name, &table, &RUNS);
            let Some(Mismatch { what, problem }) = findings.first() else {
                return Check::ok(RUNS.name, "has all columns");
            };
            format!("{what} {problem}")
        }
        Ok((StatusCode::NOT_FOUND, Err(_))) => "is missing".to_owned(),
        Ok((_, Err(error))) | Err(error) => return Check::refused(RUNS.name, &error),
    };
    Check::warning(RUNS.name, says, hint).mended_by(MAKE)
}

/// Columns, and what makes queries cheap.
fn shape(found: &LiveTable, table: &BigQuery) -> Vec<Check> {
    let BigQuery { project, dataset, table: name, .. } = table;
    let findings = of_table(name, found, &LOGS);
    let (whole, wrong): (Vec<_>, Vec<_>) = findings.into_iter().partition(|finding| finding.what == *name);
    let columns = columns(&wrong, table);
    let layout = match (whole.is_empty(), found.clustering.fields == CLUSTERING) {
        (true, true) => Check::ok("layout", "partitioned by day, and clustered"),
        (false, _) => {
            let hint = "Every query reads and bills the whole table. BigQuery cannot add partitions to a table: make a \
                        new table, copy the rows into it, and name it";
            Check::warning("layout", "not partitioned by the day of created_at", hint).mended_by("GCP_BQ_TABLE")
        }
        (true, false) => {
            let columns = CLUSTERING.join(",");
            let fix = format!("bq update --clustering_fields={columns} {project}:{dataset}.{name}");
            let hint = "Queries read more than they need to; new rows will be clustered";
            Check::warning("layout", format!("not clustered by {}", CLUSTERING.join(", ")), hint).mended_by(fix)
        }
    };
    vec![columns, layout]
}

fn columns(wrong: &[Mismatch], table: &BigQuery) -> Check {
    /// As many are named.
    const NAMED: usize = 3;
    let BigQuery { project, dataset, table: name, .. } = table;
    if wrong.is_empty() {
        return Check::ok("table", format!("{project}.{dataset}.{name} has all columns"));
    }
    let more = wrong.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    let named = wrong.iter().take(NAMED).map(|Mismatch { what, problem }| format!("{what} {problem}"));
    let says = format!("{}{more}", named.collect::<Vec<_>>().join(", "));
    if wrong.iter().all(|Mismatch { problem, .. }| problem.starts_with("is missing")) {
        let hint = "`aig-logs sql --apply` adds the missing columns, and touches no row; `aig-logs sql --check` lists them all";
        return Check::failed("table", says, hint).mended_by(MAKE);
    }
    let hint = "A column of another type takes no rows: make another table with sql/bigquery/1_table.sql, copy the rows into it, \
                and name it";
    Check::failed("table", says, hint).mended_by("GCP_BQ_TABLE")
}

/// An empty insert is refused in any case, so permissions are asked for instead.
fn allowed(missing: Option<&[&str]>, table: &BigQuery) -> Check {
    match missing {
        Some([]) => Check::ok("insert", "the service account may insert rows"),
        Some(missing) => {
            let says = format!("the service account lacks the permission {}", missing.join(" and "));
            let hint = "Give it the role BigQuery Data Editor on the dataset, or a smaller one with both permissions, as `aig-logs setup` makes it";
            Check::failed("insert", says, hint).mended_by(grant(table))
        }
        None => Check::skipped("insert", "not known: this BigQuery does not tell permissions"),
    }
}

/// What lets the service account insert.
fn grant(table: &BigQuery) -> String {
    let BigQuery { project, dataset, account, .. } = table;
    let email = account.as_ref().map_or("EMAIL", |account| account.email.as_str());
    // On the dataset: passes write to aig_runs as well.
    format!(
        "bq query --project_id={project} --use_legacy_sql=false 'GRANT `roles/bigquery.dataEditor` ON SCHEMA \
         `{project}.{dataset}` TO \"serviceAccount:{email}\"'"
    )
}
