//! The two files of a set-up: `wrangler.toml`, whose comments and layout stay, and `.dev.vars`, to which lines are added.

use std::{
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use tempfile::NamedTempFile;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, TableLike, Value, value};

use crate::{
    cli::{
        failure::Failure,
        files::open::PRIVATE,
        vars::setting_files::{FILE, WORKER},
    },
    secret::Secret,
};

/// The change of a file: its new text, with secrets, and the new settings, one line each, without secrets.
pub struct Change {
    /// The file.
    pub path: &'static str,
    text: String,
    /// What is new.
    pub lines: Vec<String>,
}

impl Change {
    /// Puts the new text in place of the old one, at once or not at all.
    pub fn write(&self) -> Result<(), Failure> {
        let written = replace(Path::new(self.path), &self.text, self.path == FILE);
        written.map_err(|error| failed("writing", self.path, error, "Nothing of it was changed"))
    }
}

/// `wrangler.toml`, which must be there.
pub struct Worker(DocumentMut);

impl Worker {
    /// Reads it.
    pub fn read() -> Result<Self, Failure> {
        let hint = "Run setup in the program's folder, where wrangler.toml lies";
        let text = fs::read_to_string(WORKER).map_err(|error| failed("reading", WORKER, error, hint))?;
        // Its own words would quote a line, which may hold a secret that does not belong there.
        text.parse().map(Self).map_err(|_| {
            let hint = "Nothing was changed. wrangler itself says more: npx wrangler deploy --dry-run";
            failed("reading", WORKER, "it cannot be understood", hint)
        })
    }

    /// The Worker's name.
    pub fn name(&self) -> &str {
        self.0.get("name").and_then(Item::as_str).unwrap_or(env!("CARGO_PKG_NAME"))
    }

    /// What the file becomes with these ids of namespaces, by binding, and these variables.
    pub fn with(mut self, ids: &[(&str, String)], vars: &[(&str, String)]) -> Result<Change, Failure> {
        let mut lines = Vec::new();
        for (binding, id) in ids {
            let namespace = self.namespace(binding).ok_or_else(|| unfit("kv_namespaces"))?;
            lines.extend(set(namespace, "id", id).map(|line| format!("{binding}: {line}")));
        }
        let all = self.0.entry("vars").or_insert_with(toml_edit::table).as_table_like_mut();
        let all = all.ok_or_else(|| unfit("vars"))?;
        for (name, text) in vars {
            lines.extend(set(all, name, text));
        }
        Ok(Change { path: WORKER, text: self.0.to_string(), lines })
    }

    /// The entry of a binding, new where there is none. None where `kv_namespaces` is something else.
    fn namespace(&mut self, binding: &str) -> Option<&mut dyn TableLike> {
        let is_it = |table: &dyn TableLike| table.get("binding").and_then(Item::as_str) == Some(binding);
        let all = self.0.entry("kv_namespaces").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        match all {
            Item::ArrayOfTables(all) => {
                let found = all.iter().position(|table| is_it(table));
                let at = found.unwrap_or_else(|| {
                    let mut table = Table::new();
                    table.insert("binding", value(binding));
                    all.push(table);
                    all.len() - 1
                });
                Some(all.get_mut(at)?)
            }
            Item::Value(Value::Array(all)) => {
                let is_it = |value: &Value| value.as_inline_table().is_some_and(|table| is_it(table));
                let found = all.iter().position(is_it);
                let at = found.unwrap_or_else(|| {
                    all.push(toml_edit::InlineTable::from_iter([("binding", binding)]));
                    all.len() - 1
                });
                Some(all.get_mut(at)?.as_inline_table_mut()?)
            }
            Item::None | Item::Value(_) | Item::Table(_) => None,
        }
    }
}

/// Sets a text, and tells what is new; what stands around it stays.
fn set(table: &mut dyn TableLike, name: &str, text: &str) -> Option<String> {
    let old = table.get(name).and_then(Item::as_str).map(str::to_owned);
    if old.as_deref() == Some(text) {
        return None;
    }
    let mut new = Value::from(text);
    if let Some(old) = table.get(name).and_then(Item::as_value) {
        *new.decor_mut() = old.decor().clone();
    }
    match table.get_mut(name) {
        Some(item) => *item = Item::Value(new),
        None => drop(table.insert(name, Item::Value(new))),
    }
    let before = old.filter(|old| !old.is_empty()).map_or_else(String::new, |old| format!(" (was {old:?})"));
    Some(format!("{name} = {text:?}{before}"))
}

fn unfit(part: &str) -> Failure {
    failed("changing", WORKER, format!("its {part} cannot be understood"), "Nothing was changed. Write it as tables")
}

/// `.dev.vars` with these secrets at its end. The caller makes sure that they are not in the file yet.
pub fn with_secrets(secrets: &[(&'static str, Secret)]) -> Result<Change, Failure> {
    let mut text = match fs::read_to_string(FILE) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed("reading", FILE, error, "Nothing was changed. Make it readable")),
    };
    for (name, secret) in secrets {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let secret = in_one_line(secret);
        text.extend([name, "='", &secret, "'\n"]);
    }
    let lines = secrets.iter().map(|(name, _)| format!("{name} (secret, not shown)")).collect();
    Ok(Change { path: FILE, text, lines })
}

/// A secret between single quotes, which leave everything as it is; a key file of JSON can be written without any.
fn in_one_line(secret: &Secret) -> String {
    let text = secret.reveal().trim();
    let json = serde_json::from_str::<serde_json::Value>(text).map(|json| json.to_string());
    json.unwrap_or_else(|_| text.to_owned()).replace('\n', "\\n").replace('\'', "\\u0027")
}

/// Writes a file beside the old one, and then replaces the old one by it. A failure leaves the old file, and no other.
fn replace(path: &Path, text: &str, private: bool) -> io::Result<()> {
    // A link stays one.
    let path = fs::canonicalize(path).or_else(|_| std::path::absolute(path))?;
    let folder = path.parent().unwrap_or(&path);
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    let permissions = if private { Permissions::from_mode(PRIVATE) } else { fs::metadata(&path)?.permissions() };
    file.as_file().set_permissions(permissions)?;
    file.as_file().sync_all()?;
    file.persist(&path).map(|_| ()).map_err(|error| error.error)
}

fn failed(doing: &str, path: &str, problem: impl std::fmt::Display, hint: &str) -> Failure {
    Failure::denied(format!("{doing} {path}"), problem, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(before: &str) -> (String, Vec<String>) {
        let worker = Worker(before.parse().unwrap());
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
            let worker = Worker(wrong.parse().unwrap());
            assert!(worker.with(&[("STATE_KV", "5a".into())], &[("X", "01".into())]).is_err(), "{wrong}");
        }
    }
}
