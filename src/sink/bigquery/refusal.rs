//! The meaning of a refusal of BigQuery: its own trouble, too many rows at once, or a setting that a person must
//! change. Google's reasons and words tell more than the status.

use http::StatusCode;
use serde::Deserialize;

use crate::{
    config::BigQuery,
    error::CallError,
    wire::{Response, json, may_pass, or_default, retry_after, snippet},
};

/// Google's reasons for trouble of its own, with a request or with a row. The same rows are sent again.
/// cloud.google.com/bigquery/docs/error-messages
pub const TROUBLE: [&str; 4] = ["backendError", "badGateway", "internalError", "timeout"];

/// Google's reasons for too many requests or rows. The same rows are sent again, more slowly.
pub const BUSY: [&str; 2] = ["quotaExceeded", "rateLimitExceeded"];

/// The meaning of an answer that is neither a success nor about a request's rows.
pub fn refusal(response: &Response, table: &BigQuery) -> CallError {
    let (reason, _) = complaint(response);
    let (status, message) = (response.status(), told(response));
    let said = String::from_utf8_lossy(response.body()).to_ascii_lowercase();
    let is_quota = status == StatusCode::FORBIDDEN && has_any(&said, &QUOTA);
    if status == StatusCode::TOO_MANY_REQUESTS || is_quota || BUSY.contains(&reason.as_str()) {
        return CallError::Throttled { message, wait: retry_after(response) };
    }
    let may_pass = may_pass(status) || TROUBLE.contains(&reason.as_str());
    if (status.is_client_error() || status.is_redirection()) && !may_pass {
        return CallError::denied(message, hint(status, &said, table));
    }
    CallError::Broken(message)
}

/// The status and the message in one line.
pub fn told(response: &Response) -> String {
    format!("BigQuery answered {}: {}", response.status(), complaint(response).1)
}

/// Google's reason, if it gives one, and its message.
pub fn complaint(response: &Response) -> (String, String) {
    of_google(response).unwrap_or_else(|| (String::new(), snippet(response.body())))
}

/// Google's reason and message, if the answer is an error in the form of Google's APIs.
pub fn of_google(response: &Response) -> Option<(String, String)> {
    #[derive(Deserialize)]
    struct Answer {
        error: Error,
    }
    #[derive(Deserialize)]
    struct Error {
        #[serde(default, deserialize_with = "or_default")]
        message: String,
        #[serde(default, deserialize_with = "or_default")]
        errors: Vec<Reason>,
    }
    #[derive(Deserialize)]
    struct Reason {
        #[serde(default, deserialize_with = "or_default")]
        reason: String,
    }
    let Answer { error } = json(response)?;
    Some((error.errors.into_iter().next().map(|first| first.reason).unwrap_or_default(), error.message))
}

/// Whether a text contains any of some words.
pub fn has_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|words| text.contains(words))
}

fn hint(status: StatusCode, said: &str, table: &BigQuery) -> String {
    let BigQuery { project, dataset, table: name, .. } = table;
    match status {
        StatusCode::NOT_FOUND => format!(
            "Check GCP_BQ_PROJECT ({project}), GCP_BQ_DATASET ({dataset}) and GCP_BQ_TABLE ({name}), or make the table \
             with `aig-logs sql --apply`. BigQuery may need some minutes to see a new table"
        ),
        StatusCode::FORBIDDEN => forbidden(said, table),
        StatusCode::UNAUTHORIZED => {
            "Check that GCP_TOKEN_URI is Google's own, and that BIGQUERY_EMULATOR_HOST is not set by \
             mistake"
                .to_owned()
        }
        status if status.is_redirection() => "Check BIGQUERY_EMULATOR_HOST: the address has moved".to_owned(),
        _ => {
            format!("Check GCP_BQ_TABLE ({name}) and its schema against sql/bigquery/1_table.sql")
        }
    }
}

/// Reasons and words of a 403, in lower case, grouped by what a person must do. Google answers all of them with one
/// status, and sometimes leaves the reason out.
const QUOTA: [&str; 5] =
    ["resource_exhausted", "quota exceeded", "quotaexceeded", "ratelimitexceeded", "rate_limit_exceeded"];
