//! The files of a set-up: how they are replaced, and `.dev.vars`, to which lines are added.

use std::{
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use tempfile::NamedTempFile;
use toml_edit::{Item, TableLike, Value};

use crate::{
    cli::{failure::Failure, files::open::PRIVATE, vars::setting_files::FILE},
    secret::Secret,
};

/// The change of a file: its new text, with secrets, and the new settings, one line each, without secrets.
pub struct Change {
    /// The file.
    pub path: &'static str,
    /// Its new text.
    pub text: String,
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

/// Sets a text, and tells what is new; what stands around it stays.
pub fn set(table: &mut dyn TableLike, name: &str, text: &str) -> Option<String> {
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

/// A file that cannot be used.
pub fn failed(doing: &str, path: &str, problem: impl std::fmt::Display, hint: &str) -> Failure {
    Failure::denied(format!("{doing} {path}"), problem, hint)
}
