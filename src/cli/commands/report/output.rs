//! Where a report goes: to the standard output, or into a file.

use std::{
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{self, Path},
};

use tempfile::Builder;

use crate::cli::failure::Failure;

/// The permissions of a new file, of which the user's mask takes its part.
const USUAL: u32 = 0o666;

/// Writes a file: all of it, or nothing. A file that is there is replaced, as by a shell.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    replace(path, text.as_bytes()).map_err(|error| {
        Failure::denied(format!("writing {}", path.display()), error, "Nothing of it was changed. Check the path")
    })
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link stays one.
    let path = fs::canonicalize(path).or_else(|_| path::absolute(path))?;
    let old = fs::metadata(&path).ok();
    // A pipe or a terminal takes what is written, and a folder refuses.
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        return fs::OpenOptions::new().write(true).open(&path)?.write_all(bytes);
    }
    let permissions = old.as_ref().map_or_else(|| Permissions::from_mode(USUAL), fs::Metadata::permissions);
    let folder = path.parent().unwrap_or(&path);
    let mut file = Builder::new().permissions(Permissions::from_mode(USUAL)).tempfile_in(folder)?;
    file.write_all(bytes)?;
    if old.is_some() {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(&path).map(|_| ()).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Read, os::unix::fs::PermissionsExt};

    use super::write;

    #[test]
    fn a_file_is_replaced_whole_and_keeps_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.csv");
        write(&path, "one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let mut reader = fs::File::open(&path).unwrap();
        write(&link, "two").unwrap();
        // Who reads the old file reads it to its end.
        let mut old = String::new();
        reader.read_to_string(&mut old).unwrap();
        assert_eq!(old, "one");
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_is_no_file_stays_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write(folder.path(), "one").unwrap_err().to_string().contains("Check the path"));
        assert!(write(&folder.path().join("no/such"), "one").is_err());
        write("/dev/null".as_ref(), "one").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
