//! How close the traffic of a gateway comes to the number of logs that polling can read.

use chrono::{DurationRound, TimeDelta};
use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::HumanCount;

use crate::{
    cli::{
        commands::doctor::check::{Asker, Check, Service},
        show,
    },
    config::{AiGateway, Config},
    error::CallError,
    host::Host,
    plan::{
        cursor::Query,
        peak::{percent, readable},
    },
    source::{Source, ai_gateway},
    time::Timestamp,
};

/// The parts of a day, the parts of its busiest part, and so on down to a minute: length and number.
const PARTS: [(TimeDelta, i32); 4] =
    [(TimeDelta::hours(4), 6), (TimeDelta::hours(1), 4), (TimeDelta::minutes(10), 6), (TimeDelta::minutes(1), 10)];

/// Counts that are asked for together.
const TOGETHER: usize = 4;

/// At this share, in percent, a little more traffic would make the delay last longer than the peak.
const NEARLY: u64 = 80;

/// Looks for the busiest minute of the last day by counting at the source: 26 counts at most.
pub async fn headroom<H: Host>(asker: &Asker<'_, H>, config: &Config, id: &str) -> Check {
    let name = format!("{id}: headroom");
    let readable = readable(config.source.per_page, config.api_share, config.forward_pages);
    let now = asker.host.now();
    let mut from = now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now) - TimeDelta::days(1);
    let mut entries = 0;
    for (length, parts) in PARTS {
        (entries, from) = match busiest(asker, &config.source, id, (from, length, parts)).await {
            Ok(Some(busiest)) => busiest,
            Ok(None) => return Check::skipped(name, "the API does not count logs"),
            Err(error) => return Check::refused(name, &error),
        };
        if percent(entries, readable) <= 1 {
            let most = HumanCount(readable);
            return Check::ok(
                name,
                format!("the busiest minute has at most 1 % of the {most} logs that can be read in a minute"),
            );
        }
    }
    let says = show::headroom(entries, &from.format("%H:%M").to_string(), readable);
    if percent(entries, readable) < NEARLY {
        return Check::ok(name, says);
    }
    let hint = "Nothing is lost, but rows come later than usual at the peak. All gateways, and all other programs with \
                this token, share the limit";
    let fix = match config.forward_pages {
        Some(_) => "FORWARD_MAX_PAGES=auto",
        None if config.source.per_page < 50 => "LOGS_PER_PAGE=50",
        None => "API_SHARE=1, or a second account for some of the traffic",
    };
    Check::warning(name, says, hint).mended_by(fix)
}

/// How many entries the part with the most of them has, and where it begins; none: the source does not count.
async fn busiest<H: Host>(
    asker: &Asker<'_, H>,
    source: &AiGateway,
    id: &str,
    (from, length, parts): (Timestamp, TimeDelta, i32),
) -> Result<Option<(u64, Timestamp)>, CallError> {
    let count = async |from: Timestamp| {
        let request = source.page(id, &Query::first(from, from + length));
        let count = asker.ask(Service::Cloudflare, request, ai_gateway::read_count).await;
        count.map(|count| Some((count?, from)))
    };
    let counts = stream::iter((0..parts).map(|part| from + length * part)).map(count).buffered(TOGETHER);
    let counts: Option<Vec<_>> = counts.try_collect::<Vec<_>>().await?.into_iter().collect();
    Ok(counts.and_then(|counts| counts.into_iter().max()))
}
