//! What SQLite's errors mean for whoever waits.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::error::CallError;

/// The failure of a statement on the file at a path. [`CallError::Denied`] means that the values are never taken; after
/// any other failure the same statements may succeed later.
pub(super) fn failed(error: &rusqlite::Error, path: &Path) -> CallError {
    let file = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch) => {
            CallError::denied(error.to_string(), format!("{file} never takes these values"))
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            CallError::Broken(format!("another program holds {file} ({error})"))
        }
        Some(ErrorCode::DiskFull) => {
            CallError::Broken(format!("the disk is full: {file} cannot grow until there is room ({error})"))
        }
        Some(ErrorCode::SystemIoFailure) => CallError::Broken(format!(
            "{file} cannot be read or written: check its disk, and whether it is full ({error})"
        )),
        _ => CallError::Broken(format!("{file}: {error}")),
    }
}

/// The failure to open the file at a path. A person must act, unless another program holds it.
pub(super) fn unopened(error: &rusqlite::Error, path: &Path) -> CallError {
    let failure = failed(error, path);
    let is_held = matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked));
    let hint = "Check that the file can be written, and is an aig-logs file";
    if is_held { failure } else { CallError::denied(failure.to_string(), hint) }
}
