//! The gate before one function: so many calls at a time, and nobody waits who would be too late.
//!
//! A worker has one for each function, so that a slow one keeps nobody from the others. Who waits
//! is let in in the order of arrival. How long that takes is known from the calls before: whoever
//! could not be answered in time any more is told at once, so that under ten times the load the
//! function still works for those who are there to hear it. So is whoever would wait for long: a
//! longer queue gets nobody more out of the function, and is still there when the load is over.

use std::cell::Cell;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::clock;
use crate::limits::FUNCTION_QUEUE_WITHIN;

/// Of a new call's time, this part goes into what is typical.
const WEIGHT: u32 = 8;

/// The gate.
#[derive(Debug)]
pub(super) struct Gate {
    places: Semaphore,
    /// How many there are.
    size: usize,
    waiting: Cell<usize>,
    /// Whether those who wait are kept company, and may wait as long as they have time.
    patient: bool,
    /// How long a call takes, about; zero while none is known.
    typical: Cell<Duration>,
}

/// The right to call. Dropped, it goes to the next who waits.
#[derive(Debug)]
pub(super) struct Place<'a> {
    gate: &'a Gate,
    since: Instant,
    _permit: SemaphorePermit<'a>,
}

/// One who waits, also if he goes away.
struct Waits<'a>(&'a Gate);

impl Gate {
    /// A gate for so many calls at a time.
    pub(super) fn new(size: usize, patient: bool) -> Gate {
        let size = size.max(1);
        Gate {
            places: Semaphore::new(size.min(Semaphore::MAX_PERMITS)),
            size,
            waiting: Cell::new(0),
            patient,
            typical: Cell::new(Duration::ZERO),
        }
    }

    /// Waits for a place. `None` where it would come too late for a call that must be over by
    /// `deadline`: at once, if that can be told.
    pub(super) async fn enter(&self, deadline: Instant) -> Option<Place<'_>> {
        if self.waiting.get() == 0
            && let Ok(permit) = self.places.try_acquire()
        {
            return Some(self.place(permit));
        }
        let (queue, typical) = (self.queue(), self.typical.get());
        let too_long = !self.patient && queue > FUNCTION_QUEUE_WITHIN.max(typical * 2);
        if too_long || clock::now() + queue + typical > deadline {
            return None;
        }
        let waits = Waits::new(self);
        let permit = self.places.acquire().await.ok()?;
        drop(waits);
        // It took longer than those before him had let expect.
        let late = clock::now() + self.typical.get() > deadline;
        (!late).then(|| self.place(permit))
    }

    fn place<'a>(&'a self, permit: SemaphorePermit<'a>) -> Place<'a> {
        Place { gate: self, since: clock::now(), _permit: permit }
    }

    /// When it would be the turn of a call that comes now: after those who wait already.
    fn queue(&self) -> Duration {
        let rounds = (self.waiting.get() + self.size) as f64 / self.size as f64;
        self.typical.get().mul_f64(rounds)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let took = clock::now().duration_since(self.since);
        let before = self.gate.typical.get();
        self.gate.typical.set(match before {
            Duration::ZERO => took,
            before => (before * (WEIGHT - 1) + took) / WEIGHT,
        });
    }
}

