//! Gateways: whether they keep logs, and whether their logs can be read and counted.

use futures_util::{StreamExt, future, stream};
use indicatif::HumanCount;

use crate::{
    cli::commands::doctor::{
        check::{Asker, Check, Service},
        headroom::headroom,
    },
    config::{AiGateway, Config},
    host::Host,
    pass,
    plan::cursor::{Direction, Query},
    source::{
        Page, Source,
        ai_gateway::{self, GatewaySettings},
    },
    time::{MILLISECOND, floor_ms},
};

/// Gateways that are looked at together.
const TOGETHER: usize = 4;

/// The share of its room, in percent, from which a gateway is nearly full.
const NEARLY: u64 = 90;

/// What each gateway says.
pub async fn checks<H: Host>(asker: &Asker<'_, H>, config: &Config) -> Vec<Check> {
    let (ids, strange) = match pass::gateways(asker.host, &config.source).await {
        Ok(found) => found,
        Err(error) => return vec![Check::refused("gateways", &error).mended_by("CF_API_TOKEN")],
    };
    if ids.is_empty() {
        let hint = "Make one, or name another account: nothing can be copied until there is one";
        return vec![Check::warning("gateways", "the account has none", hint).mended_by("CF_ACCOUNT_ID")];
    }
    let each = stream::iter(&ids).map(|id| one(asker, config, id)).buffered(TOGETHER);
    let mut checks = each.collect::<Vec<_>>().await.concat();
    checks.extend(strange.map(|error| Check::refused("gateways", &error).mended_by("AIG_GATEWAY_ID")));
    checks
}

async fn one<H: Host>(asker: &Asker<'_, H>, config: &Config, id: &str) -> Vec<Check> {
    let name = format!("gateway {id}");
    let settings =
        asker.ask(Service::Cloudflare, ai_gateway::settings(&config.source, id), ai_gateway::read_settings).await;
    let gone = match settings {
        Ok(Some(settings)) => return there(asker, config, id, &settings).await,
        Ok(None) => {
            let hint = "Compare it with the dashboard: a gateway's id is its name in lower case";
            Check::failed(name, "the account has no such gateway", hint).mended_by("AIG_GATEWAY_ID")
        }
        Err(error) => Check::refused(name, &error).mended_by("CF_API_TOKEN"),
    };
    vec![gone, Check::skipped(format!("{id}: logs"), "the gateway must answer first")]
}

async fn there<H: Host>(asker: &Asker<'_, H>, config: &Config, id: &str, settings: &GatewaySettings) -> Vec<Check> {
    let source = &config.source;
    let room = room(asker, source, id, settings);
    let (room, logs, headroom) = future::join3(room, logs(asker, source, id), headroom(asker, config, id)).await;
    let mut checks = vec![Check::ok(format!("gateway {id}"), "is there"), collecting(id, settings), room];
    checks.extend(logs);
    checks.push(headroom);
    checks
}

fn collecting(id: &str, settings: &GatewaySettings) -> Check {
    let name = format!("{id}: collecting");
    match settings.collect_logs {
        Some(true) => Check::ok(name, "it collects logs"),
        Some(false) => {
            let hint = "Calls through it leave no log, so nothing is copied: switch it on in the dashboard";
            let fix = format!("AI Gateway, {id}, Settings, Collect Logs");
            Check::failed(name, "it collects no logs", hint).mended_by(fix)
        }
        None => Check::skipped(name, "Cloudflare does not say whether it collects logs"),
    }
}

