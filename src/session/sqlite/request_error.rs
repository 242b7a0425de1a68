//! The errors of a request, and what an error of SQLite means for it, for its group, and for the
//! connection.

use rusqlite::ErrorCode;

use crate::session::StoreError;

/// The reason why a read or a write was not done.
#[derive(Debug)]
pub(super) enum RequestError {
    /// The request is refused; nothing is wrong with the file.
    Refused(StoreError),
    /// SQLite reports an error.
    Sql(rusqlite::Error),
}

/// What an error of SQLite affects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorScope {
    /// This request alone: a value that is too large.
    Request,
    /// All that would be written now, and it passes: the disk is full, or another program has
    /// locked the file.
    Group,
    /// The connection: its pages in memory may differ from the file. After a sync that failed it
    /// is unknown what is on the disk, so the file must be opened and checked anew.
    Connection,
}

/// The scope of an error.
pub(super) fn error_scope(error: &rusqlite::Error) -> ErrorScope {
    match error.sqlite_error_code() {
        // No code: a value of another type than its column should have.
        None | Some(ErrorCode::TooBig | ErrorCode::ConstraintViolation) => ErrorScope::Request,
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            ErrorScope::Group
        }
        // Any error that is not known to be harmless counts as the worst one.
        Some(_) => ErrorScope::Connection,
    }
}

/// An error in words for an operator.
pub(super) fn describe(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full".to_owned(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program has locked the file".to_owned()
        }
        _ => error.to_string(),
    }
}

impl From<rusqlite::Error> for RequestError {
    fn from(error: rusqlite::Error) -> RequestError {
        RequestError::Sql(error)
    }
}
