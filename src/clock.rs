//! The only place that reads the time.
//!
//! Deadlines use [`now`], tokio's clock, which tests can stop; anything a person reads, or that is
//! stored, uses [`wall`].

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The monotonic clock. In a test with tokio's time paused it stands still.
pub fn now() -> Instant {
    Instant::now()
}

/// The wall clock, as the time since 1970-01-01 00:00 UTC. A machine whose clock is set before
/// that gets zero.
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
pub fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
