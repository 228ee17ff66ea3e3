//! Finds suspicious settings before any setting is used: a secret that would be sent to an address from a file, and a
//! name that is almost the name of a setting.

use std::env;

use crate::{
    cli::vars::{
        names::{environment, resembled},
        setting_files::SettingFiles,
    },
    config::{Problem, SETTINGS},
};

/// The settings that say where secrets go, with the secrets. Of several, the first that is set is used.
const ADDRESSES: [(&str, &[&str]); 3] = [
    ("CLOUDFLARE_BASE_URL", &["CF_API_TOKEN"]),
    ("GCP_TOKEN_URI", &["GCP_SA_KEY_JSON", "GCP_SA_PRIVATE_KEY_PEM"]),
    ("BIGQUERY_EMULATOR_HOST", &["GCP_SA_KEY_JSON", "GCP_SA_PRIVATE_KEY_PEM"]),
];

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
