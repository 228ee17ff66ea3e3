//! Secrets as a careless service sends them back, and the search for what is left of them.

use std::collections::{BTreeSet, HashSet};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Request, header::AUTHORIZATION};

/// A `HASH_KEY`: it is never sent, and a memory dump of a server may hold it all the same.
pub const HASH_KEY: &str = "q7Wk2Rz9vT4mXb8n";

/// Letters in a row of which no secret may have as many in common with what is told.
const PART: usize = 12;

/// What acts on a terminal, and begins a line of its own, when it is printed as it is.
pub const CONTROLS: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\n2026-10-06 forged line\u{202e}\u{9b}";

/// The secrets of a run, as far as a service gets to know them.
#[derive(Debug, Clone, Default)]
pub struct Heard(BTreeSet<String>);

impl Heard {
    pub fn of(secrets: &[&str]) -> Self {
        Self(secrets.iter().map(|secret| (*secret).to_owned()).collect())
    }

    /// Takes what a request holds: its bearer token, and the assertion in its form.
    pub fn listen(&mut self, request: &Request<Vec<u8>>) {
        let token = request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap());
        self.0.extend(token.map(|token| token.trim_start_matches("Bearer ").to_owned()));
        let form = form_urlencoded::parse(request.body());
        self.0.extend(form.filter(|(name, _)| name == "assertion").map(|(_, text)| text.into_owned()));
    }

    /// Takes what somebody else has heard.
    pub fn join(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }

    /// All of them in one text, in every form, whole and cut.
    pub fn echo(&self) -> String {
        let forms = self.0.iter().flat_map(|secret| {
            let cut = [&secret[3..], &secret[..secret.len() - 3], &secret[5..secret.len() - 2]];
            let base64 = ["", "t", "to"].map(|before| STANDARD.encode(format!("{before}{secret}.")));
            let forms = [format!("Bearer {secret}"), percent(secret)].into_iter().chain(base64);
            forms.chain(cut.map(str::to_owned)).collect::<Vec<_>>()
        });
        // Beyond what is quoted of it: the beginning has something of each.
        let heads = self.0.iter().map(|secret| secret[..secret.len().min(40)].to_owned());
        format!("{CONTROLS}{}", heads.chain(forms).collect::<Vec<_>>().join("; "))
    }

    /// Nothing of them is in what was told.
    #[track_caller]
    pub fn assert_hidden_in(&self, told: &[u8], when: &str) {
        let told_parts: HashSet<&[u8]> = told.windows(PART).collect();
        for secret in &self.0 {
            assert!(secret.len() >= 16, "too short to search for: {secret}");
            for form in searched(secret) {
                let part = form.as_bytes().windows(PART).find(|part| told_parts.contains(part));
                let told = String::from_utf8_lossy(told);
                assert!(part.is_none(), "{when}: {:?} of {secret} is in: {told}", part.map(String::from_utf8_lossy));
            }
        }
    }
}

fn percent(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// What of each form stems from the secret alone.
fn searched(secret: &str) -> Vec<String> {
    let base64 = [0_usize, 1, 2].map(|before| {
        let text = STANDARD.encode([&vec![b'x'; before], secret.as_bytes()].concat());
        let (from, until) = ((before * 4).div_ceil(3), (before + secret.len()) * 4 / 3);
        text[from..until].to_owned()
    });
    [secret.to_owned(), percent(secret)].into_iter().chain(base64).collect()
}

/// Nothing acts on a terminal, and no line is forged.
#[track_caller]
pub fn assert_visible(told: &str, when: &str) {
    let acts = told.chars().find(|letter| letter.is_control() && *letter != '\n' || *letter == '\u{202e}');
    assert_eq!(acts, None, "{when}: {told}");
    assert!(!told.lines().any(|line| line.starts_with("2026-10-06 forged")), "{when}: {told}");
}
