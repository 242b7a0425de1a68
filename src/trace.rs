//! Traces: what happened in each conversation, stored in a file for people who want
//! to know what a caller heard, and why.
//!
//! The journal hands an [`TraceEntry`] for each exchange to a [`TraceWriter`]; its thread writes
//! them to `file`, under the `budget` of the configuration, without what `privacy` removes.
//! [`TraceReader`] searches the file, also from another process.
//!
//! Traces are best effort, as the log is. A call never waits for them: where the queue is full, or
//! the file cannot be written, entries are dropped and counted. Nothing reads a trace to decide how
//! to answer a webhook.

mod budget;
mod entry;
mod file;
mod privacy;
mod reader;
mod writer;

pub use entry::{ConversationOutcome, TraceCall, TraceCarrierRequest, TraceEntry, TraceTransition};
pub(crate) use entry::{WidgetStep, format_path};
pub use reader::{FollowedEntry, TraceQuery, TraceReader, TracedConversation};
pub use writer::TraceWriter;

/// The reason why a trace cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// There is no such file.
    #[error("there is no trace file `{0}`")]
    Missing(String),
    /// The file is not one of traces, or of a later version.
    #[error("`{file}` is not a trace file of this version: {reason}")]
    Foreign {
        /// The file.
        file: String,
        /// What it is instead.
        reason: String,
    },
    /// SQLite reports an error.
    #[error("{0}")]
    Sql(#[from] rusqlite::Error),
}