const BILLING: [&str; 5] = [
    "not allowed in the free tier",
    "billingnotenabled",
    "billing_disabled",
    "billing has not been enabled",
    "billing to be enabled",
];
const API: [&str; 3] = ["accessnotconfigured", "has not been used in project", "service_disabled"];
const PERIMETER: [&str; 3] = ["vpc service controls", "vpcservicecontrols", "prohibited by organization's policy"];
const SCOPE: [&str; 2] = ["access_token_scope_insufficient", "insufficient authentication scopes"];

fn forbidden(said: &str, table: &BigQuery) -> String {
    let BigQuery { project, dataset, .. } = table;
    if has_any(said, &BILLING) {
        format!("Streaming needs billing: enable it for GCP_BQ_PROJECT ({project})")
    } else if has_any(said, &API) {
        format!("Enable the API: `gcloud services enable bigquery.googleapis.com --project {project}`")
    } else if has_any(said, &PERIMETER) {
        format!(
            "VPC Service Controls protect {project}. Ask the administrator of the perimeter for an ingress rule that \
             lets the service account of GCP_SA_KEY_JSON or GCP_SA_EMAIL call bigquery.googleapis.com"
        )
    } else if has_any(said, &SCOPE) {
        "The token lacks the scope that was asked for: check that GCP_TOKEN_URI is Google's own".to_owned()
    } else {
        format!(
            "Give the service account of GCP_SA_KEY_JSON or GCP_SA_EMAIL the role BigQuery Data Editor on \
             the dataset {project}.{dataset}, or a smaller one that has bigquery.tables.get and bigquery.tables.updateData"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_403_is_told_by_what_google_says() {
        let table = BigQuery {
            base: "https://bigquery.googleapis.com".into(),
            project: "p".into(),
            dataset: "d".into(),
            table: "t".into(),
            account: None,
        };
        let check = |error: &str, expected: &str| {
            let body = format!(r#"{{"error":{{"code":403,{error}}}}}"#);
            let response = http::Response::builder().status(403).body(body.into_bytes()).unwrap();
            let error = refusal(&response, &table);
            assert!(error.to_string().contains(expected), "{error}");
        };
        let reason = |reason: &str| format!(r#""message":"No.","errors":[{{"reason":"{reason}"}}]"#);
        let detail = |reason: &str| format!(r#""message":"No.","details":[{{"reason":"{reason}"}}]"#);
        let message = |message: &str| format!(r#""message":"{message}","errors":null"#);
        for billing in [
            reason("billingNotEnabled"),
            detail("BILLING_DISABLED"),
            message("Access Denied: BigQuery BigQuery: Streaming insert is not allowed in the free tier"),
            message("Billing has not been enabled for this project."),
        ] {
            check(&billing, "billing: enable it for GCP_BQ_PROJECT (p)");
        }
        for api in [
            reason("accessNotConfigured"),
            detail("SERVICE_DISABLED"),
            message("BigQuery API has not been used in project 1 before"),
        ] {
            check(&api, "`gcloud services enable bigquery.googleapis.com --project p`");
        }
        for perimeter in [
            reason("vpcServiceControls"),
            message("VPC Service Controls: No."),
            message("Request is prohibited by organization's policy."),
        ] {
            check(&perimeter, "VPC Service Controls protect p");
        }
        for scope in
            [detail("ACCESS_TOKEN_SCOPE_INSUFFICIENT"), message("Request had insufficient authentication scopes.")]
        {
            check(&scope, "GCP_TOKEN_URI");
        }
        for quota in [
            reason("rateLimitExceeded"),
            detail("RATE_LIMIT_EXCEEDED"),
            message("Quota exceeded: Your project exceeded quota"),
            r#""message":"No.","status":"RESOURCE_EXHAUSTED""#.to_owned(),
        ] {
            check(&quota, "slow down");
        }
        check(&reason("backendError"), "the other side failed");
        // A project may have any name.
        check(&message("Access Denied: Table billing-free-tier:quota.api: Permission denied"), "BigQuery Data Editor");
    }
}
