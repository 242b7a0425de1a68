//! `[trace]`: what is stored of conversations.

use std::path::PathBuf;
use std::time::Duration;

/// `[trace]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceSection {
    /// The file; `None`: nothing is stored.
    pub file: Option<PathBuf>,
    /// Exchanges in a second that are stored whole.
    pub per_second: u64,
    /// The time after its last change for which a conversation is stored.
    pub max_age: Duration,
    /// The size of the file above which the oldest conversations are deleted.
    pub bytes_max: u64,
    /// Parameters, and members of JSON, whose values are not stored.
    pub never: Vec<String>,
}
