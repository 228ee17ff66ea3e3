//! `wrangler.toml`, whose comments and layout stay: the two Workers, and what they are bound to.

use std::fs;

use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value, value};

use super::files::{Change, failed, set};
use crate::cli::{failure::Failure, vars::setting_files::WORKER};

/// The binding of the queue.
const QUEUE: &str = "EVENTS_QUEUE";

/// How messages are taken from the queue: at most so many, after at most so many seconds, and so often again.
const CONSUMER: [(&str, i64); 3] = [("max_batch_size", 100), ("max_batch_timeout", 1), ("max_retries", 100)];

/// `wrangler.toml`, which must be there.
pub struct Worker {
    text: DocumentMut,
    /// What is new so far.
    lines: Vec<String>,
}

impl Worker {
    /// Reads it.
    pub fn read() -> Result<Self, Failure> {
        let hint = "Run setup in the program's folder, where wrangler.toml lies";
        let text = fs::read_to_string(WORKER).map_err(|error| failed("reading", WORKER, error, hint))?;
        // Its own words would quote a line, which may hold a secret that does not belong there.
        text.parse().map(Self::of).map_err(|_| {
            let hint = "Nothing was changed. wrangler itself says more: npx wrangler deploy --dry-run";
            failed("reading", WORKER, "it cannot be understood", hint)
        })
    }

    fn of(text: DocumentMut) -> Self {
        Self { text, lines: Vec::new() }
    }

    /// The Worker's name.
    pub fn name(&self) -> &str {
        self.text.get("name").and_then(Item::as_str).unwrap_or(env!("CARGO_PKG_NAME"))
    }

    /// Gives a binding these texts, in the list of bindings of the first Worker, or of an environment.
    pub fn bind(
        &mut self,
        env: Option<&str>,
        list: &str,
        binding: &str,
        texts: &[(&str, &str)],
    ) -> Result<(), Failure> {
        let section: Option<&mut dyn TableLike> = match env {
            None => Some(self.text.as_table_mut()),
            Some(env) => {
                environments(&mut self.text).and_then(|all| all.get_mut(env)).and_then(Item::as_table_like_mut)
            }
        };
        let entry =
            section.and_then(|section| entry(section, list, ("binding", binding))).ok_or_else(|| unfit(list))?;
        let place = env.map_or_else(|| binding.to_owned(), |env| format!("[env.{env}] {binding}"));
        let new = texts.iter().filter_map(|(name, text)| set(entry, name, text));
        self.lines.extend(new.map(|line| format!("{place}: {line}")));
        Ok(())
    }

    /// The queue that the Worker of an environment sends to.
    pub fn queue(&self, env: &str) -> Option<&str> {
        let producers = self.text.get("env")?.get(env)?.get("queues")?.get("producers")?;
        let all = 0..producers.as_array_of_tables().map_or(0, ArrayOfTables::len);
        let bound = all.map(|at| &producers[at]).find(|table| table["binding"].as_str() == Some(QUEUE))?;
        bound.get("queue")?.as_str().filter(|name| !name.is_empty())
    }

    /// Gives the Worker of an environment, which has none yet, a queue: it sends to it, and takes from it what the database
    /// gets. `dead` is the queue of what fails too often.
    pub fn bind_queue(&mut self, env: &str, queue: &str, dead: &str) -> Result<(), Failure> {
        let section = environments(&mut self.text).and_then(|all| all.get_mut(env)).and_then(Item::as_table_like_mut);
        let queues = section.ok_or_else(|| unfit(&format!("env.{env}")))?.entry("queues").or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        let queues = queues.as_table_like_mut().ok_or_else(|| unfit("queues"))?;
        let producer = entry(queues, "producers", ("binding", QUEUE)).ok_or_else(|| unfit("producers"))?;
        let mut lines: Vec<_> = set(producer, "queue", queue).into_iter().collect();
        let consumer = entry(queues, "consumers", ("queue", queue)).ok_or_else(|| unfit("consumers"))?;
        for (name, number) in CONSUMER {
            if !consumer.contains_key(name) {
                consumer.insert(name, value(number));
            }
        }
        lines.extend(set(consumer, "dead_letter_queue", dead));
        self.lines.extend(lines.into_iter().map(|line| format!("[env.{env}] {QUEUE}: {line}")));
        Ok(())
    }

