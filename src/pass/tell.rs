//! Tells the webhook what somebody must know, at the end of a forward pass: after every row is written and every cursor is
//! saved, so a webhook that is slow or fails delays no log. What it has taken is saved; what it has not taken is news again
//! in the next pass. If the saving fails, or the process ends before it, the webhook is told once more.

use std::time::Duration;

use super::{Context, Platform, Report, cursors::Cursors};
use crate::{
    alert::{Condition, Standing, conditions, digest, kind, message, news, room},
    config::Alerts,
    error::{CallError, Error},
    foreign,
    host::{self, Clock, Host},
    source::ai_gateway,
    state::{ALERTS, Backfill, OLDEST, Position, STATUS, Status, Told},
    wire::Request,
};

/// A webhook is told only if the pass has so much time left.
const LEAST: Duration = Duration::from_secs(5);

impl<P: Platform> Context<'_, P> {
    /// Tells the webhook, if there is one. `cursors` are those of forward; none: the pass did not come so far.
    pub(super) async fn tell(&self, report: &Report, cursors: Option<&Cursors<Position>>) {
        let Some(alerts) = &self.config.alerts else { return };
        if let Err(problem) = self.tell_all(alerts, report, cursors).await {
            log::warn!("ALERT_WEBHOOK was not told, and a later pass tries again: {problem}");
        }
    }

    async fn tell_all(
        &self,
        alerts: &Alerts,
        report: &Report,
        cursors: Option<&Cursors<Position>>,
    ) -> Result<(), String> {
        let chain = |error: Error| error.chain();
        let [told, oldest, status] = self.load([ALERTS, OLDEST, STATUS]).await.map_err(chain)?;
        let told = told.map_or_else(|| Ok(Told::default()), |text| Told::from_json(&text)).map_err(chain)?;
        let status = status.map_or_else(|| Ok(Status::default()), |text| Status::from_json(&text)).map_err(chain)?;
        let now = self.host.now();
        // Without a confirmed clock nobody knows which day it is.
        let cursors = cursors.filter(|_| matches!(self.host.meter.clock(), Clock::Confirmed(_)));
        let ids: Vec<_> = cursors.into_iter().flat_map(Cursors::iter).map(|(id, _)| id.clone()).collect();
        let history = Cursors::<Backfill>::of_backfill(oldest, &ids).map_err(chain)?;
        let positions = cursors.map(|cursors| cursors.iter().map(|(id, position)| (id.as_str(), position)).collect());
        let standing = Standing {
            now,
            told: &told,
            status: &status,
            lag: report.lag(),
            rejected: report.gateways.iter().map(|gateway| (gateway.gateway.as_str(), gateway.rejected)).collect(),
            positions,
            history: history.iter().map(|(_, backfill)| &backfill.spend).collect(),
        };
        let (mut found, mut looked) = conditions(alerts, &standing);
        // Counts are due each hour, whatever the schedule.
        if !ids.is_empty() && report.gateways.iter().any(|gateway| gateway.counts > 0) {
            looked.push(kind::ROOM);
            found.extend(self.rooms(&ids, &told).await);
        }
        let (news, mut after) = news(&told, found, &looked, now);
        let digest = digest_due(alerts, &standing, &mut after);
        if !news.is_empty() || digest.is_some() {
            let message = message(&alerts.webhook, &news, digest.as_deref());
            self.send(message).await.map_err(|error| error.to_string())?;
        }
        if after != told {
            let value = after.to_json().map_err(|error| error.to_string())?;
            self.save(ALERTS, &value).await.map_err(chain)?;
        }
        Ok(())
    }

    /// One try: a later pass is the next one.
    async fn send(&self, request: Request) -> Result<(), CallError> {
        if !host::has_time_for(&self.host, LEAST) {
            return Err(CallError::Refused("this pass has no time left".into()));
        }
        let status = self.host.send(request).await?.status();
        // What it answers is not quoted: it may echo the address, which is a password.
        let refused = || CallError::Broken(format!("it answers {status}"));
        if status.is_success() { Ok(()) } else { Err(refused()) }
    }

    /// The gateways that are nearly full. One that does not answer stays as it was told.
    async fn rooms(&self, gateways: &[String], told: &Told) -> Vec<Condition> {
        let mut found = Vec::new();
        for gateway in gateways {
            match self.room(gateway).await {
                Ok(condition) => found.extend(condition),
                Err(_) => found.extend(told.get(&format!("{}:{gateway}", kind::ROOM)).map(|on| Condition {
                    id: on.id.clone(),
                    level: on.level,
                    text: on.text.clone(),
                })),
            }
        }
        found
    }

    async fn room(&self, gateway: &str) -> Result<Option<Condition>, CallError> {
        let source = &self.config.source;
        let settings = ai_gateway::read_settings(&self.host.send(ai_gateway::settings(source, gateway)).await?)?;
        let Some((settings, most)) = settings.and_then(|settings| Some((settings.clone(), settings.room?))) else {
            return Ok(None);
        };
        let logs = ai_gateway::read_count(&self.host.send(ai_gateway::count_all(source, gateway)).await?)?;
        let forgets = settings.when_full.as_deref() == Some("DELETE_OLDEST");
        Ok(logs.and_then(|logs| room(gateway, logs, most, forgets)))
    }
}

/// The digest, if one is due that was not told. The first one is due a week after alerts began.
fn digest_due(alerts: &Alerts, standing: &Standing<'_>, after: &mut Told) -> Option<String> {
    let (digest, positions) = (alerts.digest.as_ref()?, standing.positions.as_ref()?);
    let Some(due) = digest::due(digest, standing.now, |at| host::offset(&digest.zone, at)) else {
        log::warn!("DIGEST names the time zone {:?}, which is not known", foreign::line(&digest.zone));
        return None;
    };
    let before = after.digest;
    if before.is_none_or(|before| before < due) {
        after.digest = Some(due);
    }
    before.filter(|before| *before < due)?;
    let mut sums: Vec<_> = positions.iter().map(|(_, position)| &position.spend).collect();
    sums.extend(&standing.history);
    Some(digest::text(digest, due, positions, &sums))
}
