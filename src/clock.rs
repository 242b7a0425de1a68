//! The only place that reads the time.
//!
//! Deadlines use [`now`], tokio's clock, which tests can stop; anything a person reads, or that is
//! stored, uses [`wall`]. Flow tests stop both with [`pretend`], and time passes at once.

use std::cell::Cell;
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
    if let Some((since, at)) = PRETENDED.get() {
        return at + now().duration_since(since);
    }
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

thread_local! {
    /// The moment that a thread pretends to be at, and since when.
    static PRETENDED: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) };
}

/// While it lives, time on this thread is only pretended.
#[derive(Debug)]
pub struct Pretended(());

/// Stops the clocks of this thread at `at`, the time since 1970. From now on time passes only
/// where everybody waits for it, and then at once: a sleep of an hour takes no time at all.
///
/// # Panics
/// Outside of a current-thread runtime, and where time is pretended already.
pub fn pretend(at: Duration) -> Pretended {
    tokio::time::pause();
    PRETENDED.set(Some((now(), at)));
    Pretended(())
}

impl Drop for Pretended {
    fn drop(&mut self) {
        PRETENDED.set(None);
        tokio::time::resume();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn pretended_time_passes_at_once() {
        let began = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        {
            let _pretended = pretend(Duration::from_secs(1_000));
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            assert_eq!(wall().as_secs(), 4_600);
        }
        assert!(wall() >= began && wall() - began < Duration::from_secs(3_600));
    }
}