    /// Copies an environment for a stage such as staging, if it is not there yet, and gives the copy's Worker a name of
    /// its own. What only one Worker may have, and what would mix the data of both, is left out: ids, queues, buckets, routes.
    pub fn stage(&mut self, env: &str, stage: &str) -> Result<(), Failure> {
        let all = environments(&mut self.text).ok_or_else(|| unfit("env"))?;
        let staged = format!("{env}-{stage}");
        if all.contains_key(&staged) {
            return Ok(());
        }
        let mut copy = all.get(env).cloned().ok_or_else(|| unfit(&format!("env.{env}")))?;
        unplace(&mut copy);
        let table = copy.as_table_like_mut().ok_or_else(|| unfit(&format!("env.{env}")))?;
        let name = table.get("name").and_then(Item::as_str).unwrap_or(env).to_owned();
        set(table, "name", &format!("{name}-{stage}"));
        for shared in ["queues", "r2_buckets", "route", "routes"] {
            table.remove(shared);
        }
        forget_ids(table);
        all.insert(&staged, copy);
        self.lines.push(format!("[env.{staged}]: a copy of [env.{env}]"));
        Ok(())
    }

    /// What the file becomes with these ids of namespaces, by binding, and these variables.
    pub fn with(mut self, ids: &[(&str, String)], vars: &[(&str, String)]) -> Result<Change, Failure> {
        for (binding, id) in ids {
            self.bind(None, "kv_namespaces", binding, &[("id", id)])?;
        }
        if !vars.is_empty() {
            let all = self.text.entry("vars").or_insert_with(toml_edit::table).as_table_like_mut();
            let all = all.ok_or_else(|| unfit("vars"))?;
            self.lines.extend(vars.iter().filter_map(|(name, text)| set(all, name, text)));
        }
        Ok(Change { path: WORKER, text: self.text.to_string(), lines: self.lines })
    }
}

fn environments(text: &mut DocumentMut) -> Option<&mut dyn TableLike> {
    text.get_mut("env")?.as_table_like_mut()
}

/// The entry of a list whose member of this name has this text, such as a binding; new where there is none. None where the
/// list is something else.
fn entry<'a>(section: &'a mut dyn TableLike, list: &str, (name, text): (&str, &str)) -> Option<&'a mut dyn TableLike> {
    let is_it = |table: &dyn TableLike| table.get(name).and_then(Item::as_str) == Some(text);
    let all = section.entry(list).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    match all {
        Item::ArrayOfTables(all) => {
            let found = all.iter().position(|table| is_it(table));
            let at = found.unwrap_or_else(|| {
                let mut table = Table::new();
                table.insert(name, value(text));
                all.push(table);
                all.len() - 1
            });
            Some(all.get_mut(at)?)
        }
        Item::Value(Value::Array(all)) => {
            let is_it = |value: &Value| value.as_inline_table().is_some_and(|table| is_it(table));
            let found = all.iter().position(is_it);
            let at = found.unwrap_or_else(|| {
                all.push(InlineTable::from_iter([(name, text)]));
                all.len() - 1
            });
            Some(all.get_mut(at)?.as_inline_table_mut()?)
        }
        Item::None | Item::Value(_) | Item::Table(_) => None,
    }
}

/// Puts a place for an id where a copy has that of the first one.
fn forget_ids(copy: &mut dyn TableLike) {
    for (list, id) in [("d1_databases", "database_id"), ("kv_namespaces", "id")] {
        let Some(all) = copy.get_mut(list).and_then(Item::as_array_of_tables_mut) else { continue };
        for table in all.iter_mut() {
            let binding = table.get("binding").and_then(Item::as_str).unwrap_or_default().to_owned();
            set(table, id, &format!("<id of {binding}>"));
        }
    }
}

/// Forgets where the tables of a copy stood: they come after those they were copied from.
fn unplace(item: &mut Item) {
    match item {
        Item::Table(table) => {
            table.set_position(None);
            table.iter_mut().for_each(|(_, item)| unplace(item));
        }
        Item::ArrayOfTables(tables) => {
            for table in tables.iter_mut() {
                table.set_position(None);
                table.iter_mut().for_each(|(_, item)| unplace(item));
            }
        }
        Item::None | Item::Value(_) => {}
    }
}