/// A full gateway gives no error: it is silent, or forgets.
async fn room<H: Host>(asker: &Asker<'_, H>, source: &AiGateway, id: &str, settings: &GatewaySettings) -> Check {
    let name = format!("{id}: room");
    let count = match asker.ask(Service::Cloudflare, ai_gateway::count_all(source, id), ai_gateway::read_count).await {
        Ok(count) => count,
        Err(error) => return Check::refused(name, &error),
    };
    let (Some(count), Some(room)) = (count, settings.room) else {
        return Check::skipped(name, "Cloudflare does not say how many logs there are, and how many there may be");
    };
    let says = format!("{} of {} logs", HumanCount(count), HumanCount(room));
    let fix = format!("AI Gateway, {id}, Settings, log storage limit");
    let stops = settings.when_full.as_deref() != Some("DELETE_OLDEST");
    if count.saturating_mul(100) < room.saturating_mul(NEARLY) {
        Check::ok(name, says)
    } else if stops {
        let is_full = count >= room;
        let gateway = if is_full { "The gateway" } else { "A full gateway" };
        let hint = format!(
            "{gateway} keeps no new logs (STOP_INSERTING), and gives no error: raise the limit, delete old logs, or \
             choose DELETE_OLDEST"
        );
        let check = if is_full { Check::failed(name, says, hint) } else { Check::warning(name, says, hint) };
        check.mended_by(fix)
    } else {
        let hint = "A full gateway deletes its oldest logs (DELETE_OLDEST). Logs that the backfill has not copied by \
                    then are lost";
        Check::warning(name, says, hint).mended_by("aig-logs backfill")
    }
}

async fn logs<H: Host>(asker: &Asker<'_, H>, source: &AiGateway, id: &str) -> Vec<Check> {
    let name = format!("{id}: logs");
    let (until, direction, per_page) = (asker.host.now(), Direction::Descending, source.per_page);
    let all = Query { from: None, until, direction, page: 1, per_page, longer_than: None };
    let newest = match page(asker, source, id, all).await {
        Ok(page) => page,
        Err(error) => return vec![error],
    };
    let [Some(last), Some(first)] =
        [newest.entries.first(), newest.entries.last()].map(|entry| Some(entry?.created_at))
    else {
        return vec![Check::ok(name, "readable; the gateway has no log yet, so filter and count were not checked")];
    };
    // All between the first and the last of the page, both left out, in the other order: it fits on one page, whatever
    // arrives meanwhile.
    let from = floor_ms(first) + MILLISECOND;
    let inner = Query { from: Some(from), until: floor_ms(last).max(from), direction: Direction::Ascending, ..all };
    let between = match page(asker, source, id, inner).await {
        Ok(page) => page,
        Err(error) => return vec![error],
    };
    vec![readable(name, source, &newest), honest(id, &newest, &between)]
}

/// One page; reading it also compares it with filter and order.
async fn page<H: Host>(asker: &Asker<'_, H>, source: &AiGateway, id: &str, query: Query) -> Result<Page, Check> {
    let request = source.page(id, &query);
    let page = asker.ask(Service::Cloudflare, request, |response| source.read_page(response, &query)).await;
    page.map_err(|error| Check::refused(format!("{id}: logs"), &error))
}

fn readable(name: String, source: &AiGateway, newest: &Page) -> Check {
    let (shown, asked) = (newest.entries.len() as u64, u64::from(source.per_page));
    match newest.total {
        Some(total) if shown < asked && shown < total => {
            let says = format!("a page has {shown} logs, where {asked} were asked for");
            let hint = "Nothing is lost, but a pass takes more calls: has Cloudflare lowered its limit?";
            Check::warning(name, says, hint).mended_by(format!("LOGS_PER_PAGE={shown}"))
        }
        Some(_) | None => Check::ok(name, format!("readable, {asked} a page, and the filter is obeyed")),
    }
}

fn honest(id: &str, newest: &Page, between: &Page) -> Check {
    let name = format!("{id}: counts");
    let hint = "Nothing is lost, but hours are compared log by log, and called unprovable: please report it";
    match between.total {
        None => Check::warning(name, "the API does not count logs", hint),
        Some(total) if total == between.entries.len() as u64 || between.entries.len() >= newest.entries.len() => {
            Check::ok(name, "the API counts honestly")
        }
        Some(total) => {
            let shown = between.entries.len();
            Check::warning(name, format!("the API counts {total} logs where it shows {shown}"), hint)
        }
    }
}
