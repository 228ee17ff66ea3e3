//! The place of an open file. It tells whether the file is still found there.

use std::{
    fs::{self, File, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::error::CallError;

/// The problem of a file that has left its place.
pub const MOVED: &str = "the file was replaced, moved or deleted while this program had it open";

/// The path of a file, and the identity of the file that was there when it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    path: PathBuf,
    /// Device and inode.
    file: (u64, u64),
}

impl Place {
    /// The place of the file at a path. Call this before the file is opened: if another file takes its place in
    /// between, the place does not hold. That is a false alarm, and no alarm is missed.
    ///
    /// # Errors
    /// If there is no file.
    pub fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), file: identity(&fs::metadata(path)?) })
    }

    /// The place of a file that is already open.
    ///
    /// # Errors
    /// If the system does not tell the identity of the file.
    pub fn of_open(path: &Path, file: &File) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), file: identity(&file.metadata()?) })
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file is still there.
    #[must_use]
    pub fn holds(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| identity(&metadata) == self.file)
    }
}

/// The failure of a write into a file that has left its place.
pub(crate) fn moved(place: &Place) -> CallError {
    let hint = format!("Put {} back, or start again with the file that is there", place.path().display());
    CallError::denied(MOVED, hint)
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_holds_until_another_file_is_there_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let [path, elsewhere] = ["a", "b"].map(|name| folder.path().join(name));
        assert!(Place::of(&path).is_err());
        fs::write(&path, "1").unwrap();
        let place = Place::of(&path).unwrap();
        assert_eq!(Place::of_open(&path, &File::open(&path).unwrap()).unwrap(), place);
        fs::write(&path, "2").unwrap();
        assert!(place.holds(), "it was written to");
        fs::rename(&path, &elsewhere).unwrap();
        assert!(!place.holds(), "it was moved");
        fs::write(&path, "2").unwrap();
        assert!(!place.holds(), "it was replaced");
        fs::rename(&elsewhere, &path).unwrap();
        assert!(place.holds(), "it was put back");
    }
}
