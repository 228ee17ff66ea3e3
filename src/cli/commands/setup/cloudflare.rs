//! What is found and made at Cloudflare: account, gateways, namespaces of KV.

use crate::{
    cli::{
        commands::setup::{
            Failure,
            ask::{Prompt, Prompter},
            steps::{Mark, Steps},
        },
        vars::namespaces,
    },
    config::{AiGateway, Gateways},
    foreign::clean,
    host::{Host, call},
    pass,
    source::account::{self, Account, Namespace, Standing},
};

/// The account that the token can see, or the one of them that is chosen.
pub async fn account<H: Host>(host: &H, source: &AiGateway, asker: Prompter) -> Result<String, Failure> {
    let found = call(host, &account::accounts(source), account::read_accounts).await;
    let mut found = found.map_err(|error| Failure::call("looking for the account", error))?;
    let question = |what| Prompt { what, flag: "--account", setting: "CF_ACCOUNT_ID" };
    match found.len() {
        0 => asker.text(
            question("Cloudflare account id (the token lacks the permission Account Settings Read to find it)"),
            None,
        ),
        1 => Ok(found.remove(0).id),
        _ => {
            let item = |Account { id, name }: &Account| clean(&format!("{name} ({id})"));
            let items: Vec<_> = found.iter().map(item).collect();
            let what = format!("Cloudflare account, one of {}", items.join(", "));
            let chosen = asker.choice(question(&what), &items)?;
            Ok(found.swap_remove(chosen).id)
        }
    }
}

/// Refuses a token that does not work: every step would take it for one without a permission.
pub async fn check_token<H: Host>(host: &H, source: &AiGateway) -> Result<(), Failure> {
    let standing = match call(host, &account::verify_of_user(source), account::read_standing).await {
        Ok(None) => call(host, &account::verify_of_account(source), account::read_standing).await,
        known => known,
    };
    let says = match standing.map_err(|error| Failure::call("looking at the token", error))? {
        Some(Standing::Active) => return Ok(()),
        Some(Standing::Not(status)) => format!("Cloudflare says that it is {}", clean(&status)),
        None => "Cloudflare does not know it".to_owned(),
    };
    let hint = "Make a token in the dashboard (My Profile, API Tokens), and set CF_API_TOKEN";
    Err(Failure::denied("looking at the token", says, hint))
}

/// The ids of the account's gateways.
pub async fn gateways<H: Host>(host: &H, source: &AiGateway) -> Result<Vec<String>, Failure> {
    let all = AiGateway { gateways: Gateways::All, ..source.clone() };
    let found = pass::gateways(host, &all).await.map_err(|error| Failure::call("listing the gateways", error));
    found.map(|(ids, _)| ids)
}

/// Which gateways are copied, as the setting has it: `given`, or what is chosen.
pub fn chosen(found: &[String], given: Option<String>, asker: Prompter) -> Result<String, Failure> {
    if let Some(given) = given {
        return Ok(given);
    }
    let default = if let [only] = found { only } else { "*" };
    let what =
        format!("gateways to copy, of {} (several with commas; * all, later ones too)", clean(&found.join(", ")));
    asker.text(Prompt { what: &what, flag: "--gateways", setting: "AIG_GATEWAY_ID" }, Some(default))
}

/// Refuses gateways that the account does not have.
pub fn check(found: &[String], chosen: &Gateways) -> Result<(), Failure> {
    let Gateways::Named(ids) = chosen else { return Ok(()) };
    let Some(unknown) = ids.iter().find(|id| !found.contains(id)) else { return Ok(()) };
    let hint = format!("It has {}: say --gateways, or set AIG_GATEWAY_ID", clean(&found.join(", ")));
    Err(Failure::denied("looking for the gateways", format!("the account has no gateway {unknown}"), hint))
}

/// The id of the namespace with this title, found or made; none where that is left for a person, who is told.
pub async fn namespace<H: Host>(
    host: &H,
    source: &AiGateway,
    title: &str,
    steps: &Steps,
) -> Result<Option<String>, Failure> {
    let failed = |error| Failure::call(format!("looking for the KV namespace {title}"), error);
    let Some(found) = namespaces::all(host, source).await.map_err(failed)? else { return refused(title, steps) };
    if let Some(Namespace { id, .. }) = found.into_iter().find(|namespace| namespace.title == title) {
        steps.tell(Mark::There, format!("KV namespace {title}: there already"))?;
        return Ok(Some(id));
    }
    let made = call(host, &account::new_namespace(source, title), account::read_new_namespace).await;
    let made = made.map_err(|error| Failure::call(format!("making the KV namespace {title}"), error))?;
    let Some(Namespace { id, .. }) = made else { return refused(title, steps) };
    steps.tell(Mark::Done, format!("KV namespace {title}"))?;
    Ok(Some(id))
}

fn refused(title: &str, steps: &Steps) -> Result<Option<String>, Failure> {
    steps.tell(Mark::Left, format!("KV namespace {title}: the token lacks the permission Workers KV Storage Edit"))?;
    Steps::add(&format!(
        "Give it that and run setup again; or make it by hand, and write its id into wrangler.toml:\nnpx wrangler kv \
         namespace create {title}"
    ))?;
    Ok(None)
}
