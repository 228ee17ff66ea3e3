//! Where events go before they are deleted: a folder, a bucket of R2.

use crate::error::CallError;

/// An object of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What tells this version of it from any other.
    pub version: String,
}

/// A durable store of objects by name.
#[expect(async_fn_in_trait, reason = "a host picks the archive, and knows whether its futures are Send")]
pub trait Archive {
    /// The object of this name, as it was last kept.
    ///
    /// # Errors
    /// If the archive does not answer.
    async fn get(&self, name: &str) -> Result<Option<Object>, CallError>;

    /// Keeps an object durably, in place of the version that the caller has read; none: there was no such object. Two
    /// callers never replace what the other has kept.
    ///
    /// # Errors
    /// If this is not certain, or another version is there now.
    async fn put(&self, name: &str, bytes: Vec<u8>, replaces: Option<&str>) -> Result<(), CallError>;
}
