//! `setup --events` and `setup --no-google`: the Workers that need nothing but Cloudflare, over one database of D1.

use std::fmt::Write as _;

use rand::{RngCore, rngs::OsRng};
use tokio::sync::watch;

use super::{
    Task,
    cloudflare::{check_token, namespace},
    database::{database, tables},
    files,
    queue::queue,
    steps::{Mark, Steps},
    worker::Worker,
};
use crate::{
    cli::{
        args::{Doctor, Options, Setup},
        commands::doctor::doctor,
        failure::{Exit, Failure},
        show,
        vars::setting_files::DATABASE,
    },
    config::{AiGateway, Destination},
    host::Host,
    secret::Secret,
};

/// The name of the database and of the queue in front of it.
const NAME: &str = "aig-events";

/// The name of the queue of what that one could not bring into the database.
const DEAD: &str = "aig-events-dead";

/// The environment of the Worker that takes events.
const EVENTS: &str = "events";

const STATE: &str = "STATE_KV";
const ADMIN_KEY: &str = "EVENTS_ADMIN_KEY";

/// Random bytes of a new key.
const KEY_BYTES: usize = 32;

/// Sets up what is missing, and writes it down.
pub async fn set_up<H: Host>(
    task: Task<'_>,
    mut worker: Worker,
    host: &H,
    options: &Options,
    stop: watch::Receiver<bool>,
) -> Result<Exit, Failure> {
    let Setup { events, queue: with_queue, no_google: polls, env, .. } = task.arguments;
    let stage = env.as_deref();
    let (source, gateways) = if *polls {
        let (source, gateways) = task.source(host).await?;
        (source, Some(gateways))
    } else {
        let source = task.account(host).await?;
        check_token(host, &source).await?;
        task.steps.tell(Mark::There, format!("account {}", source.account))?;
        (source, None)
    };
    let name = staged(NAME, stage);
    let id = task.database(host, &source, &name, stage).await?;
    let ids = match stage {
        None => task.namespaces(host, &source, worker.name()).await?,
        Some(stage) => {
            let title = format!("{}-{stage}-{STATE}", worker.name());
            namespace(host, &source, &title, task.steps).await?.map(|id| (STATE, id)).into_iter().collect()
        }
    };
    if *events {
        bind_events(&mut worker, stage, (&name, id.as_deref()), &ids)?;
    }
    if *with_queue {
        task.put_queue(host, &source, &mut worker, stage).await?;
    }
    let mut values = vec![("CF_ACCOUNT_ID", source.account.clone())];
    if let Some(gateways) = gateways {
        values.extend([("AIG_GATEWAY_ID", gateways), ("SINKS", "d1".to_owned())]);
        bind_database(&mut worker, None, &name, id.as_deref())?;
    }
    let own = if stage.is_some() { &[][..] } else { &ids };
    let changes = [worker.with(own, &values)?, files::with_secrets(&task.secrets_of_d1(&source.token))?];
    task.write(&changes)?;
    let exit = if stage.is_none() { check(task.arguments, options, stop).await? } else { Exit::Done };
    finish(task.arguments, task.steps, exit)
}

/// The Worker that takes events gets its database, and the namespace of what its queue could not bring there.
fn bind_events(
    worker: &mut Worker,
    stage: Option<&str>,
    (name, id): (&str, Option<&str>),
    ids: &[(&str, String)],
) -> Result<(), Failure> {
    if let Some(stage) = stage {
        worker.stage(EVENTS, stage)?;
    }
    let env = staged(EVENTS, stage);
    bind_database(worker, Some(&env), name, id)?;
    match ids.iter().find(|(binding, _)| *binding == STATE) {
        Some((binding, id)) => worker.bind(Some(&env), "kv_namespaces", binding, &[("id", id)]),
        None => Ok(()),
    }
}

fn bind_database(worker: &mut Worker, env: Option<&str>, name: &str, id: Option<&str>) -> Result<(), Failure> {
    let Some(id) = id else { return Ok(()) };
    worker.bind(env, "d1_databases", DATABASE.0, &[("database_name", name), ("database_id", id)])
}

/// A name in an environment such as staging.
fn staged(name: &str, stage: Option<&str>) -> String {
    stage.map_or_else(|| name.to_owned(), |stage| format!("{name}-{stage}"))
}

