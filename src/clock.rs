//! The only place that reads the time.
//!
//! Deadlines use [`now`], tokio's clock, which tests can stop; anything a person reads, or that is
//! stored, uses [`wall`]. Flow tests stop both with [`pretend`], and time passes at once.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::limits::{CLOCK_BELIEVED_AFTER, CLOCK_JUMP_MAX};

/// The monotonic clock. It does not advance in a test that has paused tokio's time.
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
pub struct PretendedClock(());

/// Stops the clocks of this thread at `at`, the time since 1970. From now on time passes only
/// where every task sleeps, and then at once: a sleep of an hour takes no time at all.
///
/// # Panics
/// Outside of a current-thread runtime, and where time is pretended already.
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

/// Tells a wall clock that runs from one that was set, by comparison with the monotonic clock.
/// Deletions ask it: a clock that is wrong for a minute must not expire everything at once.
#[derive(Debug)]
pub struct SteadyClock {
    /// When the wall clock was last believed, and its time then.
    believed: (Instant, Duration),
    /// When it jumped, and where to.
    jumped: Option<(Instant, Duration)>,
}

// === impl Steady ===

impl SteadyClock {
    /// Begins with a wall clock that is believed.
    pub fn new(now: Instant, wall: Duration) -> SteadyClock {
        SteadyClock { believed: (now, wall), jumped: None }
    }

    /// Whether a wall clock is believed: it advanced as the monotonic clock did, or has done so
    /// since its jump for [`CLOCK_BELIEVED_AFTER`].
    pub fn believes(&mut self, now: Instant, wall: Duration) -> bool {
        // Drift and time servers move a clock by less than the bound, a person who sets it by more.
        let goes_on = |(at, said): (Instant, Duration)| {
            wall.abs_diff(said + now.saturating_duration_since(at)) <= CLOCK_JUMP_MAX
        };
        let confirmable = self.jumped.filter(|jump| goes_on(*jump));
        let confirmed = confirmable
            .is_some_and(|(at, _)| now.saturating_duration_since(at) >= CLOCK_BELIEVED_AFTER);
        if goes_on(self.believed) || confirmed {
            *self = SteadyClock::new(now, wall);
            return true;
        }
        // A second jump starts the wait anew: only one that lasts is taken for the time.
        self.jumped = confirmable.or(Some((now, wall)));
        false
    }

    /// The time by which nothing is early: a clock that jumped ahead and is not believed yet is
    /// taken as if it had gone on.
    pub fn never_early(&mut self, now: Instant, wall: Duration) -> Duration {
        if self.believes(now, wall) {
            return wall;
        }
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
