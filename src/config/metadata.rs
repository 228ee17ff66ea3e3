//! The settings about what users write into the metadata of their calls.

use std::collections::BTreeSet;

use super::vars::Vars;
use crate::privacy::{Hashed, Privacy};

/// Characters of `HASH_KEY`: whoever can guess the key can try all users' names until a hash fits.
const SHORTEST_KEY: usize = 16;

impl<L: Fn(&str) -> Option<String>> Vars<L> {
    pub fn privacy(&mut self) -> Privacy {
        let dropped = self.metadata_keys("DROP_METADATA");
        let hashed = self.metadata_keys("HASH_METADATA");
        if let Some(key) = dropped.intersection(&hashed).next() {
            self.problem(
                "HASH_METADATA",
                format!("names {key:?}, but DROP_METADATA removes it: name it in one of them"),
            );
        }
        if hashed.is_empty() {
            return Privacy { dropped, hashed: None };
        }
        let secret = self.text("HASH_KEY");
        if (1..SHORTEST_KEY).contains(&secret.chars().count()) {
            let way_out = "`openssl rand -hex 32` makes a good one";
            self.problem("HASH_KEY", format!("is shorter than {SHORTEST_KEY} characters: {way_out}"));
        }
        Privacy { dropped, hashed: Some(Hashed::new(hashed, &secret)) }
    }

    fn metadata_keys(&mut self, name: &'static str) -> BTreeSet<String> {
        let Some(text) = self.optional(name) else { return BTreeSet::new() };
        let keys: BTreeSet<_> =
            text.split(',').map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned).collect();
        if keys.is_empty() {
            self.problem(name, format!("is {text:?}, but must name keys such as \"user_id,email\""));
        }
        keys
    }
}
