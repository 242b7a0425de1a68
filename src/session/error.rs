//! The errors of a store.

use std::path::PathBuf;

use actix_web::web::Bytes;

/// The reason why a store did not do what a request asks for. Nothing of the request is stored
/// then, with one exception: see [`StoreError::Failed`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be opened; for the operator, at start.
    #[error("cannot use the store `{}`: {reason}; {advice}", file.display())]
    Open {
        /// The file that `[store] url` names.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// The queue of requests is full.
    #[error("the store has more to write than it can take on")]
    Busy,
    /// Another execution, with this sid, is active for the session.
    #[error("the session has an active execution already, {0}")]
    Conflict(String),
    /// The execution with this sid is not, or no longer, as the commit's turn has read it.
    #[error("the execution {0} has changed since this turn has read it")]
    Stale(String),
    /// Another process has answered the webhook, with these bytes.
    #[error("another gateway has answered the webhook")]
    Answered(Bytes),
    /// The record with this sid is damaged, or has a form that this version does not know. All
    /// others can be used, and a new execution may take over its session.
    #[error("the stored record of {0} is damaged, or another version's")]
    Corrupt(String),
    /// The file or its device fails. Where that came to light only at the sync, the change may be
    /// on the disk after all; a repeat then finds its claim, and gets its reply.
    #[error("the store failed: {0}")]
    Failed(String),
}
