//! `aig-logs setup`: makes everything that a Worker needs, from a token and a project. Each step looks for the thing,
//! makes it if it is missing, and prints one line. A step that the program may not do is left for a person, and the
//! next step follows.
//!
//! All names are known before anything is made. `scripts/gcp-setup.sh` is the one list of commands for the service
//! account: `cli/commands/setup/` holds its text, runs it, or lets it print the commands. Files are replaced as a
//! whole, and only if something is new.

mod ask;
mod cloudflare;
mod database;
mod files;
mod google;
mod in_d1;
mod queue;
mod steps;
mod worker;

use tokio::sync::watch;

use crate::{
    cli::{
        args::{Doctor, Options, Setup},
        commands::{
            doctor,
            setup::{
                ask::{Prompt, Prompter},
                files::Change,
                steps::{Mark, Steps},
                worker::Worker,
            },
        },
        failure::{self, Exit, Failure},
        show,
        vars::{setting_files::NAMESPACES, settings::Vars},
    },
    config::{AiGateway, SETTINGS, WarehouseSettings},
    host::{Host, native::NativeHost},
    secret::Secret,
};

const TOKEN: &str = "CF_API_TOKEN";

/// The two settings that may hold the key of the service account: the key file, and the key alone.
const KEY_FILE: &str = "GCP_SA_KEY_JSON";
const PEM: &str = "GCP_SA_PRIVATE_KEY_PEM";

/// Sets up all that is missing.
pub async fn setup(arguments: &Setup, options: &Options, stop: watch::Receiver<bool>) -> Result<Exit, Failure> {
    let asker = Prompter::new(arguments.yes)?;
    // What cannot be read is never changed.
    let (worker, vars) = (Worker::read()?, Vars::read(options)?);
    let host = NativeHost::new(stop.clone(), |_| {}).map_err(|error| Failure::host(&error))?;
    let steps = Steps::default();
    let task = Task { arguments, asker, vars: &vars, steps: &steps };

    if arguments.events || arguments.no_google {
        return in_d1::set_up(task, worker, &host, options, stop).await;
    }
    let (source, gateways) = task.source(&host).await?;
    // Nothing is made before all names are known.
    let warehouse = task.warehouse()?;
    let ids = task.namespaces(&host, &source, worker.name()).await?;
    let has_table = google::table(&host, &warehouse, task).await?;
    let mut values = vec![
        ("CF_ACCOUNT_ID", source.account.clone()),
        ("AIG_GATEWAY_ID", gateways),
        ("GCP_BQ_PROJECT", warehouse.table.project.clone()),
        ("GCP_BQ_DATASET", warehouse.table.dataset.clone()),
        ("GCP_BQ_TABLE", warehouse.table.table.clone()),
    ];
    // The Worker needs it beside the key; a whole key file has it inside.
    let email = vars.get("GCP_SA_EMAIL").filter(|_| task.key() == PEM);
    values.extend(email.map(|email| ("GCP_SA_EMAIL", email)));
    let changes = [worker.with(&ids, &values)?, files::with_secrets(&task.secrets(&source.token))?];
    if task.write(&changes)? {
        task.service_account(&warehouse, has_table)?;
    }
    show::print("")?;
    let exit = doctor::doctor(&Doctor::default(), options, stop).await?;
    finish(&task, exit)
}

/// What all steps need.
#[derive(Clone, Copy)]
struct Task<'a> {
    arguments: &'a Setup,
    asker: Prompter,
    vars: &'a Vars,
    steps: &'a Steps,
}

