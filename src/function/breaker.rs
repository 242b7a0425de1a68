//! The circuit breaker of one endpoint: after failures in a row, calls fail at once instead of
//! after their timeout.
//!
//! All workers share it. While the calls succeed it costs one relaxed load per call.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::limits::{BREAKER_FAILURES, BREAKER_PROBE_EVERY, BREAKER_WINDOW};

/// A circuit breaker: closed, or open with a probe from time to time.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// Set while `state` holds anything, so that the usual case takes no lock.
    has_failures: AtomicBool,
    state: Mutex<BreakerState>,
}

#[derive(Debug, Default)]
struct BreakerState {
    /// When the last failures were, at most `BREAKER_FAILURES` of them; emptied by a success.
    failures: VecDeque<Instant>,
    /// While open: when the next call may go through.
    probe_at: Option<Instant>,
}

impl Breaker {
    /// Whether a call may be made now. While the breaker is open, one call in
    /// `BREAKER_PROBE_EVERY` may, to find out whether the server is back.
    pub(super) fn try_admit(&self, now: Instant) -> bool {
        // Relaxed: a call that misses the flag is one call more to a server that is down.
        if !self.has_failures.load(Ordering::Relaxed) {
            return true;
        }
        let mut state = self.state.lock();
        match state.probe_at {
            None => true,
            Some(at) if now < at => false,
            // Moved before the probe's outcome is known, so that one call at a time is a probe.
            Some(_) => {
                state.probe_at = Some(now + BREAKER_PROBE_EVERY);
                true
            }
        }
    }

    /// Closes the breaker: the server answered.
    pub(super) fn record_success(&self) {
        if self.has_failures.load(Ordering::Relaxed) {
            let mut state = self.state.lock();
            *state = BreakerState::default();
            self.has_failures.store(false, Ordering::Relaxed);
        }
    }

    /// Counts a failure that another call right now would have, too.
    pub(super) fn record_failure(&self, now: Instant) {
        let mut state = self.state.lock();
        self.has_failures.store(true, Ordering::Relaxed);
        // A call that began before the breaker opened, or the probe: both put the next one off.
        if state.probe_at.is_some() {
            state.probe_at = Some(now + BREAKER_PROBE_EVERY);
            return;
        }
        // Only failures close to each other open it: one a minute is not an outage.
        state.failures.push_back(now);
        while state.failures.front().is_some_and(|at| now.duration_since(*at) > BREAKER_WINDOW) {
            state.failures.pop_front();
        }
        if state.failures.len() >= BREAKER_FAILURES {
            state.probe_at = Some(now + BREAKER_PROBE_EVERY);
        }
    }

    /// Whether calls fail at once.
    pub(super) fn is_open(&self) -> bool {
        self.has_failures.load(Ordering::Relaxed) && self.state.lock().probe_at.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock;

    fn fail(breaker: &Breaker, times: usize, now: Instant) {
        (0..times).for_each(|_| breaker.record_failure(now));
    }

    #[test]
    fn opens_after_failures_in_a_row() {
        let (breaker, start) = (Breaker::default(), clock::now());
        fail(&breaker, BREAKER_FAILURES - 1, start);
        assert!(breaker.try_admit(start) && !breaker.is_open());
        breaker.record_success();
        fail(&breaker, BREAKER_FAILURES - 1, start);
        assert!(breaker.try_admit(start), "a success between them forgives");
        breaker.record_failure(start);
        assert!(!breaker.try_admit(start) && breaker.is_open());
    }

    #[test]
    fn old_failures_do_not_count() {
        let (breaker, start) = (Breaker::default(), clock::now());
        fail(&breaker, BREAKER_FAILURES - 1, start);
        breaker.record_failure(start + BREAKER_WINDOW + Duration::from_millis(1));
        assert!(!breaker.is_open());
    }

    #[test]
    fn one_probe_at_a_time() {
        let (breaker, start) = (Breaker::default(), clock::now());
        fail(&breaker, BREAKER_FAILURES, start);
        let later = start + BREAKER_PROBE_EVERY;
        assert!(!breaker.try_admit(later - Duration::from_millis(1)));
        assert!(breaker.try_admit(later) && !breaker.try_admit(later));
        breaker.record_failure(later);
        assert!(!breaker.try_admit(later + Duration::from_millis(1)));
        assert!(breaker.try_admit(later + BREAKER_PROBE_EVERY));
        breaker.record_success();
        assert!(breaker.try_admit(later) && breaker.try_admit(later) && !breaker.is_open());
    }
}
