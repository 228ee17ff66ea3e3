//! Token, account and KV.

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
    source::account::{self, NEW_STYLE, Standing},
};

/// What Cloudflare says. Without a good token it says nothing more.
pub async fn checks<H: Host>(asker: &Asker<'_, H>, config: &Config, kv: Option<&Kv>) -> Vec<Check> {
    let source = &config.source;
    let token = token(asker, source).await;
    let good = token.verdict == Grade::Ok;
    let mut checks = vec![token];
    if !good {
        let names = ["account", "gateways"].into_iter().chain(kv.map(|_| "KV"));
        checks.extend(names.map(|name| Check::skipped(name, "the token must be good first")));
        return checks;
    }
    let namespaces = async {
        match kv {
            Some(kv) => Some(namespaces(asker, source, kv).await),
            None => None,
        }
    };
    let (account, gateways, namespaces) =
        future::join3(account(asker, source), gateway::checks(asker, config), namespaces).await;
    checks.push(account);
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

async fn account<H: Host>(asker: &Asker<'_, H>, source: &AiGateway) -> Check {
    let created = asker.ask(Service::Cloudflare, account::account(source), account::read_created).await;
    match created {
        Ok(Some(Some(created))) if created >= NEW_STYLE => Check::warning(
            "account",
            format!(
                "made on {}: since 2026-09-24 new accounts keep logs in Workers Observability",
                created.format("%F")
            ),
            "This API may not show them, and then nothing is copied: compare with the logs in the dashboard",
        ),
        Ok(Some(Some(created))) => {
            Check::ok("account", format!("made on {}: its logs are in this API", created.format("%F")))
        }
        Ok(Some(None)) => Check::skipped("account", "Cloudflare does not say when it was made"),
        Ok(None) => Check::skipped(
            "account",
            "only a token with Account Settings Read sees the account's age; the poller does not need that permission",
        ),
        Err(error) => Check::refused("account", &error).mended_by("CF_ACCOUNT_ID"),
    }
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
