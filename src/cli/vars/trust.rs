//! Finds suspicious settings before any setting is used: a secret that would be sent to an address from a file, and a
//! name that is almost the name of a setting.

use std::env;

use crate::{
    cli::vars::{setting_files::SettingFiles, settings::environment},
    config::{Problem, SETTINGS},
};

/// The settings that say where secrets go, with the secrets. Of several, the first that is set is used.
const ADDRESSES: [(&str, &[&str]); 3] = [
    ("CLOUDFLARE_BASE_URL", &["CF_API_TOKEN"]),
    ("GCP_TOKEN_URI", &["GCP_SA_KEY_JSON", "GCP_SA_PRIVATE_KEY_PEM"]),
    ("BIGQUERY_EMULATOR_HOST", &["GCP_SA_KEY_JSON", "GCP_SA_PRIVATE_KEY_PEM"]),
];

/// In a name of so many letters, two letters may be wrong. A shorter name is too close to other words.
const LONG: usize = 10;

/// The addresses from files to which the program would send a secret that is in no file. `is_outside` says whether a
/// secret comes from elsewhere. The files in a stranger's folder must not send this machine's token to the stranger. An
/// address of this machine is no exception: any program may listen there.
pub fn redirected(files: &SettingFiles, is_outside: impl Fn(&str) -> bool) -> Vec<Problem> {
    let redirected = ADDRESSES.iter().filter_map(|(setting, secrets)| {
        let default = SETTINGS.iter().find(|known| known.name == *setting).and_then(|known| known.default);
        let address = files.get(setting).filter(|address| Some(*address) != default)?;
        if address.is_empty() || environment(setting).is_some() {
            return None;
        }
        let used = secrets.iter().find(|secret| is_outside(secret) || files.get(secret).is_some());
        let secret = used.filter(|secret| is_outside(secret))?;
        let problem = format!(
            "is an address from a file, and the program would send {secret} to it, which is not from that file. Set \
             {setting} in the environment too, or set {secret} only in the file"
        );
        Some(Problem { setting, problem })
    });
    redirected.collect()
}

/// Settings of the environment that are no text.
pub fn unreadable() -> impl Iterator<Item = Problem> {
    let unreadable =
        SETTINGS.iter().filter(|setting| env::var_os(setting.name).is_some_and(|text| text.to_str().is_none()));
    unreadable.map(|setting| Problem { setting: setting.name, problem: "is not UTF-8 text in the environment".into() })
}

/// Names of the environment that are almost those of settings. They may be another program's.
pub fn misspelt_in_environment() -> impl Iterator<Item = String> {
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter_map(|name| {
        let setting = resembled(&name)?;
        Some(format!("{name} in the environment is no setting, and is not read: {setting} is one"))
    })
}

/// The setting that a name almost is, unless it is one itself.
pub fn resembled(name: &str) -> Option<&'static str> {
    if SETTINGS.iter().any(|setting| setting.name == name) {
        return None;
    }
    let name = name.to_uppercase();
    let near = |known: &&str| distance(&name, known) <= if known.len() < LONG { 1 } else { 2 };
    SETTINGS.iter().map(|setting| setting.name).find(near)
}

/// Letters to add, take away, replace or swap with the next until two words are the same.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<_>, Vec<_>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > 2 {
        return usize::MAX;
    }
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let same = usize::from(one[i - 1] != other[j - 1]);
            let mut least = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + same);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::resembled;

    #[test]
    fn only_what_is_almost_a_setting_resembles_one() {
        let check = |name, expected| assert_eq!(resembled(name), expected, "{name}");
        check("DROP_METADTA", Some("DROP_METADATA"));
        check("SETTLE_SECOND", Some("SETTLE_SECONDS"));
        check("LOG_LEVLE", Some("LOG_LEVEL"));
        check("Hash_Key", Some("HASH_KEY"));
        check("CF_API_TOKN", Some("CF_API_TOKEN"));
        for other in ["DROP_METADATA", "PATH", "SSH_KEY", "CACHE_KEY", "CF_API_KEY", "LOG_FILE", "LOG_LEVELING", ""] {
            check(other, None);
        }
    }
}
