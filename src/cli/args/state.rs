//! Where the state lives.

use std::path::PathBuf;

/// What `--state` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// A SQLite file.
    File(PathBuf),
    /// A deployed Worker's KV.
    Kv,
}

impl State {
    /// Reads `kv` or a path; a file of that name is `./kv`.
    pub fn parse(text: &str) -> Self {
        if text == "kv" { Self::Kv } else { Self::File(text.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn a_state_is_a_file_or_kv() {
        assert_eq!(State::parse("kv"), State::Kv);
        assert_eq!(State::parse("./kv"), State::File("./kv".into()));
    }
}
