use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Config, ConfigError, Destination, Gateways, Schema};
use crate::{
    log::metadata::{MetadataColumn, Scalar},
    secret::Secret,
};

const KEY: &str = "-----BEGIN PRIVATE KEY-----\\nc2VjcmV0IGtleSBieXRlcw==\\n-----END PRIVATE KEY-----";

fn good() -> BTreeMap<&'static str, String> {
    BTreeMap::from(
        [
            ("CF_API_TOKEN", "hush"),
            ("CF_ACCOUNT_ID", "acc"),
            ("AIG_GATEWAY_ID", "main"),
            ("GCP_SA_EMAIL", "poller@p.iam.gserviceaccount.com"),
            ("GCP_SA_PRIVATE_KEY_PEM", KEY),
            ("GCP_BQ_PROJECT", "p"),
            ("GCP_BQ_DATASET", "d"),
        ]
        .map(|(name, value)| (name, value.to_owned())),
    )
}

fn read(changes: &[(&'static str, &str)]) -> Result<Config, ConfigError> {
    let mut vars = good();
    for (name, value) in changes {
        vars.insert(name, (*value).to_owned());
    }
    Config::from_vars(|name| vars.get(name).cloned(), &[Destination::BigQuery])
}

/// The problems of these settings, one in each line.
fn problems(changes: &[(&'static str, &str)]) -> String {
    read(changes).map_or_else(|error| error.to_string(), |_| "none".to_owned())
}

#[test]
fn what_is_not_given_has_its_default() {
    let config = read(&[]).unwrap();
    assert_eq!(config.source.base, "https://api.cloudflare.com/client/v4");
    assert_eq!((config.source.per_page, config.settle.as_secs()), (50, 30));
    assert_eq!((config.forward_pages, config.backfill_pages), (Some(20), Some(40)));
    assert_eq!((config.ids_ttl.as_secs(), config.backfill_cron.as_str()), (45 * 86_400, "0 * * * *"));
    let bigquery = config.bigquery.unwrap();
    assert_eq!((bigquery.base.as_str(), bigquery.table.as_str()), ("https://bigquery.googleapis.com", "aig_logs_raw"));
    assert_eq!(bigquery.account.unwrap().token_uri, "https://oauth2.googleapis.com/token");
}

#[test]
fn all_problems_are_reported_together() {
    let missing = Config::from_vars(|_| None, &[Destination::BigQuery]).unwrap_err();
    let names: Vec<_> = missing.0.iter().map(|problem| problem.setting).collect();
    let expected =
        ["CF_ACCOUNT_ID", "CF_API_TOKEN", "AIG_GATEWAY_ID", "GCP_SA_KEY_JSON", "GCP_BQ_PROJECT", "GCP_BQ_DATASET"];
    assert_eq!(names, expected);
    let local = Config::from_vars(|_| None, &[Destination::default()]).unwrap_err();
    assert_eq!(local.0.len(), 3, "{local}");
}

#[test]
fn a_setting_that_cannot_be_used_is_named_with_the_way_out() {
    let check = |name, value: &str, words: &str| {
        let found = problems(&[(name, value)]);
        assert!(found.starts_with(&format!("{name} ")) && found.contains(words), "{found}");
        assert_eq!(found.lines().count(), 1, "{found}");
    };
    check("LOGS_PER_PAGE", "100", "from 1 to 50");
    check("LOGS_PER_PAGE", "many", "\"many\"");
    check("SETTLE_SECONDS", "-1", "from 0 to 3600");
    check("DEDUP_TTL_DAYS", "0", "from 1");
    check("FORWARD_MAX_PAGES", "0", "or auto");
    check("API_SHARE", "0", "above 0");
    check("API_SHARE", "NaN", "above 0");
    check("BACKFILL_CRON", "hourly", "five fields");
    check("LOG_LEVEL", "loud", "error, warn, info, debug, off");
    check("AIG_GATEWAY_ID", "main, Main", "\"Main\"");
    check("AIG_GATEWAY_ID", ",", "is not set");
    check("CF_API_TOKEN", "hu sh", "holds a space");
    check("CLOUDFLARE_BASE_URL", "api.cloudflare.com", "https://");
    check("CLOUDFLARE_BASE_URL", "http://api.cloudflare.com", "https://");
    check("GCP_TOKEN_URI", "http://169.254.169.254/token", "https://");
    check("BIGQUERY_EMULATOR_HOST", "http://10.0.0.1:9050", "https://");
    for evil in
        ["http://127.evil.example", "http://127.0.0.1.evil.example", "http://localhost.evil.example", "http://a@b"]
    {
        check("CLOUDFLARE_BASE_URL", evil, "https://");
    }
    check("GCP_BQ_DATASET", "d/e", "letters");
    for (name, wrong) in [
        ("CF_ACCOUNT_ID", "a/b"),
        ("CF_ACCOUNT_ID", "."),
        ("CF_ACCOUNT_ID", ".."),
        ("CF_ACCOUNT_ID", "a?b"),
        ("GCP_BQ_PROJECT", "."),
        ("GCP_BQ_PROJECT", ".."),
        ("GCP_BQ_PROJECT", "a_b"),
        ("GCP_BQ_DATASET", "a-b"),
        ("GCP_BQ_DATASET", "a.b"),
        ("GCP_BQ_DATASET", "d:e"),
        ("GCP_BQ_TABLE", "a.b"),
        ("GCP_BQ_TABLE", ".."),
    ] {
        check(name, wrong, "letters, digits");
    }
    for email in ["no address", "a b@c", "poller"] {
        check("GCP_SA_EMAIL", email, "service account's e-mail address");
    }
    check("GCP_SA_PRIVATE_KEY_PEM", "c2VjcmV0", "is not a PEM text");
    check("GCP_SA_KEY_JSON", "{\"client_email\":", "whole JSON file");
}

#[test]
fn metadata_is_hashed_with_a_key_that_nobody_guesses() {
    const KEYS: (&str, &str) = ("HASH_METADATA", "user_id, email,");
    let check = |changes: &[(&'static str, &str)], start: &str, words: &str| {
        let found = problems(changes);
        assert!(found.starts_with(start) && found.contains(words) && found.lines().count() == 1, "{found}");
    };
    check(&[KEYS], "HASH_KEY is not set", "HASH_METADATA");
    check(&[KEYS, ("HASH_KEY", "hushhushhushhus")], "HASH_KEY ", "16 characters");
    check(&[("HASH_METADATA", ","), ("HASH_KEY", "hush")], "HASH_METADATA ", "name keys");
    check(&[("DROP_METADATA", " , ")], "DROP_METADATA ", "name keys");
    let good = ("HASH_KEY", "hushhushhushhush");
    check(&[KEYS, good, ("DROP_METADATA", "email")], "HASH_METADATA ", "\"email\"");
    let privacy = read(&[KEYS, good, ("DROP_METADATA", "a, b b ,a")]).unwrap().privacy;
    assert_eq!(privacy.dropped, ["a", "b b"].map(str::to_owned).into());
    let shown = format!("{privacy:?}");
    assert!(shown.contains(r#"{"email", "user_id"}"#) && !shown.contains("hush"), "{shown}");
    // A key alone hashes nothing yet.
    assert!(read(&[good]).unwrap().privacy.hashed.is_none());
    assert!(!problems(&[KEYS, ("HASH_KEY", "hush")]).contains("hush"));
}

#[test]
fn the_key_of_an_org_may_be_any_text_and_is_org_by_default() {
    let org = |given: Option<&str>| {
        let vars = given.map(|text| ("ORG_METADATA", text.to_owned())).into_iter().collect::<BTreeMap<_, _>>();
        Schema::from_vars(|name| vars.get(name).cloned(), &Destination::default()).unwrap().metadata.org
    };
    assert_eq!(org(None), "org");
    assert_eq!(org(Some("  ")), "org");
    assert_eq!(org(Some(" it's \"x\" ")), "it's \"x\"");
}

#[test]
fn columns_of_the_metadata_have_names_and_types_that_both_dialects_know() {
    let schema = |text: &str| {
        let vars = BTreeMap::from([("METADATA_COLUMNS", text.to_owned())]);
        Schema::from_vars(|name| vars.get(name).cloned(), &Destination::default()).map(|schema| schema.metadata.columns)
    };
    let check = |text: &str, words: &str| {
        let found = schema(text).unwrap_err().to_string();
        assert!(found.starts_with("METADATA_COLUMNS ") && found.contains(words), "{found}");
        assert_eq!(found.lines().count(), 1, "{found}");
    };
    for name in ["cost-center", "a.b", "1st", "_x", "tëam", "a b", "`", "'", &"a".repeat(301), ":int64"] {
        check(name, "a letter first");
    }
    check("team:int", "string, int64, float64 or bool");
    check("team,Team:bool", "twice");
    check("Model", "has a column of that name");
    let names = |n: u32| (0..n).map(|n| format!("k{n}")).collect::<Vec<_>>().join(",");
    check(&names(21), "at most 20");
    assert_eq!(schema(&names(20)).unwrap().len(), 20);
    let column = |key: &str, kind| MetadataColumn { key: key.into(), kind };
    let (team, cost) = (column("team", Scalar::Text), column("cost_center", Scalar::Integer));
    assert_eq!(schema(" team , cost_center : int64,").unwrap(), [team, cost]);
    assert_eq!(schema("").unwrap(), []);
    // A pass makes no views in BigQuery, so a mistake here does not stop it.
    assert!(read(&[("METADATA_COLUMNS", "a.b")]).is_ok());
}

#[test]
fn settings_are_trimmed_and_empty_ones_are_absent() {
    let config = read(&[("CF_ACCOUNT_ID", " acc\n"), ("SETTLE_SECONDS", " "), ("FORWARD_MAX_PAGES", "auto")]).unwrap();
    assert_eq!((config.source.account.as_str(), config.settle.as_secs(), config.forward_pages), ("acc", 30, None));
}

#[test]
fn several_gateways_are_named_once_each_or_all() {
    let gateways = |text| read(&[("AIG_GATEWAY_ID", text)]).unwrap().source.gateways;
    assert_eq!(gateways("b, a,b,"), Gateways::Named(vec!["b".into(), "a".into()]));
    assert_eq!(gateways("*"), Gateways::All);
}

#[test]
fn the_whole_key_file_is_enough() {
    let file = format!(
        r#"{{"type":"service_account","project_id":"from-file","private_key_id":"k1","private_key":"{KEY}",
            "client_email":"a@b","token_uri":"https://tokens.example/t"}}"#
    );
    let vars = BTreeMap::from([("GCP_SA_KEY_JSON", file.as_str()), ("GCP_BQ_DATASET", "d")]);
    let lookup = |name: &str| {
        vars.get(name)
            .map(|text| (*text).to_owned())
            .or_else(|| good().remove(name))
            .filter(|_| name != "GCP_BQ_PROJECT")
    };
    let bigquery = Config::from_vars(lookup, &[Destination::BigQuery]).unwrap().bigquery.unwrap();
    let account = bigquery.account.unwrap();
    assert_eq!((bigquery.project.as_str(), account.email.as_str()), ("from-file", "a@b"));
    assert_eq!((account.key_id.as_deref(), account.token_uri.as_str()), (Some("k1"), "https://tokens.example/t"));
}

fn key_file(text: &str) -> Result<String, String> {
    let problems = |error: ConfigError| error.to_string();
    let config = read(&[("GCP_SA_KEY_JSON", text)]).map_err(problems)?;
    Ok(config.bigquery.unwrap().account.unwrap().email)
}

#[test]
fn a_key_file_is_read_in_whatever_form_a_dashboard_or_a_shell_has_left_it() {
    let file = format!("{{\"client_email\": \"a@b\",\n  \"private_key\": \"{KEY}\"}}");
    let broken = file.replace("\\n", "\n");
    assert_ne!(file, broken);
    let coded = STANDARD.encode(&file);
    let (first, second) = coded.split_at(40);
    for text in [
        &file,
        &broken,
        &broken.replace('\n', "\r\n"),
        &format!("\u{feff}{file}"),
        &format!("'{file}'"),
        &format!("\"{broken}\""),
        &coded,
        &format!("{first}\n{second}\n"),
        &STANDARD.encode(format!("\u{feff}{broken}")),
    ] {
        assert_eq!(key_file(text).as_deref(), Ok("a@b"), "{text}");
    }
}

#[test]
fn a_key_file_without_an_address_or_of_another_cloud_is_refused() {
    let check = |email: &str, rest: &str, words: &str| {
        let text = format!(r#"{{"client_email":"{email}","private_key":"{KEY}"{rest}}}"#);
        let found = key_file(&text).unwrap_err();
        assert!(
            found.starts_with("GCP_SA_KEY_JSON ") && found.contains(words) && found.lines().count() == 1,
            "{found}"
        );
        assert!(!found.contains("c2Vj"), "{found}");
    };
    check("", "", "client_email");
    check("a b@c", "", "client_email");
    check("a@b", r#","universe_domain":"apis-s3ns.fr""#, "apis-s3ns.fr");
    let of_google = format!(r#"{{"client_email":"a@b","private_key":"{KEY}","universe_domain":"googleapis.com"}}"#);
    assert_eq!(key_file(&of_google).as_deref(), Ok("a@b"));
}

#[test]
fn names_are_those_that_google_gives() {
    for (name, good) in [
        ("GCP_BQ_PROJECT", "example.com:my-project"),
        ("GCP_BQ_DATASET", "ai_gateway"),
        ("GCP_BQ_TABLE", "logs-2026_raw"),
        ("CLOUDFLARE_BASE_URL", "http://127.0.0.2:8788"),
        ("CLOUDFLARE_BASE_URL", "http://[::1]:8788"),
        ("CLOUDFLARE_BASE_URL", "http://localhost:8788"),
        ("CF_ACCOUNT_ID", "0123456789abcdef0123456789abcdef"),
    ] {
        assert_eq!(problems(&[(name, good)]), "none", "{good}");
    }
}

#[test]
fn an_emulator_needs_no_account() {
    let mut vars = good();
    vars.remove("GCP_SA_PRIVATE_KEY_PEM");
    vars.insert("BIGQUERY_EMULATOR_HOST", "localhost:9050".into());
    let config = Config::from_vars(|name| vars.get(name).cloned(), &[Destination::BigQuery]).unwrap();
    let bigquery = config.bigquery.unwrap();
    assert_eq!((bigquery.base.as_str(), bigquery.account.is_none()), ("http://localhost:9050", true));
}

#[test]
fn secrets_show_neither_in_debug_nor_in_problems() {
    assert_eq!(format!("{:?}", Secret::new("hush")), "[secret]");
    let shown = format!("{:?}", read(&[]).unwrap());
    assert!(!shown.contains("hush") && !shown.contains("c2Vj"), "{shown}");
    let found = problems(&[("GCP_SA_KEY_JSON", r#"{"private_key":"c2VjcmV0"}"#), ("CF_API_TOKEN", "hush hush")]);
    assert!(!found.contains("c2Vj") && !found.contains("hush"), "{found}");
}
