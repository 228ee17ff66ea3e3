//! The lives of a log, one for each gateway that knows it.

use serde_json::{Value, json};
use tokio::sync::watch;

use super::Lives;
use crate::{
    cli::{
        args::{Explain, Options},
        failure::Failure,
        files::{rows::Rows, state::OpenState},
        progress::{Screen, log_to},
        show,
        vars::settings::Vars,
    },
    config::Destination,
    foreign::clean,
    host::{Host, Meter, Metered, native::NativeHost},
    pass::{
        Context, Job,
        audit::explain::{self, Fate, InTable, Life},
    },
    plan::slots::LENGTH,
    sink::ndjson::Ndjson,
    state::Finding,
    time::{self, Timestamp},
};

/// Tells the lives of a log.
pub async fn lives(
    arguments: &Explain,
    options: &Options,
    vars: &Vars,
    stop: watch::Receiver<bool>,
    screen: &Screen,
) -> Result<Lives, Failure> {
    let config = vars.config(&[Destination::default()])?;
    log_to(screen, config.log_level);
    let host = NativeHost::new(stop.clone(), |_| {}).map_err(|error| Failure::host(&error))?;
    let state = OpenState::to_read(options, stop)?;
    state.check_account(&config.source.account).await?;
    let rows = Rows::of(&state, vars).await?;

    let [cursors, ids] = state.stores()?;
    let meter = Meter::new(Job::Range.budget(&config), host.now());
    let host = Metered { inner: &host, meter: &meter };
    // Nothing is ever written to it.
    let nowhere = Ndjson::new(std::io::sink());
    let context = Context::new(host, [&cursors, &ids], &nowhere, &config);
    let gateways = match &arguments.gateway {
        Some(gateway) => vec![gateway.clone()],
        None => explain::gateways(&context).await?,
    };
    let mut lives = Vec::new();
    for gateway in &gateways {
        let (table, file) = rows.find(&host, gateway, &arguments.id).await?;
        lives.push((explain::explain(&context, gateway, &arguments.id, table).await?, file));
    }
    // An id is that of one gateway alone: what the others do not know says nothing, unless nobody knows it.
    let is_known = lives.iter().any(|(life, _)| life.fate != Fate::Nowhere);
    if is_known {
        lives.retain(|(life, _)| life.fate != Fate::Nowhere);
    }
    let told = Told { id: &arguments.id, rows: &rows, now: host.now() };
    Ok(Lives {
        words: lives.iter().map(|(life, file)| told.in_words(life, file)).collect(),
        json: lives.iter().map(|(life, _)| told.to_json(life)).collect(),
        is_known,
        need_somebody: lives.is_empty() || lives.iter().any(|(life, _)| needs_somebody(life.fate)),
    })
}

fn needs_somebody(fate: Fate) -> bool {
    match fate {
        Fate::Delivered | Fate::Settling(_) | Fate::Next | Fate::Backfill(_) | Fate::Excluded(_) | Fate::Counted(_) => {
            false
        }
        Fate::Dead | Fate::Forgotten | Fate::Missing | Fate::Nowhere => true,
    }
}

/// How lives are told.
struct Told<'a> {
    id: &'a str,
    rows: &'a Rows,
    now: Timestamp,
}

