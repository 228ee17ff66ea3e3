//! Token, log system and KV.

use futures_util::future;

use crate::{
    cli::{
        commands::doctor::{
            check::{Asker, Check, Grade, Service},
            gateway,
        },
        vars::namespaces,
    },
    config::{AiGateway, Config, Kv},
    foreign::clean,
    host::Host,
    source::{
        Source,
        account::{self, Standing},
        ai_gateway::{IN_OBSERVABILITY_FROM, read_births},
    },
    time::Timestamp,
};

/// The check of where Cloudflare keeps the account's logs.
pub const LOG_SYSTEM: &str = "log system";

/// Pages of 50 gateways that are looked through at most.
const PAGES: u32 = 200;

/// What Cloudflare says. Without a good token it says nothing more.
pub async fn checks<H: Host>(asker: &Asker<'_, H>, config: &Config, kv: Option<&Kv>) -> Vec<Check> {
    let source = &config.source;
    let token = token(asker, source).await;
    let good = token.verdict == Grade::Ok;
    let mut checks = vec![token];
    if !good {
        let names = [LOG_SYSTEM, "gateways"].into_iter().chain(kv.map(|_| "KV"));
        checks.extend(names.map(|name| Check::skipped(name, "the token must be good first")));
        return checks;
    }
    let namespaces = async {
        match kv {
            Some(kv) => Some(namespaces(asker, source, kv).await),
            None => None,
        }
    };
    let (log_system, gateways, namespaces) =
        future::join3(log_system(asker, source), gateway::checks(asker, config), namespaces).await;
    checks.push(log_system);
    checks.extend(gateways);
    checks.extend(namespaces);
    checks
}

/// A token is a user's, or the account's own, and is known at one address only.
async fn token<H: Host>(asker: &Asker<'_, H>, source: &AiGateway) -> Check {
    let ask = |request| asker.ask(Service::Cloudflare, request, account::read_standing);
    let standing = match ask(account::verify_of_user(source)).await {
        Ok(None) => ask(account::verify_of_account(source)).await,
        known => known,
    };
    let hint = "Make a token with the permission AI Gateway Read (dashboard: My Profile, API Tokens), and set it";
    let check = match standing {
        Ok(Some(Standing::Active)) => return Check::ok("token", "valid and active"),
        Ok(Some(Standing::Not(status))) => {
            Check::failed("token", format!("Cloudflare says that it is {}", clean(&status)), hint)
        }
        Ok(None) => Check::failed("token", "Cloudflare does not know it", hint),
        Err(error) => Check::refused("token", &error),
    };
    check.mended_by("CF_API_TOKEN")
}

/// The first gateway of an account decides where its logs are. A deleted gateway is not in the list.
async fn log_system<H: Host>(asker: &Asker<'_, H>, source: &AiGateway) -> Check {
    let mut births = Vec::new();
    for page in 1..=PAGES {
        let (found, total) = match asker.ask(Service::Cloudflare, source.streams(page), read_births).await {
            Ok(found) => found,
            Err(error) => return Check::skipped(LOG_SYSTEM, format!("the gateways cannot be listed: {error}")),
        };
        births.extend(&found);
        let is_last = found.is_empty() || total.is_some_and(|total| births.len() as u64 >= total);
        if is_last || found.into_iter().flatten().any(|birth| birth < IN_OBSERVABILITY_FROM) {
            break;
        }
    }
    judge(&births)
}

fn judge(births: &[Option<Timestamp>]) -> Check {
    if births.is_empty() {
        let says = "the account has no gateway, and the first one decides it";
        let hint = "If the account never had a gateway before 2026-09-24, Cloudflare keeps its logs in Workers \
                    Observability, where this program does not read them: see docs/alternatives.md";
        return Check::warning(LOG_SYSTEM, says, hint);
    }
    let Some(first) = births.iter().flatten().min() else {
        return Check::skipped(LOG_SYSTEM, "Cloudflare does not say when its gateways were made");
    };
    let day = first.format("%F");
    if *first < IN_OBSERVABILITY_FROM {
        return Check::ok(LOG_SYSTEM, format!("a gateway of {day}: the account's logs are in this API"));
    }
    let says = format!("the oldest gateway is of {day}: the logs are probably in Workers Observability");
    let hint = "Unless an older gateway was deleted, accounts whose first gateway is of 2026-09-24 or later keep their \
                logs there. Look whether the logs of the dashboard arrive here; if not, see docs/alternatives.md";
    Check::warning(LOG_SYSTEM, says, hint)
}

async fn namespaces<H: Host>(asker: &Asker<'_, H>, source: &AiGateway, kv: &Kv) -> Check {
    let found = match namespaces::all(asker.host, source).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            let says = "the token may not read it: status, verify and explain with --state kv do not work here";
            let hint = "Give it the permission Workers KV Storage Read. The Worker itself does without, and should";
            return Check::warning("KV", says, hint).mended_by("CF_API_TOKEN");
        }
        Err(error) => return Check::refused("KV", &error),
    };
    let wanted = [("STATE_KV", &kv.state, "CF_KV_STATE_ID"), ("IDS_KV", &kv.ids, "CF_KV_IDS_ID")];
    let missing = wanted.iter().find(|(_, id, _)| !found.iter().any(|namespace| namespace.id == **id));
    if let Some((binding, id, setting)) = missing {
        let says = format!("{binding}: the account has no namespace {id}");
        let hint = format!("Put the id that `npx wrangler kv namespace list` shows into wrangler.toml, or {setting}");
        return Check::failed("KV", says, hint).mended_by(format!("npx wrangler kv namespace create {binding}"));
    }
    if kv.state == kv.ids {
        let says = "STATE_KV and IDS_KV are the same namespace";
        return Check::warning("KV", says, "Give each its own: listings stay short, and one can be emptied alone");
    }
    Check::ok("KV", "both namespaces are there")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time;

    #[test]
    fn the_first_gateway_decides_where_logs_are() {
        let check = |births: &[&str], verdict, part: &str| {
            let births: Vec<_> = births.iter().map(|birth| time::parse(birth)).collect();
            let check = judge(&births);
            assert_eq!(check.verdict, verdict, "{births:?}");
            assert!(check.says.contains(part), "{} lacks {part}", check.says);
        };
        check(&["2026-10-01", "2026-09-23T23:59:59Z"], Grade::Ok, "2026-09-23");
        check(&["2026-10-01", "2026-09-24"], Grade::Warning, "of 2026-09-24: the logs are probably in");
        check(&["2026-10-01", "?"], Grade::Warning, "2026-10-01");
        check(&["?"], Grade::Skipped, "does not say");
        check(&[], Grade::Warning, "no gateway");
    }
}