fn unfit(part: &str) -> Failure {
    failed("changing", WORKER, format!("its {part} cannot be understood"), "Nothing was changed. Write it as tables")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(before: &str) -> (String, Vec<String>) {
        let worker = Worker::of(before.parse().unwrap());
        let change = worker.with(&[("STATE_KV", "5a".into())], &[("CF_ACCOUNT_ID", "01".into())]).unwrap();
        (change.text, change.lines)
    }

    #[test]
    fn comments_and_layout_stay() {
        let check = |before: &str, after: &str| assert_eq!(changed(before).0, after);
        check(
            "# the Worker\n[[kv_namespaces]] # one\nbinding = \"STATE_KV\"\nid   = \"<id>\" # here\n\n[vars]\n# account\nCF_ACCOUNT_ID = '' # 32\nX = 1\n",
            "# the Worker\n[[kv_namespaces]] # one\nbinding = \"STATE_KV\"\nid   = \"5a\" # here\n\n[vars]\n# account\nCF_ACCOUNT_ID = \"01\" # 32\nX = 1\n",
        );
        check(
            "kv_namespaces = [\n  { binding = \"STATE_KV\", id = \"\" }, # one\n]\nvars = { CF_ACCOUNT_ID = \"\" }\n",
            "kv_namespaces = [\n  { binding = \"STATE_KV\", id = \"5a\" }, # one\n]\nvars = { CF_ACCOUNT_ID = \"01\" }\n",
        );
    }

    #[test]
    fn what_is_missing_is_added_and_what_is_new_is_told() {
        let (text, lines) = changed("name = \"w\"\n");
        let parsed: toml::Table = text.parse().unwrap();
        assert_eq!(parsed["kv_namespaces"][0]["binding"].as_str(), Some("STATE_KV"));
        assert_eq!(parsed["kv_namespaces"][0]["id"].as_str(), Some("5a"));
        assert_eq!(parsed["vars"]["CF_ACCOUNT_ID"].as_str(), Some("01"));
        assert_eq!(lines, ["STATE_KV: id = \"5a\"", "CF_ACCOUNT_ID = \"01\""]);
        assert_eq!(changed(&text), (text.clone(), Vec::new()));
        let (_, lines) = changed(&text.replace("\"01\"", "\"02\""));
        assert_eq!(lines, ["CF_ACCOUNT_ID = \"01\" (was \"02\")"]);
    }

    #[test]
    fn what_cannot_be_changed_is_refused() {
        for wrong in ["vars = 1\n", "kv_namespaces = 1\n", "kv_namespaces = [1]\nvars = []\n"] {
            let worker = Worker::of(wrong.parse().unwrap());
            assert!(worker.with(&[("STATE_KV", "5a".into())], &[("X", "01".into())]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn another_environment_is_a_copy_with_a_name_of_its_own() {
        let before = "[env.events]\nname = \"aig-events\" # one\n\n[[env.events.d1_databases]]\nbinding = \"EVENTS_DB\"\n\n\
                      [env.events.vars]\nX = \"1\"\n";
        let mut worker = Worker::of(before.parse().unwrap());
        for _ in 0..2 {
            worker.stage("events", "staging").unwrap();
        }
        let ids = [("database_id", "5a")];
        worker.bind(Some("events-staging"), "d1_databases", "EVENTS_DB", &ids).unwrap();
        let change = worker.with(&[], &[]).unwrap();
        let text = change.text.strip_prefix(before).unwrap().to_owned();
        assert!(text.contains("[env.events-staging]\nname = \"aig-events-staging\""), "{text}");
        let parsed: toml::Table = change.text.parse().unwrap();
        let staging = &parsed["env"]["events-staging"];
        assert_eq!(staging["d1_databases"][0]["database_id"].as_str(), Some("5a"));
        assert_eq!(staging["vars"]["X"].as_str(), Some("1"));
        assert!(parsed["env"]["events"]["d1_databases"][0].get("database_id").is_none());
        assert_eq!(
            change.lines,
            [
                "[env.events-staging]: a copy of [env.events]",
                "[env.events-staging] EVENTS_DB: database_id = \"5a\" (was \"<id of EVENTS_DB>\")"
            ]
        );
    }
}
