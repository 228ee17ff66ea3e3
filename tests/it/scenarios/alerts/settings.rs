//! The settings of alerts, and what each chat gets.

use aig_logs::{
    alert::{News, message},
    config::{Config, Destination},
    secret::Secret,
    simulator::{Simulator, options::SimulatorOptions},
    time,
};
use serde_json::{Value, json};

use super::HOOK;

#[test]
fn settings_of_alerts_that_cannot_be_read_are_named_without_the_address() {
    let simulator = Simulator::new(SimulatorOptions::default());
    let problems = |settings: &[(&str, &str)]| {
        let known = simulator.settings("http://127.0.0.1:1");
        let lookup = |name: &str| {
            let given = settings.iter().find(|(given, _)| *given == name).map(|(_, text)| (*text).to_owned());
            given.or_else(|| known.iter().find(|(known, _)| *known == name).map(|(_, text)| text.clone()))
        };
        Config::from_vars(lookup, &[Destination::BigQuery]).map_or_else(|error| error.to_string(), |_| String::new())
    };
    assert_eq!(problems(&[("ALERT_WEBHOOK", HOOK)]), "");
    // Whoever takes the address away for a while stops no poller.
    assert_eq!(problems(&[("BUDGET_DAY_USD", "5"), ("BUDGETS", "a=b:5/day"), ("DIGEST", "mon 08:00")]), "");
    let address = problems(&[("ALERT_WEBHOOK", "http://hooks.test/secretsecret")]);
    assert!(address.starts_with("ALERT_WEBHOOK is no address") && !address.contains("secret"), "{address}");
    for (name, text) in [
        ("BUDGET_DAY_USD", "ten"),
        ("BUDGET_DAY_USD", "0"),
        ("BUDGET_MONTH_USD", "-1"),
        ("BUDGET_MONTH_USD", "nan"),
        ("BUDGETS", "team=search"),
        ("BUDGETS", "team:5/day"),
        ("BUDGETS", "team=x:5/year"),
        ("BUDGETS", "=x:5/day"),
        ("BUDGETS", "team=a:5/day,team=a:6/day"),
        ("DIGEST", "monday 8"),
        ("DIGEST", "mon 25:00"),
        ("DIGEST", "mon 08:00 Europe/Berlin by"),
    ] {
        let problem = problems(&[("ALERT_WEBHOOK", HOOK), (name, text)]);
        assert!(problem.starts_with(name) && problem.lines().count() == 1, "{name}={text}: {problem}");
    }
}

#[test]
fn each_chat_gets_what_it_reads() {
    let news = |text: &str| News {
        id: "x".into(),
        is_on: true,
        level: 1,
        since: time::parse("2026-11-02").unwrap(),
        text: text.into(),
    };
    let body = |address: &str, text: &str| -> Value {
        let request = message(&Secret::new(address), &[news(text)], Some("digest"));
        assert_eq!(request.uri().to_string(), address);
        serde_json::from_slice(request.body()).unwrap()
    };
    let slack = body("https://hooks.slack.com/services/T/B/secretsecret", "<!channel> & \"x\"");
    assert_eq!(slack, json!({ "text": "AI Gateway logs: &lt;!channel&gt; &amp; \"x\"\ndigest" }));
    let discord = body("https://discord.com/api/webhooks/1/secretsecret", &"@everyone ".repeat(400));
    assert_eq!(discord["allowed_mentions"], json!({ "parse": [] }));
    assert_eq!(discord["content"].as_str().unwrap().chars().count(), 2_000);
    for host in ["x.webhook.office.com", "prod-1.westeurope.logic.azure.com:443", "y.powerplatform.com"] {
        let teams = body(&format!("https://{host}/workflows/secretsecret"), "x");
        let block = &teams["attachments"][0]["content"]["body"][0];
        assert_eq!((&block["type"], &block["text"]), (&json!("TextBlock"), &json!("AI Gateway logs: x\ndigest")));
    }
    let plain = body("https://evil-slack.com/secretsecret", "a\nb\u{1b}");
    assert_eq!(plain["source"], "aig-logs");
    assert_eq!((&plain["alerts"][0]["state"], &plain["digest"]), (&json!("on"), &json!("digest")));
    assert!(!plain.to_string().contains('\u{1b}'), "{plain}");
}
