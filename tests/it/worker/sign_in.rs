//! The runtime's own signatures are good for both forms of a key, however the setting spells its line breaks.

use aig_logs::simulator::google::SimulatedAccount;
use chrono::TimeDelta;
use serde_json::Value;

use super::{FORWARD, add, assert_copied_once, runtime::Runtime, world};

/// The simulator makes its key of this.
const SEED: u64 = 1;

/// One entry comes over with each of the settings.
fn assert_sign_in(settings: &[&[(&str, &str)]]) {
    let Some(world) = world(&["--entries", "0", "--rate", "0"]) else { return };
    for (tokens, settings) in (1..).zip(settings) {
        add(&world, 1, TimeDelta::milliseconds(1));
        let (good, log) = Runtime::start(&world, settings).tick(FORWARD);
        assert!(good, "{log:?}");
        assert_eq!((&world.calls()["token"], &world.calls()["refused"]), (&Value::from(tokens), &0.into()));
    }
    assert_copied_once(&world);
}

/// Once with real line breaks, and once with letters for them.
fn assert_key_signs_in(key: &str) {
    const PEM: &str = "GCP_SA_PRIVATE_KEY_PEM";
    assert_sign_in(&[&[(PEM, key)], &[(PEM, &key.replace('\n', "\\n"))]]);
}

#[test]
fn a_pkcs8_key_signs_in() {
    assert_key_signs_in(&SimulatedAccount::from_seed(SEED).pkcs8_pem());
}

#[test]
fn a_pkcs1_key_signs_in() {
    assert_key_signs_in(&SimulatedAccount::from_seed(SEED).pkcs1_pem());
}

#[test]
fn the_whole_key_file_signs_in() {
    let file = SimulatedAccount::from_seed(SEED).json("simulated-project", "https://oauth2.googleapis.com/token");
    let parts = [("GCP_SA_EMAIL", ""), ("GCP_SA_PRIVATE_KEY_PEM", "")];
    assert_sign_in(&[&[parts[0], parts[1], ("GCP_SA_KEY_JSON", &file.replace('\n', ""))]]);
}
