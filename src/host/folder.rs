//! A folder as an archive. An object is a file: it is there as a whole, or not at all.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};

use super::server::{Archive, Object};
use crate::error::CallError;

/// A folder that archives objects.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder at a path, made if it is missing.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn at(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        Ok(Self(path.to_owned()))
    }

    fn read(&self, name: &str) -> io::Result<Option<Object>> {
        match fs::read(self.0.join(name)) {
            Ok(bytes) => Ok(Some(Object { version: format!("{:x}", Sha256::digest(&bytes)), bytes })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the object was written, because the version that it replaces was there.
    fn write(&self, name: &str, bytes: &[u8], replaces: Option<&str>) -> io::Result<bool> {
        let path = self.0.join(name);
        let folder = path.parent().unwrap_or(&self.0);
        make_durably(folder)?;
        // Nobody else writes until the lock is dropped with its file.
        let lock = File::open(&self.0)?;
        flock(&lock, FlockOperation::LockExclusive)?;
        if self.read(name)?.as_ref().map(|object| object.version.as_str()) != replaces {
            return Ok(false);
        }
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        // The name is durable when its folder is.
        File::open(folder)?.sync_all()?;
        Ok(true)
    }
}

/// Makes a folder and those above it, each durably in the one above.
fn make_durably(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let Some(above) = folder.parent() else { return Ok(()) };
    make_durably(above)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => File::open(above)?.sync_all(),
    }
}

impl Archive for Folder {
    async fn get(&self, name: &str) -> Result<Option<Object>, CallError> {
        let (folder, name) = (self.clone(), name.to_owned());
        blocking(move || folder.read(&name)).await
    }

    async fn put(&self, name: &str, bytes: Vec<u8>, replaces: Option<&str>) -> Result<(), CallError> {
        let (folder, object, replaces) = (self.clone(), name.to_owned(), replaces.map(str::to_owned));
        let is_written = blocking(move || folder.write(&object, &bytes, replaces.as_deref())).await?;
        let changed = || CallError::Broken(format!("another program has just written {name} of the archive"));
        is_written.then_some(()).ok_or_else(changed)
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, CallError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(io::Error::from).flatten();
    done.map_err(|error| CallError::Broken(format!("the folder of the archive: {error}")))
}
