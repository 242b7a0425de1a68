//! The clocks. This module alone reads the time.
//!
//! Deadlines use [`now`], tokio's clock, which tests can pause. Times that are stored, or that a
//! person reads, use [`wall`]. Flow tests replace both with [`pretend`], and waits take no time.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::limits::{CLOCK_BELIEVED_AFTER, CLOCK_JUMP_MAX};

/// The monotonic clock. It does not advance in a test that has paused tokio's time.
pub fn now() -> Instant {
    Instant::now()
}

/// The wall clock, as the time since 1970-01-01 00:00 UTC; zero if the clock is set before that.
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
pub fn wall() -> Duration {
    // The pretended wall clock advances with tokio's clock, which the test moves.
    if let Some((since, at)) = PRETENDED.get() {
        return at + now().duration_since(since);
    }
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

thread_local! {
    /// The pretended time of a thread, with the moment when it began.
    static PRETENDED: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) };
}

/// Pretends the time of this thread as long as it lives.
#[derive(Debug)]
pub struct PretendedClock(());

/// Pauses the clocks of this thread at `at`, the time since 1970. From now on time passes only
/// when every task sleeps, and then it jumps: a sleep of an hour takes no time at all.
///
/// # Panics
/// Outside a current-thread runtime, and if the time is pretended already.
pub fn pretend(at: Duration) -> PretendedClock {
    tokio::time::pause();
    PRETENDED.set(Some((now(), at)));
    PretendedClock(())
}

impl Drop for PretendedClock {
    fn drop(&mut self) {
        PRETENDED.set(None);
        tokio::time::resume();
    }
}

/// Notices when the wall clock was set, by comparison with the monotonic clock. Deletions depend on
/// it: a clock that is wrong for a minute must not expire everything at once.
#[derive(Debug)]
pub(crate) struct SteadyClock {
    /// The last moment when the wall clock was believed, and its time then.
    believed: (Instant, Duration),
    /// The moment of its last jump, and its time after it.
    jumped: Option<(Instant, Duration)>,
}

// === impl SteadyClock ===

impl SteadyClock {
    /// Begins with a wall clock that counts as right.
    pub(crate) fn new(now: Instant, wall: Duration) -> SteadyClock {
        SteadyClock { believed: (now, wall), jumped: None }
    }

    /// Whether the wall clock is believed: it advanced like the monotonic clock, or has done so for
    /// [`CLOCK_BELIEVED_AFTER`] since its last jump.
    pub(crate) fn believes(&mut self, now: Instant, wall: Duration) -> bool {
        // Drift and time servers move a clock by less than the bound, a person who sets it by more.
        let runs_on = |(at, said): (Instant, Duration)| {
            wall.abs_diff(said + now.saturating_duration_since(at)) <= CLOCK_JUMP_MAX
        };
        let confirmable = self.jumped.filter(|jump| runs_on(*jump));
        let confirmed = confirmable
            .is_some_and(|(at, _)| now.saturating_duration_since(at) >= CLOCK_BELIEVED_AFTER);
        if runs_on(self.believed) || confirmed {
            *self = SteadyClock::new(now, wall);
            return true;
        }
        // Another jump starts the wait again: only a time that lasts is accepted.
        self.jumped = confirmable.or(Some((now, wall)));
        false
    }

    /// The time up to which waits may end. After a jump ahead that is not believed yet, it is the
    /// time without the jump, so that no wait ends early.
    pub(crate) fn never_early(&mut self, now: Instant, wall: Duration) -> Duration {
        if self.believes(now, wall) {
            return wall;
        }
        // The earlier one: after a jump back, a wait ends late rather than early.
        let (at, said) = self.believed;
        wall.min(said + now.saturating_duration_since(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);
    const TEN_YEARS: Duration = Duration::from_secs(315_360_000);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_clock_that_runs_is_believed_and_one_that_jumps_is_not() {
        let (began, wall) = (now(), TEN_YEARS * 5);
        for jump in [HOUR, TEN_YEARS] {
            for jumped in [wall + jump, wall - jump] {
                let mut steady = SteadyClock::new(began, wall);
                assert!(steady.believes(began + HOUR, wall + HOUR + SECOND), "it drifts");
                let (at, ran) = (began + HOUR, HOUR + SECOND);
                assert!(!steady.believes(at + SECOND, jumped + ran + SECOND), "{jump:?}");
                let early = steady.never_early(at + SECOND, jumped + ran + SECOND);
                assert_eq!(early, jumped.min(wall) + ran + SECOND);
                // It was set right again: as if nothing had been.
                assert!(steady.believes(at + SECOND * 2, wall + ran + SECOND * 2));
            }
        }
    }

    #[test]
    fn a_jump_is_believed_when_it_has_stood_for_a_while() {
        let (began, wall) = (now(), TEN_YEARS * 5);
        let mut steady = SteadyClock::new(began, wall);
        let mut looks = 0;
        let mut passed = SECOND;
        while !steady.believes(began + passed, wall + TEN_YEARS + passed) {
            (looks, passed) = (looks + 1, passed + SECOND);
        }
        assert_eq!(looks, CLOCK_BELIEVED_AFTER.as_secs());
        assert_eq!(steady.never_early(began + passed, wall), wall, "back again: not believed");
        // One that keeps jumping is never believed.
        let mut steady = SteadyClock::new(began, wall);
        for look in 1..2_000 {
            let somewhere = wall + HOUR * (look % 7 + 1);
            assert!(!steady.believes(began + SECOND * look, somewhere + SECOND * look));
        }
    }

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