impl Told<'_> {
    fn in_words(&self, life: &Life, file: &str) -> String {
        let Self { id, rows, now } = self;
        let mut lines = vec![format!("Log {} of gateway {}", clean(id), clean(&life.gateway))];
        let mut say = |name: &str, text: String| lines.push(format!("  {name:<12}{text}"));
        say("source", if life.at_source { "shown".into() } else { "not shown: deleted, or never there".into() });
        if let Some(created_at) = life.created_at {
            say("created", format!("{}, {}", time::text(created_at), show::ago(*now - created_at)));
        }
        for (key, at) in &life.segments {
            let at = at.map_or_else(String::new, |at| format!("{}, ", time::text(at)));
            say("written", format!("{at}segment {}", clean(key)));
        }
        if life.segments.is_empty() {
            say("written", "no kept segment has its id".into());
        }
        say("table", self.table(life, file));
        if let Some(query) = rows.query(life, id) {
            say("", query);
        }
        if let Some((key, reason)) = &life.dead {
            say("dead letter", format!("{}: {}", clean(key), clean(reason)));
        }
        if let Some((start, slot)) = life.slot {
            let verdict = slot.verdict.map_or("not counted yet".to_owned(), |verdict| verdict.to_string());
            let when = format!("{} to {}", start.format("%F %H:%M"), (start + LENGTH).format("%H:%M"));
            say("slot", format!("{when}: {} delivered, {verdict}", slot.delivered));
        }
        if let (Some(finding), Some(at)) = (&life.hour, life.created_at) {
            say("hour", format!("{}: {}", at.format("%F %H:00"), found(finding)));
        }
        if let (Some(finding), Some(at)) = (&life.day, life.created_at) {
            say("day", format!("{}: {}", at.format("%F"), found(finding)));
        }
        lines.push(follows(life));
        lines.join("\n")
    }

    fn table(&self, life: &Life, path: &str) -> String {
        match (life.table, self.rows) {
            (InTable::Row { ingested_at, seen, .. }, Rows::Sqlite(_) | Rows::D1(_)) => {
                let seen = show::counted(seen.into(), "time");
                format!("{path}: there since {}, readers see it {seen}", time::text(ingested_at))
            }
            (InTable::Row { .. }, Rows::BigQuery(_) | Rows::Elsewhere(_)) => "there".into(),
            (InTable::Absent, Rows::Sqlite(_) | Rows::D1(_)) => format!("{path}: not there"),
            (InTable::Absent | InTable::Unknown, Rows::BigQuery(_)) => {
                "not checked: the poller's key can only insert. Run this query with an account that can read the table:"
                    .into()
            }
            (InTable::Absent | InTable::Unknown, Rows::Elsewhere(place)) => {
                format!("not checked: rows went to {place}")
            }
            (InTable::Unknown, Rows::Sqlite(_) | Rows::D1(_)) => {
                format!("{path}: there, but not as this program writes it")
            }
        }
    }

    fn to_json(&self, life: &Life) -> Value {
        let segments = life.segments.iter().map(|(key, at)| json!({ "key": key, "written": at.map(time::text) }));
        let table = match life.table {
            InTable::Unknown => Value::Null,
            InTable::Absent => json!({ "there": false }),
            InTable::Row { ingested_at, seen, .. } => {
                json!({ "there": true, "ingested_at": time::text(ingested_at), "seen": seen })
            }
        };
        let slot = life.slot.map(|(start, slot)| json!({ "start": time::text(start), "known": slot }));
        json!({
            "kind": "log",
            "id": self.id,
            "gateway": life.gateway,
            "at_source": life.at_source,
            "created_at": life.created_at.map(time::text),
            "segments": segments.collect::<Value>(),
            "table": table,
            "query": self.rows.query(life, self.id),
            "dead_letter": life.dead.as_ref().map(|(key, reason)| json!({ "key": key, "reason": reason })),
            "slot": slot,
            "hour": life.hour,
            "day": life.day,
            "fate": fate(life.fate),
            "follows": follows(life),
        })
    }
}

fn found(finding: &Finding) -> String {
    let source = finding.source.map_or_else(|| "no count".to_owned(), |source| source.to_string());
    format!("{} delivered, {source} at the source, {}", finding.delivered, finding.verdict)
}

fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Delivered => "delivered",
        Fate::Dead => "dead letter",
        Fate::Settling(_) | Fate::Next | Fate::Backfill(_) => "waits",
        Fate::Excluded(_) => "excluded",
        Fate::Counted(_) => "late",
        Fate::Forgotten => "unknown",
        Fate::Missing => "missing",
        Fate::Nowhere => "nowhere",
    }
}

/// One sentence: what follows.
fn follows(life: &Life) -> String {
    match life.fate {
        Fate::Delivered if life.at_source => "Delivered.".into(),
        Fate::Delivered => "Delivered; the source does not show it any more.".into(),
        Fate::Dead => {
            let (key, reason) = life.dead.clone().unwrap_or_default();
            let [key, reason] = [key, reason].map(|text| clean(&text));
            format!("Kept as a dead letter: {reason}. Fix the cause, then run: aig-logs dead-letters replay {key}")
        }
        Fate::Settling(at) => {
            format!("Waits: younger than SETTLE_SECONDS. The forward pass reads it after {}.", time::text(at))
        }
        Fate::Next => "Waits: the forward pass has not reached it yet, and reads it next.".into(),
        Fate::Backfill(down_to) => {
            format!("Waits: the backfill has reached {}, and continues.", time::text(down_to))
        }
        Fate::Excluded(stop) => {
            format!("Not copied: it is older than {}, where backfill_stop_at ends the history.", time::text(stop))
        }
        Fate::Counted(at) => {
            format!("Late: the source is counted again after {}. The log is written then.", time::text(at))
        }
        Fate::Forgotten => {
            "Unknown: the log is so old that its id may have expired, or another program may have written it. \
             `aig-logs backfill --from … --to …` copies its time range again; readers see each log once."
                .into()
        }
        Fate::Missing => {
            "Missing, and no later count will find it. `aig-logs verify --repair --from … --to …` looks for the log. \
             `aig-logs backfill --from … --to …` copies its time range again."
                .into()
        }
        Fate::Nowhere => "Not at the source and never written: check the id and the gateway.".into(),
    }
}
