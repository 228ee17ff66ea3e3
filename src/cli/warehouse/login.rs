//! Signs in to Google for an operator who reads the table: as a person, with the application default credentials, or with a
//! key file of the operator's own. Keys and tokens live in memory only.

use std::{cell::RefCell, env, fs, path::Path};

use serde::Deserialize;

use crate::{
    cli::{args::Credential, failure::Failure, warehouse::credentials},
    config::ServiceAccount,
    error::CallError,
    google::{self, Scope},
    host::{Host, call},
    secret::Secret,
    sink::bigquery::token_request,
};

/// The file of the application default credentials, where it is not in its usual place.
const DEFAULT_FILE: &str = "GOOGLE_APPLICATION_CREDENTIALS";

const HINT: &str = "or name another credential with --reader: gcloud, adc, or a service account's key file";

/// What is said of a key file that does not sign in. The hints of the poller's own sign-in name the poller's settings.
const KEY_HINT: &str = "Check that the service account of the key file exists and is enabled, that the key was not revoked, \
                        and that this machine's clock is right; or name another credential with --reader";

/// Who reads, and the token in use.
#[derive(Debug)]
pub struct Login {
    way: Way,
    token: RefCell<Option<Secret>>,
}

/// How to get a token.
#[derive(Debug)]
enum Way {
    /// An emulator asks nobody to sign in.
    Emulated,
    Person,
    Default,
    Account(ServiceAccount),
}

impl Login {
    /// Finds the credential. A person may have to type a password, so a person's token is fetched at once.
    pub fn new(credential: &Credential, emulated: bool) -> Result<Self, Failure> {
        let way = match credential {
            _ if emulated => Way::Emulated,
            Credential::Gcloud => Way::Person,
            Credential::Default => of_environment()?.map_or(Way::Default, Way::Account),
            Credential::KeyFile(path) => Way::Account(of_file(path)?),
        };
        let token = match way {
            Way::Emulated | Way::Account(_) => None,
            Way::Person => Some(credentials::of_person(HINT).map_err(failed)?),
            Way::Default => Some(credentials::of_default(HINT).map_err(failed)?),
        };
        Ok(Self { way, token: RefCell::new(token) })
    }

    /// The token in use, or a new one. None: an emulator needs none.
    pub async fn token<H: Host>(&self, host: &H) -> Result<Option<Secret>, CallError> {
        let known = self.token.borrow().clone();
        if known.is_some() {
            return Ok(known);
        }
        let token = match &self.way {
            Way::Emulated => return Ok(None),
            Way::Person => credentials::of_person(HINT)?,
            Way::Default => credentials::of_default(HINT)?,
            Way::Account(account) => signed_in(host, account).await?,
        };
        self.token.replace(Some(token.clone()));
        Ok(Some(token))
    }

    /// Forgets a token that was refused: it has expired, for one.
    pub fn forget(&self) {
        self.token.replace(None);
    }
}

async fn signed_in<H: Host>(host: &H, account: &ServiceAccount) -> Result<Secret, CallError> {
    let request = token_request(host, account, Scope::Look).await.map_err(of_key)?;
    let token = call(host, &request, |response| google::read_token(response, host.now())).await;
    token.map(|token| token.secret).map_err(of_key)
}

fn of_key(error: CallError) -> CallError {
    match error {
        CallError::Denied { message, .. } => CallError::denied(message, KEY_HINT),
        CallError::Silent(_)
        | CallError::Refused(_)
        | CallError::Throttled { .. }
        | CallError::Broken(_)
        | CallError::TooLarge { .. } => error,
    }
}

/// The service account of the application default credentials, where a file names one. Of others `gcloud` knows how to
/// sign in.
fn of_environment() -> Result<Option<ServiceAccount>, Failure> {
    #[derive(Deserialize)]
    struct Kind {
        r#type: String,
    }
    let Some(path) = env::var_os(DEFAULT_FILE).filter(|path| !path.is_empty()) else { return Ok(None) };
    let text = text(Path::new(&path))?;
    match serde_json::from_str(&text) {
        Ok(Kind { r#type }) if r#type != "service_account" => Ok(None),
        Ok(_) | Err(_) => account(Path::new(&path), &text).map(Some),
    }
}

fn of_file(path: &Path) -> Result<ServiceAccount, Failure> {
    account(path, &text(path)?)
}

fn text(path: &Path) -> Result<String, Failure> {
    let hint = "Give gcloud, adc, or the path of a service account's key file";
    fs::read_to_string(path).map_err(|error| Failure::denied(reading(path), error, hint))
}

fn account(path: &Path, text: &str) -> Result<ServiceAccount, Failure> {
    let hint = "Give the key file as Google Cloud made it. For a file of another kind set GOOGLE_APPLICATION_CREDENTIALS, \
                and give --reader adc";
    ServiceAccount::of_key_file(text).map_err(|problem| Failure::denied(reading(path), format!("it {problem}"), hint))
}

fn reading(path: &Path) -> String {
    format!("reading the credential in {}", path.display())
}

fn failed(error: CallError) -> Failure {
    Failure::call("signing in to Google", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_key_is_explained_without_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reader.json");
        let check = |text: &str, words: &str| {
            fs::write(&path, text).unwrap();
            let failure = Login::new(&Credential::KeyFile(path.clone()), false).unwrap_err().to_string();
            assert!(failure.contains(words) && failure.contains("reader.json"), "{failure}");
            assert!(!failure.contains("hush") && !failure.contains("GCP_"), "{failure}");
        };
        check("", "it is empty");
        check("hush hush", "is not a service account's key file");
        check(r#"{"type":"authorized_user","refresh_token":"hush"}"#, "give --reader adc");
        check(r#"{"client_email":"a@b","private_key":"hush"}"#, "is not a PEM text");
        let key = "-----BEGIN PRIVATE KEY-----\\nc2VjcmV0IGtleSBieXRlcyBpbiBiYXNlNjQ=\\n-----END PRIVATE KEY-----";
        let elsewhere = format!(r#"{{"client_email":"a@b","private_key":"{key}","token_uri":"http://evil.example"}}"#);
        check(&elsewhere, "token_uri that is \"http://evil.example\"");
        fs::remove_file(&path).unwrap();
        let missing = Login::new(&Credential::KeyFile(path), false).unwrap_err().to_string();
        assert!(missing.contains("Give gcloud, adc, or the path"), "{missing}");
    }
}
