//! The folder of a peer that has table and views, made once for all tests: the statements take the peer three times as long as
//! its start, and each test is a process of its own. So a test starts from a copy.

use std::{
    fs::{self, File},
    path::Path,
};

use super::{BigQuery as _, Peer, read, statements};

const DATA: &str = "data";

/// The text of this file says what the folder beside it was made of.
const MADE_OF: &str = "made-of";

/// Held by whoever makes the folder or copies it.
const LOCK: &str = "lock";

/// Fills the empty folder of a peer that has not started yet.
pub fn copy_into(folder: &Path) {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peer");
    fs::create_dir_all(&kept).unwrap();
    let lock = File::create(kept.join(LOCK)).unwrap();
    lock.lock().unwrap();
    let made_of = made_of();
    if fs::read_to_string(kept.join(MADE_OF)).ok().as_ref() != Some(&made_of) {
        make(&kept.join(DATA));
        // If we stop here: the next test makes it again.
        fs::write(kept.join(MADE_OF), made_of).unwrap();
    }
    copy(&kept.join(DATA), folder);
}

/// What decides how the folder looks: the versions of the peer, and the statements.
fn made_of() -> String {
    let versions = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peer/requirements.txt")).to_owned();
    statements().iter().chain([&versions]).map(|file| read(file)).collect()
}

fn make(data: &Path) {
    if data.exists() {
        fs::remove_dir_all(data).unwrap();
    }
    fs::create_dir(data).unwrap();
    let peer = Peer::bare().unwrap();
    peer.apply();
    copy(peer.end().path(), data);
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
