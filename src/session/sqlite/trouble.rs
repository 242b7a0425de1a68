//! What SQLite's errors mean for the request, for its group, and for the connection.

use rusqlite::ErrorCode;

use crate::session::StoreError;

/// Why a request was not done.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It cannot be done; nothing is wrong with the store.
    Refused(StoreError),
    /// SQLite says no.
    Sql(rusqlite::Error),
}

/// What an error of SQLite is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// This request alone: a value that is too large.
    Request,
    /// All that would be written now, and it passes: the disk is full, or another program is at it.
    Group,
    /// The connection: what it believes about the file may be wrong. After a sync that failed,
    /// nobody knows what is on the disk; the file must be opened and checked anew.
    Connection,
}

/// What an error is about.
pub(super) fn reach(error: &rusqlite::Error) -> Reach {
    match error.sqlite_error_code() {
        None | Some(ErrorCode::TooBig | ErrorCode::ConstraintViolation) => Reach::Request,
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Reach::Group
        }
        Some(_) => Reach::Connection,
    }
}

/// Whether the bytes of the file are not those of a database.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
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

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Trouble {
        Trouble::Sql(error)
    }
}
