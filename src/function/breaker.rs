//! The breaker of one function: after failures in a row, calls fail at once instead of in time.
//!
//! It is shared by all workers. While all is well it costs one relaxed load per call.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::limits::{BREAKER_FAILURES, BREAKER_PROBE_EVERY, BREAKER_WINDOW};

/// Closed, or open with a probe from time to time.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// Set while `state` holds anything, so that the usual case takes no lock.
    troubled: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When the last failures were, at most `BREAKER_FAILURES` of them; emptied by a success.
    failures: VecDeque<Instant>,
    /// While open: when the next call may go through.
    probe_at: Option<Instant>,
}

impl Breaker {
    /// Whether a call may be made now. While the breaker is open, `true` is given to one call in
    /// `BREAKER_PROBE_EVERY`.
    pub(super) fn admits(&self, now: Instant) -> bool {
        if !self.troubled.load(Ordering::Relaxed) {
            return true;
        }
        let mut state = self.lock();
        match state.probe_at {
            None => true,
            Some(at) if now < at => false,
            Some(_) => {
                state.probe_at = Some(now + BREAKER_PROBE_EVERY);
                true
            }
        }
    }

    /// The function answered: all is well again.
    pub(super) fn succeeded(&self) {
        if self.troubled.load(Ordering::Relaxed) {
            let mut state = self.lock();
            *state = State::default();
            self.troubled.store(false, Ordering::Relaxed);
        }
    }

    /// The function failed in a way that another call right now would, too.
    pub(super) fn failed(&self, now: Instant) {
        let mut state = self.lock();
        self.troubled.store(true, Ordering::Relaxed);
        if state.probe_at.is_some() {
            state.probe_at = Some(now + BREAKER_PROBE_EVERY);
            return;
        }
        state.failures.push_back(now);
        while state.failures.front().is_some_and(|at| now.duration_since(*at) > BREAKER_WINDOW) {
            state.failures.pop_front();
        }
        if state.failures.len() >= BREAKER_FAILURES {
            state.probe_at = Some(now + BREAKER_PROBE_EVERY);
        }
    }

    /// Whether calls are failed at once.
    pub(super) fn is_open(&self) -> bool {
        self.troubled.load(Ordering::Relaxed) && self.lock().probe_at.is_some()
    }

    /// A panic while the lock was held leaves nothing half done: every change is one assignment.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock;

    fn fail(breaker: &Breaker, times: usize, now: Instant) {
        (0..times).for_each(|_| breaker.failed(now));
    }

    #[test]
    fn opens_after_failures_in_a_row() {
        let (breaker, start) = (Breaker::default(), clock::now());
        fail(&breaker, BREAKER_FAILURES - 1, start);
        assert!(breaker.admits(start) && !breaker.is_open());
        breaker.succeeded();
        fail(&breaker, BREAKER_FAILURES - 1, start);
        assert!(breaker.admits(start), "a success between them forgives");
        breaker.failed(start);
        assert!(!breaker.admits(start) && breaker.is_open());
    }

    #[test]
    fn old_failures_do_not_count() {
        let (breaker, start) = (Breaker::default(), clock::now());
        fail(&breaker, BREAKER_FAILURES - 1, start);
        breaker.failed(start + BREAKER_WINDOW + Duration::from_millis(1));
        assert!(!breaker.is_open());
    }

    #[test]
    fn one_probe_at_a_time() {
        let (breaker, start) = (Breaker::default(), clock::now());
        fail(&breaker, BREAKER_FAILURES, start);
        let later = start + BREAKER_PROBE_EVERY;
        assert!(!breaker.admits(later - Duration::from_millis(1)));
        assert!(breaker.admits(later) && !breaker.admits(later));
        breaker.failed(later);
        assert!(!breaker.admits(later + Duration::from_millis(1)));
        assert!(breaker.admits(later + BREAKER_PROBE_EVERY));
        breaker.succeeded();
        assert!(breaker.admits(later) && breaker.admits(later) && !breaker.is_open());
    }
}
