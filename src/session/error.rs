//! What can go wrong with a store.

use std::path::PathBuf;

/// Why a store did not do what it was asked for. Nothing of the request is kept then, unless the
/// device lost its word: see [`StoreError::Failed`].
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
    /// More requests wait for it than it will queue.
    #[error("the store has more to write than it can take on")]
    Busy,
    /// Another execution is active for this session.
    #[error("the session has an active execution already, {0}")]
    Conflict(String),
    /// One record was damaged, or is of a form that this version does not know. All others can be
    /// used, and a new execution may take its session over.
    #[error("the stored record of {0} is damaged, or another version's")]
    Corrupt(String),
    /// The file or its device fails. Where that came to light only as the device was told to make
    /// it last, the change may be there after all; its claim is then found, and its reply given.
    #[error("the store failed: {0}")]
    Failed(String),
}
