//! The objects that the Worker logs, read back from the form in which the runtime prints them.

use std::collections::BTreeMap;

/// One object: the text of each field. What a field holds inside is not taken apart.
#[derive(Debug)]
pub struct Log(BTreeMap<String, String>);

impl Log {
    /// The objects in a text that are there to their end.
    pub fn all(text: &str) -> Vec<Self> {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty()).peekable();
        let mut logs = Vec::new();
        while let Some(line) = lines.next() {
            let Some(inner) = lines.peek().filter(|_| opens(line)).map(|line| indent(line)) else { continue };
            let mut fields = BTreeMap::new();
            let mut name = String::new();
            for line in lines.by_ref() {
                if indent(line) < inner {
                    logs.push(Self(fields));
                    break;
                }
                let named = line.trim().split_once(':').filter(|(name, _)| indent(line) == inner && is_name(name));
                let text = named.map_or(line.trim(), |(found, text)| {
                    found.clone_into(&mut name);
                    text.trim()
                });
                fields.entry(name.clone()).or_insert_with(String::new).push_str(text);
            }
        }
        logs
    }

    /// The last word of a tick: what a pass did, or why there was none.
    pub fn is_last_word(&self) -> bool {
        self.0.contains_key("job") || self.text("level") == "'error'"
    }

    /// A field as it is printed; empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str).trim_end_matches(',')
    }

    pub fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or_else(|_| panic!("{name} in {self:?}"))
    }
}

/// An object begins alone on its line, or behind the mark of an error or a warning.
fn opens(line: &str) -> bool {
    line == "{" || line.ends_with("] {")
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn is_name(text: &str) -> bool {
    text.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
}