impl Task<'_> {
    /// Token and account, with all gateways.
    async fn account<H: Host>(self, host: &H) -> Result<AiGateway, Failure> {
        let Self { arguments, asker, vars, .. } = self;
        let token = if let Some(token) = vars.get(TOKEN) {
            Secret::new(token)
        } else {
            vars.trust_with(TOKEN)?;
            asker.secret(Prompt { what: "Cloudflare API token", flag: "", setting: TOKEN })?
        };
        let account = match arguments.account.clone().or_else(|| vars.get("CF_ACCOUNT_ID")) {
            Some(account) => account,
            // Which account it is plays no part in the search for it.
            None => cloudflare::account(host, &self.read(&token, "0", "*")?, asker).await?,
        };
        self.read(&token, &account, "*")
    }

    fn read(self, token: &Secret, account: &str, gateways: &str) -> Result<AiGateway, Failure> {
        let source = AiGateway::from_vars(|name| match name {
            TOKEN => Some(token.reveal().to_owned()),
            "CF_ACCOUNT_ID" => Some(account.to_owned()),
            "AIG_GATEWAY_ID" => Some(gateways.to_owned()),
            _ => self.vars.get(name),
        });
        Ok(source?)
    }

    /// Token, account and gateways; the last also as the setting has them.
    async fn source<H: Host>(self, host: &H) -> Result<(AiGateway, String), Failure> {
        let Self { arguments, asker, vars, steps } = self;
        let all = self.account(host).await?;
        let found = cloudflare::gateways(host, &all).await?;
        let given = arguments.gateways.clone().or_else(|| vars.get("AIG_GATEWAY_ID"));
        let gateways = cloudflare::chosen(&found, given, asker)?;
        let source = self.read(&all.token, &all.account, &gateways)?;
        cloudflare::check(&found, &source.gateways)?;
        steps.tell(Mark::There, format!("account {}, gateways {gateways}: the token can read them", all.account))?;
        Ok((source, gateways))
    }

    /// The ids of the Worker's namespaces, by binding, as far as they are known.
    async fn namespaces<H: Host>(
        self,
        host: &H,
        source: &AiGateway,
        worker: &str,
    ) -> Result<Vec<(&'static str, String)>, Failure> {
        let mut ids = Vec::new();
        for (binding, setting) in NAMESPACES {
            let id = if let Some(id) = self.vars.get(setting) {
                self.steps.tell(Mark::There, format!("KV namespace {binding}: its id is set already"))?;
                Some(id)
            } else {
                cloudflare::namespace(host, source, &format!("{worker}-{binding}"), self.steps).await?
            };
            ids.extend(id.map(|id| (binding, id)));
        }
        Ok(ids)
    }

    /// The table, and the service that has it.
    fn warehouse(self) -> Result<WarehouseSettings, Failure> {
        let name = google::table_name(self)?;
        Ok(WarehouseSettings::from_vars(|setting| match setting {
            "GCP_BQ_PROJECT" => Some(name.project.clone()),
            "GCP_BQ_DATASET" => Some(name.dataset.clone()),
            "GCP_BQ_TABLE" => Some(name.table.clone()),
            _ => self.vars.get(setting),
        })?)
    }

    /// The setting that holds the key of the service account, or will hold it.
    fn key(self) -> &'static str {
        if self.vars.get(KEY_FILE).is_none() && self.vars.get(PEM).is_some() { PEM } else { KEY_FILE }
    }

    /// The secrets that are known, and not in a file yet.
    fn secrets(self, token: &Secret) -> Vec<(&'static str, Secret)> {
        let known = |name| if name == TOKEN { Some(token.clone()) } else { self.vars.get(name).map(Secret::new) };
        let secrets = SETTINGS.iter().filter(|setting| setting.secret).map(|setting| setting.name);
        let missing = secrets.filter(|name| !self.vars.is_in_file(name));
        missing.filter_map(|name| Some((name, known(name)?))).collect()
    }

    /// Shows the changes, and makes them unless the user objects. Returns whether they were made.
    fn write(self, changes: &[Change]) -> Result<bool, Failure> {
        let changes: Vec<_> = changes.iter().filter(|change| !change.lines.is_empty()).collect();
        if changes.is_empty() {
            self.steps.tell(Mark::There, "wrangler.toml and .dev.vars: nothing to change")?;
            return Ok(true);
        }
        for change in &changes {
            show::print(&format!(
                "To be written into {}:\n{}",
                change.path,
                failure::indented(&change.lines.join("\n"))
            ))?;
        }
        if !self.asker.agrees("Write that?")? {
            self.steps.tell(Mark::Left, "wrangler.toml and .dev.vars: left as they are")?;
            return Ok(false);
        }
        for change in changes {
            change.write()?;
            self.steps.tell(Mark::Done, change.path)?;
        }
        Ok(true)
    }

    /// Makes the service account that writes to the table, if none is set.
    fn service_account(self, warehouse: &WarehouseSettings, has_table: bool) -> Result<(), Failure> {
        let Self { arguments, asker, vars, steps } = self;
        if vars.get(KEY_FILE).or_else(|| vars.get("GCP_SA_EMAIL")).is_some() {
            return steps.tell(Mark::There, "service account: one is set already");
        }
        if warehouse.emulated && !arguments.service_account {
            return steps.tell(Mark::There, "service account: BIGQUERY_EMULATOR_HOST needs none");
        }
        if !has_table {
            steps.tell(Mark::Left, "service account: the table comes first")?;
            return google::tell_commands(arguments, &warehouse.table, false);
        }
        if !asker.agrees("Make the service account aig-logs, and write its key into .dev.vars?")? {
            steps.tell(Mark::Left, "service account")?;
            return google::tell_commands(arguments, &warehouse.table, true);
        }
        let Some(key) = google::service_account(self, &warehouse.table)? else { return Ok(()) };
        files::with_secrets(&[(KEY_FILE, key)])?.write()?;
        steps.tell(Mark::Done, ".dev.vars: GCP_SA_KEY_JSON (secret, not shown)")
    }
}

/// What comes next.
fn finish(task: &Task<'_>, found: Exit) -> Result<Exit, Failure> {
    let (words, exit) = if task.steps.any_left() || found != Exit::Done {
        ("After the steps that are left for you", Exit::Person)
    } else {
        ("Next", Exit::Done)
    };
    show::print(&format!(
        "\n{words}, give the Worker its secrets from .dev.vars, and deploy it:\n  npx wrangler secret put {TOKEN}\n  \
         npx wrangler secret put {}\n  npm run deploy",
        task.key()
    ))?;
    Ok(exit)
}
