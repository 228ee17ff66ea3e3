//! The runtime's own signatures are good for both forms of a key, however the setting spells its line breaks.

use aig_logs::simulator::google::ServiceAccount;
use chrono::TimeDelta;

use super::{FORWARD, add, assert_copied_once, runtime::Runtime, world};

/// The simulator makes its key of this.
const SEED: u64 = 1;

/// One entry comes over with a key that has real line breaks, another with one that has them as letters.
fn assert_signs_in(key: impl Fn(&ServiceAccount) -> String) {
    let Some(world) = world(&["--entries", "0", "--rate", "0"]) else { return };
    let key = key(&ServiceAccount::from_seed(SEED));
    for (spelling, tokens) in [(key.clone(), 1), (key.replace('\n', "\\n"), 2)] {
        add(&world, 1, TimeDelta::milliseconds(1));
        let (good, log) = Runtime::start(&world, &[("GCP_SA_PRIVATE_KEY_PEM", &spelling)]).tick(FORWARD);
        assert!(good, "{log:?}");
        assert_eq!((&world.calls()["token"], &world.calls()["refused"]), (&tokens.into(), &0.into()));
    }
    assert_copied_once(&world);
}

#[test]
fn a_pkcs8_key_signs_in() {
    assert_signs_in(ServiceAccount::pkcs8_pem);
}

#[test]
fn a_pkcs1_key_signs_in() {
    assert_signs_in(ServiceAccount::pkcs1_pem);
}