impl<'a> Waits<'a> {
    fn new(gate: &'a Gate) -> Waits<'a> {
        gate.waiting.set(gate.waiting.get() + 1);
        Waits(gate)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.set(self.0.waiting.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use tokio::time::{advance, sleep};

    use super::*;

    const CALL: Duration = Duration::from_secs(1);

    /// Somebody who calls, and must be through within so many seconds; whether he was.
    async fn call(gate: Rc<Gate>, within: u64) -> bool {
        let deadline = clock::now() + Duration::from_secs(within);
        let Some(_place) = gate.enter(deadline).await else { return false };
        sleep(CALL).await;
        true
    }

    #[actix_web::test]
    async fn whoever_would_be_too_late_is_told_at_once() {
        tokio::time::pause();
        let gate = Rc::new(Gate::new(2, true));
        assert!(call(Rc::clone(&gate), 5).await);
        let began = clock::now();
        let calls: Vec<_> =
            (0..20).map(|_| actix_web::rt::spawn(call(Rc::clone(&gate), 5))).collect();
        let mut through = 0;
        for call in calls {
            through += usize::from(call.await.unwrap());
        }
        let took = clock::now() - began;
        assert!((6..=10).contains(&through), "{through} of 20 in {took:?}");
        assert!(
            took <= Duration::from_secs(5),
            "nobody was called for who was not there: {took:?}"
        );
    }

    /// How many of a hundred get through, each of whom has ten seconds, where a call takes so long.
    async fn through(patient: bool, call: Duration) -> usize {
        let gate = Rc::new(Gate::new(2, patient));
        gate.typical.set(call);
        let deadline = clock::now() + Duration::from_secs(10);
        let calls = (0..100).map(|_| {
            let gate = Rc::clone(&gate);
            actix_web::rt::spawn(async move {
                let Some(_place) = gate.enter(deadline).await else { return false };
                sleep(call).await;
                true
            })
        });
        let mut through = 0;
        for call in calls.collect::<Vec<_>>() {
            through += usize::from(call.await.unwrap());
        }
        through
    }

    /// A gate of one place, which is taken; a call takes `typical` milliseconds.
    async fn taken(patient: bool, typical: u64, work: impl AsyncFnOnce(&Gate)) {
        let gate = Gate::new(1, patient);
        gate.typical.set(Duration::from_millis(typical));
        let place = gate.enter(clock::now() + Duration::from_secs(60)).await;
        work(&gate).await;
        drop(place);
    }

    /// Whether somebody who has so many milliseconds begins to wait.
    async fn waits(gate: &Gate, within: u64) -> bool {
        let deadline = clock::now() + Duration::from_millis(within);
        let mut enter = std::pin::pin!(gate.enter(deadline));
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(enter.as_mut().poll(context).is_pending())
        })
        .await
    }

    #[actix_web::test]
    async fn who_would_be_through_at_his_deadline_waits_and_a_millisecond_less_is_too_late() {
        tokio::time::pause();
        // One call before him, and his own.
        taken(true, 100, async |gate| {
            assert!(waits(gate, 200).await && !waits(gate, 199).await);
            let _two = (Waits::new(gate), Waits::new(gate));
            assert!(waits(gate, 400).await && !waits(gate, 399).await);
        })
        .await;
    }

    #[actix_web::test]
    async fn the_longest_queue_is_two_seconds_or_two_calls() {
        tokio::time::pause();
        for (typical, waiting) in [(100, 19), (3000, 1)] {
            taken(false, typical, async |gate| {
                let _waiting: Vec<_> = (0..waiting).map(|_| Waits::new(gate)).collect();
                assert!(waits(gate, 60_000).await, "{typical} ms");
                let _one_more = Waits::new(gate);
                assert!(!waits(gate, 60_000).await, "{typical} ms");
            })
            .await;
        }
    }

    #[actix_web::test]
    async fn who_got_his_turn_too_late_does_not_call() {
        // The call before him takes 180 ms: 110 ms are typical then, he would be through at 290.
        tokio::time::pause();
        for (within, through) in [(290, true), (289, false)] {
            let gate = Gate::new(1, true);
            gate.typical.set(Duration::from_millis(100));
            let first = gate.enter(clock::now() + CALL).await;
            let second = gate.enter(clock::now() + Duration::from_millis(within));
            let works = async {
                advance(Duration::from_millis(180)).await;
                drop(first);
            };
            let (second, ()) = tokio::join!(second, works);
            assert_eq!(second.is_some(), through, "{within} ms");
        }
    }

    #[actix_web::test]
    async fn what_is_typical_is_the_first_time_and_then_follows_the_others() {
        tokio::time::pause();
        let gate = Gate::new(1, true);
        for (took, typical) in [(1000, 1000), (200, 900), (1700, 1000)] {
            let place = gate.enter(clock::now() + CALL * 10).await;
            advance(Duration::from_millis(took)).await;
            drop(place);
            assert_eq!(gate.typical.get(), Duration::from_millis(typical));
        }
    }

    #[actix_web::test]
    async fn nobody_waits_for_long_unless_he_is_kept_company() {
        tokio::time::pause();
        // Two at a time: in two seconds 20 calls of 200 ms, in twice their own time 4 of 3 s.
        let (quick, slow) = (Duration::from_millis(200), Duration::from_secs(3));
        assert!((20..=24).contains(&through(false, quick).await));
        assert!(through(true, quick).await > 80);
        assert!((4..=6).contains(&through(false, slow).await));
    }

    #[actix_web::test]
    async fn who_goes_away_gives_his_place_up() {
        tokio::time::pause();
        let gate = Rc::new(Gate::new(1, true));
        let first = actix_web::rt::spawn(call(Rc::clone(&gate), 5));
        let second = actix_web::rt::spawn(call(Rc::clone(&gate), 5));
        sleep(Duration::from_millis(1)).await;
        second.abort();
        first.await.unwrap();
        assert_eq!(gate.waiting.get(), 0);
        assert!(call(gate, 5).await);
    }

    #[actix_web::test]
    async fn after_slow_times_it_opens_again() {
        tokio::time::pause();
        let gate = Gate::new(1, true);
        gate.typical.set(Duration::from_secs(60));
        assert!(gate.enter(clock::now() + Duration::from_secs(5)).await.is_some());
        for _ in 0..40 {
            drop(gate.enter(clock::now() + Duration::from_secs(5)).await);
        }
        assert!(gate.typical.get() < CALL);
    }
}
