//! `aig-logs alerts`: what is spent of each budget, which alerts are on, and whether the webhook takes a message.

use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    alert::{News, Spent, digest, message, spent},
    cli::{
        args::{AlertsAction, Options},
        failure::{Exit, Failure},
        files::state::OpenState,
        show, terminal,
        vars::settings::Vars,
    },
    config::Alerts,
    error::CallError,
    foreign::clean,
    host::{
        self, Host, Store,
        native::{NativeHost, now},
    },
    state::{ALERTS, FORWARD, Forward, OLDEST, Oldest, Told},
    time,
    wire::may_pass,
};

/// Lists alerts, or tries the webhook.
pub async fn alerts(action: AlertsAction, options: &Options, stop: watch::Receiver<bool>) -> Result<Exit, Failure> {
    let settings = Vars::read(options)?.alerts()?.ok_or_else(|| {
        Failure::denied(
            "reading the settings",
            "nobody is told of alerts",
            "Set ALERT_WEBHOOK, and a budget if you like",
        )
    })?;
    // A zone that is not known would be noticed a week later.
    if let Some(digest) = settings.digest.as_ref().filter(|digest| host::offset(&digest.zone, now()).is_none()) {
        let problem = format!("DIGEST names the time zone {:?}, which is not known", clean(&digest.zone));
        return Err(Failure::denied("reading the settings", problem, "Name one such as Europe/Berlin, or UTC"));
    }
    match action {
        AlertsAction::List => list(&settings, options, stop).await,
        AlertsAction::Test => test(&settings, stop).await,
    }
}

async fn test(settings: &Alerts, stop: watch::Receiver<bool>) -> Result<Exit, Failure> {
    let host = NativeHost::new(stop, |_| {}).map_err(|error| Failure::host(&error))?;
    let text = "This is a test: alerts of aig-logs arrive here.".to_owned();
    let news = News { id: "test".into(), is_on: true, level: 1, since: now(), text };
    let sent = host.send(message(&settings.webhook, &[news], None)).await;
    let sent = sent.and_then(|answer| match answer.status() {
        status if status.is_success() => Ok(()),
        StatusCode::TOO_MANY_REQUESTS => Err(CallError::Broken("it takes no more messages now (429)".into())),
        status if may_pass(status) => Err(CallError::Broken(format!("it answers {status}"))),
        status => Err(CallError::denied(format!("it answers {status}"), "Check the address in ALERT_WEBHOOK")),
    });
    sent.map_err(|error| Failure::call("sending a message to ALERT_WEBHOOK", error))?;
    show::print("ALERT_WEBHOOK has taken a message.")?;
    Ok(Exit::Done)
}

async fn list(settings: &Alerts, options: &Options, stop: watch::Receiver<bool>) -> Result<Exit, Failure> {
    let state = OpenState::to_read(options, stop)?;
    let values = state.store()?.get_many(&[FORWARD, OLDEST, ALERTS]).await;
    let mut values = values.map_err(|error| error.during("loading", "of the alerts"))?.into_iter();
    let mut value = || values.next().flatten();
    // A state that names no gateway has no sums yet.
    let forward = value().and_then(|text| Forward::from_json(FORWARD, &text, &[]).ok()).unwrap_or_default();
    let oldest = value().and_then(|text| Oldest::read(&text, &[]).ok()).unwrap_or_default();
    let told = value().map_or_else(|| Ok(Told::default()), |text| Told::from_json(&text))?;
    let sums: Vec<_> = forward.by_id.values().map(|position| &position.spend).collect();
    let sums: Vec<_> = sums.into_iter().chain(oldest.by_id.values().map(|backfill| &backfill.spend)).collect();
    let budgets = spent(settings, &sums, now());
    if options.json {
        let on: Vec<_> = told.on.iter().map(on_to_json).collect();
        let budgets: Vec<_> = budgets.iter().map(to_json).collect();
        show::print(&json!({ "budgets": budgets, "on": on, "digest_due": digest_due(settings) }).to_string())?;
    } else {
        show::words(&in_words(&budgets, &told, settings))?;
    }
    Ok(Exit::Done)
}

fn in_words(budgets: &[Spent], told: &Told, settings: &Alerts) -> String {
    let mut table = terminal::table();
    table.set_header(["budget", "spent", "of", "%", "at this pace"]);
    table.add_rows(budgets.iter().map(|spent| {
        let by = if spent.by.is_empty() { "all".to_owned() } else { clean(&spent.by) };
        let forecast = spent.forecast.map_or_else(String::new, |usd| format!("${usd:.2}"));
        let amounts = [spent.usd, spent.budget].map(|usd| format!("${usd:.2}"));
        let [usd, budget] = amounts;
        [format!("{by} a {}", spent.period), usd, budget, spent.percent().to_string(), forecast]
    }));
    let mut lines =
        if budgets.is_empty() { vec!["No budget, or nothing spent of one".into()] } else { vec![table.trim_fmt()] };
    lines.push(if told.on.is_empty() { "\nNo alert is on".into() } else { "\nAlerts that are on".into() });
    lines.extend(told.on.iter().map(|on| format!("  since {}: {}", time::text(on.since), clean(&on.text))));
    lines.extend(digest_due(settings).map(|due| format!("The last digest was due {due}")));
    lines.join("\n")
}

fn to_json(spent: &Spent) -> Value {
    json!({
        "by": spent.by,
        "period": spent.period,
        "usd": spent.usd,
        "budget_usd": spent.budget,
        "percent": spent.percent(),
        "forecast_usd": spent.forecast,
    })
}

fn on_to_json(on: &crate::state::On) -> Value {
    json!({ "id": on.id, "level": on.level, "since": time::text(on.since), "text": on.text })
}

fn digest_due(settings: &Alerts) -> Option<String> {
    let digest = settings.digest.as_ref()?;
    digest::due(digest, now(), |at| host::offset(&digest.zone, at)).map(time::text)
}
