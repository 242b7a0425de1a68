//! Why a Node process gave no answer.

use std::time::Duration;

use crate::limits::NODE_QUEUE_MAX;

/// Why a Node process gave no answer. Each message continues "function `name` …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProcessError {
    /// No process could be started.
    #[error("cannot be run: {reason}")]
    Start {
        /// What Node or the system said.
        reason: String,
    },
    /// The process ended during the call.
    #[error("ended its process ({reason}); it has been replaced")]
    Ended {
        /// How it ended, and the last line that it wrote.
        reason: String,
    },
    /// The process used more memory than it may.
    #[error(
        "used more than {limit_mb} MB of memory, so its process was ended; use less, or raise \
         `memory_mb` under `[functions]`"
    )]
    Memory {
        /// The configured limit.
        limit_mb: u64,
    },
    /// The time was over.
    #[error("took longer than {after:?}, so its process was ended")]
    Timeout {
        /// The time that it had.
        after: Duration,
    },
    /// Too many calls wait for a process.
    #[error("is not called: {NODE_QUEUE_MAX} calls wait for a process; raise `processes`")]
    QueueFull,
}

impl ProcessError {
    /// The class of the error as one word for logs and metrics. The words are stable.
    pub fn kind(&self) -> &'static str {
        match self {
            ProcessError::Start { .. } => "start",
            ProcessError::Ended { .. } => "ended",
            ProcessError::Memory { .. } => "memory",
            ProcessError::Timeout { .. } => "timeout",
            ProcessError::QueueFull => "busy",
        }
    }
}
