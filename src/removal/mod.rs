//! What goes away again: the rows of a user who is erased, and what is too old.

mod object;

pub mod erase;
pub mod retention;

/// What an archive still holds of a user of an org after an erase.
#[must_use]
pub fn archive_note(org: &str) -> String {
    let folder = object::folder(org);
    format!(
        "hours that were archived before are not written again: objects under {folder}/ may still hold the user's events"
    )
}
