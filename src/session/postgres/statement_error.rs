//! What an error of PostgreSQL affects, by its SQLSTATE.

use tokio_postgres::Error;

/// Why a statement was not run, or may not have been.
#[derive(Debug)]
pub(super) enum StatementError {
    /// This request can never be run.
    Request(String),
    /// It was rolled back, and can be sent again.
    Transient(String),
    /// Its fate is unknown, and the connection is of no use any more.
    Connection(String),
}

// === impl StatementError ===

impl From<Error> for StatementError {
    fn from(error: Error) -> StatementError {
        let Some(database) = error.as_db_error() else {
            return if error.is_closed() || std::error::Error::source(&error).is_some() {
                StatementError::Connection(describe(&error))
            } else {
                StatementError::Request(describe(&error))
            };
        };
        let text = database.to_string();
        match database.code().code() {
            // Read-only: the server was demoted, and will refuse every commit.
            "25006" | "57P01" | "57P02" | "57P03" | "57P05" => StatementError::Connection(text),
            // A lock that was not granted in time, a deadlock, a serialization failure, a statement
            // that was cancelled, a row that another transaction inserted meanwhile.
            "55P03" | "40P01" | "40001" | "57014" | "23505" => StatementError::Transient(text),
            code if code.starts_with("08") => StatementError::Connection(text),
            // No memory, no disk, too many connections.
            code if code.starts_with("53") => StatementError::Transient(text),
            _ => StatementError::Request(text),
        }
    }
}

/// The text of an error with its causes. It has neither the password nor the values of a statement.
pub(super) fn describe(error: &Error) -> String {
    if let Some(database) = error.as_db_error() {
        return database.to_string();
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