impl Task<'_> {
    /// The id of the database, with its tables in place; none where that is left for a person.
    async fn database<H: Host>(
        self,
        host: &H,
        source: &AiGateway,
        name: &str,
        stage: Option<&str>,
    ) -> Result<Option<String>, Failure> {
        let id = match self.vars.get(DATABASE.1).filter(|_| stage.is_none()) {
            Some(id) => {
                self.steps.tell(Mark::There, format!("D1 database {name}: its id is set already"))?;
                Some(id)
            }
            None => database(host, source, name, self.steps).await?,
        };
        if let Some(id) = &id {
            tables(host, source, id, self.vars, self.steps).await?;
        }
        Ok(id)
    }

    /// Puts a queue in front of the database, unless one is bound. Queues have no ids, so one that is left for a person is
    /// bound as well.
    async fn put_queue<H: Host>(
        self,
        host: &H,
        source: &AiGateway,
        worker: &mut Worker,
        stage: Option<&str>,
    ) -> Result<(), Failure> {
        let env = staged(EVENTS, stage);
        if let Some(bound) = worker.queue(&env) {
            return self.steps.tell(Mark::There, format!("queue {bound}: bound already"));
        }
        let [name, dead] = [NAME, DEAD].map(|name| staged(name, stage));
        for name in [&name, &dead] {
            queue(host, source, name, self.steps).await?;
        }
        worker.bind_queue(&env, &name, &dead)
    }

    /// The secrets for `.dev.vars`: those that are known, and a new key that makes keys. Another environment has a key of its
    /// own, which only Cloudflare keeps.
    fn secrets_of_d1(self, token: &Secret) -> Vec<(&'static str, Secret)> {
        let mut secrets = self.secrets(token);
        let wants_key = self.arguments.events && self.arguments.env.is_none();
        if wants_key && self.vars.get(ADMIN_KEY).is_none() {
            secrets.push((ADMIN_KEY, new_key()));
        }
        secrets
    }
}

fn new_key() -> Secret {
    let mut bytes = [0; KEY_BYTES];
    OsRng.fill_bytes(&mut bytes);
    Secret::new(bytes.iter().fold(String::new(), |mut digits, byte| {
        // A text takes every write.
        let _ = write!(digits, "{byte:02x}");
        digits
    }))
}

/// The doctor's word on each half.
async fn check(arguments: &Setup, options: &Options, stop: watch::Receiver<bool>) -> Result<Exit, Failure> {
    let in_d1 = Options { sinks: vec![Destination::D1], ..options.clone() };
    let mut worst = Exit::Done;
    for is_of_events in [false, true] {
        if if is_of_events { arguments.events } else { arguments.no_google } {
            show::print("")?;
            let asked = Doctor { events: is_of_events, ..Doctor::default() };
            let exit = doctor(&asked, &in_d1, stop.clone()).await?;
            worst = if exit == Exit::Done { worst } else { exit };
        }
    }
    Ok(worst)
}

/// What comes next.
fn finish(arguments: &Setup, steps: &Steps, found: Exit) -> Result<Exit, Failure> {
    let Setup { events, no_google, env, .. } = arguments;
    let (words, exit) = if steps.any_left() || found != Exit::Done {
        ("After the steps that are left for you", Exit::Person)
    } else {
        ("Next", Exit::Done)
    };
    let mut lines = Vec::new();
    if *no_google {
        lines.push("npx wrangler secret put CF_API_TOKEN --env=".to_owned());
    }
    match env {
        Some(stage) => lines.extend([
            format!(
                "openssl rand -hex 32 | tee key-of-{stage} | npx wrangler secret put {ADMIN_KEY} --env {EVENTS}-{stage}"
            ),
            format!("npx wrangler deploy --env {EVENTS}-{stage}"),
        ]),
        None if *events => lines.push(format!("npx wrangler secret put {ADMIN_KEY} --env {EVENTS}")),
        None => {}
    }
    lines.extend(match (events, no_google, env) {
        (true, true, _) => Some("npm run deploy:all".to_owned()),
        (false, _, _) => Some("npm run deploy".to_owned()),
        (true, false, None) => Some("npm run deploy:events".to_owned()),
        (true, false, Some(_)) => None,
    });
    let lines = lines.join("\n  ");
    show::print(&format!("\n{words}, give the Worker its secrets, and deploy it:\n  {lines}"))?;
    Ok(exit)
}
