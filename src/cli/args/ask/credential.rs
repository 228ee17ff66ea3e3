//! With whose credential a table is read.

use std::path::PathBuf;

/// What `--reader` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// That of the person at this terminal.
    Gcloud,
    /// The application default credentials.
    Default,
    /// A service account's key file.
    KeyFile(PathBuf),
}

impl Credential {
    /// Reads `gcloud`, `adc` or a path; a file of such a name is `./adc`.
    pub fn parse(text: &str) -> Self {
        match text {
            "gcloud" => Self::Gcloud,
            "adc" => Self::Default,
            path => Self::KeyFile(path.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Credential;

    #[test]
    fn a_credential_is_named_or_is_a_file() {
        assert_eq!(Credential::parse("gcloud"), Credential::Gcloud);
        assert_eq!(Credential::parse("adc"), Credential::Default);
        assert_eq!(Credential::parse("./adc"), Credential::KeyFile("./adc".into()));
        assert_eq!(Credential::parse("reader.json"), Credential::KeyFile("reader.json".into()));
    }
}
