//! The concurrency limit of one endpoint: so many calls at a time, and a queue for the others, in
//! the order of their arrival. A worker has one per endpoint.
//!
//! A call that could not end by its deadline is rejected at once, so that under ten times the load
//! the function still works for those callers who are there to hear the answer. With `n` permits,
//! `q` calls in the queue and `t` the typical duration of a call, a new call
//!
//! ```text
//! waits for    t * (q + n) / n
//! ends after   t * (q + n) / n + t
//! ```
//!
//! and is rejected if it would end after its deadline. It is also rejected if it would wait longer
//! than [`FUNCTION_QUEUE_WITHIN`] and 2 `t`: a longer queue gets no more calls out of the function,
//! and is still there when the load is over. The second rule does not hold where callers are held
//! meanwhile (`queue_until_deadline`). A call of duration `d` changes `t` to `(7 t + d) / 8`.

use std::cell::Cell;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use crate::clock;
use crate::limits::FUNCTION_QUEUE_WITHIN;

/// The typical duration is an average in which a new call counts as one of so many.
const AVERAGE_OVER: u32 = 8;

/// A limit of calls at a time, with a queue.
#[derive(Debug)]
pub(super) struct ConcurrencyLimit {
    semaphore: Semaphore,
    /// The number of permits.
    size: usize,
    /// Calls in the queue.
    queued: Cell<usize>,
    queue_until_deadline: bool,
    /// The typical duration of a call; zero while none is known.
    typical: Cell<Duration>,
}

/// The right to make a call. Dropped, it goes to the first call of the queue.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    limit: &'a ConcurrencyLimit,
    since: Instant,
    _permit: SemaphorePermit<'a>,
}

/// Why a call got no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LimitError {
    /// The queue is too long for it.
    QueueTooLong,
    /// Its deadline passed in the queue.
    DeadlinePassed,
}

/// A call in the queue, counted until it leaves, also when it is cancelled.
struct QueueEntry<'a>(&'a ConcurrencyLimit);

impl ConcurrencyLimit {
    /// A limit of `size` calls at a time. With `queue_until_deadline` a call may wait as long as
    /// it has time.
    pub(super) fn new(size: usize, queue_until_deadline: bool) -> ConcurrencyLimit {
        let size = size.max(1);
        ConcurrencyLimit {
            semaphore: Semaphore::new(size.min(Semaphore::MAX_PERMITS)),
            size,
            queued: Cell::new(0),
            queue_until_deadline,
            typical: Cell::new(Duration::ZERO),
        }
    }

    /// Waits for a permit, for a call that must end by `deadline`.
    ///
    /// # Errors
    /// If it would come too late: at once, as far as that can be estimated.
    pub(super) async fn acquire(&self, deadline: Instant) -> Result<Permit<'_>, LimitError> {
        // The usual case, without a timer. A queue goes first.
        if self.queued.get() == 0
            && let Ok(permit) = self.semaphore.try_acquire()
        {
            return Ok(self.permit(permit));
        }
        let (wait, typical) = (self.expected_wait(), self.typical.get());
        let too_long = !self.queue_until_deadline && wait > FUNCTION_QUEUE_WITHIN.max(typical * 2);
        if too_long || clock::now() + wait + typical > deadline {
            return Err(LimitError::QueueTooLong);
        }
        let entry = QueueEntry::new(self);
        let acquired = timeout_at(deadline, self.semaphore.acquire()).await;
        let acquired = acquired.map_err(|_| LimitError::DeadlinePassed)?;
        // The semaphore is never closed.
        let permit = acquired.map_err(|_| LimitError::QueueTooLong)?;
        drop(entry);
        // The calls before it took longer than expected: there is no time left for this one.
        if clock::now() + self.typical.get() > deadline {
            return Err(LimitError::QueueTooLong);
        }
        Ok(self.permit(permit))
    }

    fn permit<'a>(&'a self, permit: SemaphorePermit<'a>) -> Permit<'a> {
        Permit { limit: self, since: clock::now(), _permit: permit }
    }

    /// How long a call that comes now waits, about: for those in the queue.
    fn expected_wait(&self) -> Duration {
        let rounds = (self.queued.get() + self.size) as f64 / self.size as f64;
        self.typical.get().mul_f64(rounds)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let took = clock::now().duration_since(self.since);
        let before = self.limit.typical.get();
        self.limit.typical.set(match before {
            Duration::ZERO => took,
            before => (before * (AVERAGE_OVER - 1) + took) / AVERAGE_OVER,
        });
    }
}

impl<'a> QueueEntry<'a> {
    fn new(limit: &'a ConcurrencyLimit) -> QueueEntry<'a> {
        limit.queued.set(limit.queued.get() + 1);
        QueueEntry(limit)
    }
}

impl Drop for QueueEntry<'_> {
    fn drop(&mut self) {
        self.0.queued.set(self.0.queued.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use tokio::time::{advance, sleep};

    use super::*;

    const CALL: Duration = Duration::from_secs(1);

    /// A call that must end within so many seconds. Returns whether it was made.
    async fn call(limit: Rc<ConcurrencyLimit>, within: u64) -> bool {
        let deadline = clock::now() + Duration::from_secs(within);
        let Ok(_permit) = limit.acquire(deadline).await else { return false };
        sleep(CALL).await;
        true
    }

    #[actix_web::test]
    async fn a_call_that_would_be_too_late_is_rejected_at_once() {
        tokio::time::pause();
        let limit = Rc::new(ConcurrencyLimit::new(2, true));
        assert!(call(Rc::clone(&limit), 5).await);
        let began = clock::now();
        let calls: Vec<_> =
            (0..20).map(|_| actix_web::rt::spawn(call(Rc::clone(&limit), 5))).collect();
        let mut through = 0;
        for call in calls {
            through += usize::from(call.await.unwrap());
        }
        let took = clock::now() - began;
        assert!((6..=10).contains(&through), "{through} of 20 in {took:?}");
        assert!(took <= Duration::from_secs(5), "no call was made after its deadline: {took:?}");
    }

    /// How many of a hundred calls are made, each with a deadline of ten seconds, where one takes
    /// so long.
    async fn calls_made(queue_until_deadline: bool, call: Duration) -> usize {
        let limit = Rc::new(ConcurrencyLimit::new(2, queue_until_deadline));
        limit.typical.set(call);
        let deadline = clock::now() + Duration::from_secs(10);
        let calls = (0..100).map(|_| {
            let limit = Rc::clone(&limit);
            actix_web::rt::spawn(async move {
                let Ok(_permit) = limit.acquire(deadline).await else { return false };
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

    /// Does `work` with a limit of one permit, which is taken; a call takes `typical` milliseconds.
    async fn with_permit_taken(
        queue_until_deadline: bool,
        typical: u64,
        work: impl AsyncFnOnce(&ConcurrencyLimit),
    ) {
        let limit = ConcurrencyLimit::new(1, queue_until_deadline);
        limit.typical.set(Duration::from_millis(typical));
        let permit = limit.acquire(clock::now() + Duration::from_secs(60)).await;
        work(&limit).await;
        drop(permit);
    }

    /// Whether a call with a deadline in so many milliseconds joins the queue.
    async fn joins_queue(limit: &ConcurrencyLimit, within: u64) -> bool {
        let deadline = clock::now() + Duration::from_millis(within);
        let mut enter = std::pin::pin!(limit.acquire(deadline));
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(enter.as_mut().poll(context).is_pending())
        })
        .await
    }

    #[actix_web::test]
    async fn a_call_that_would_end_at_its_deadline_waits_and_a_millisecond_less_is_too_late() {
        tokio::time::pause();
        // One call before it, and its own.
        with_permit_taken(true, 100, async |limit| {
            assert!(joins_queue(limit, 200).await && !joins_queue(limit, 199).await);
            let _two = (QueueEntry::new(limit), QueueEntry::new(limit));
            assert!(joins_queue(limit, 400).await && !joins_queue(limit, 399).await);
        })
        .await;
    }

    #[actix_web::test]
    async fn the_longest_queue_is_two_seconds_or_two_calls() {
        tokio::time::pause();
        for (typical, waiting) in [(100, 19), (3000, 1)] {
            with_permit_taken(false, typical, async |limit| {
                let _queue: Vec<_> = (0..waiting).map(|_| QueueEntry::new(limit)).collect();
                assert!(joins_queue(limit, 60_000).await, "{typical} ms");
                let _one_more = QueueEntry::new(limit);
                assert!(!joins_queue(limit, 60_000).await, "{typical} ms");
            })
            .await;
        }
    }

    #[actix_web::test]
    async fn a_permit_that_comes_too_late_is_not_used() {
        // The call before it takes 180 ms: then 110 ms are typical, and it would end at 290.
        tokio::time::pause();
        for (within, through) in [(290, true), (289, false)] {
            let limit = ConcurrencyLimit::new(1, true);
            limit.typical.set(Duration::from_millis(100));
            let first = limit.acquire(clock::now() + CALL).await;
            let second = limit.acquire(clock::now() + Duration::from_millis(within));
            let works = async {
                advance(Duration::from_millis(180)).await;
                drop(first);
            };
            let (second, ()) = tokio::join!(second, works);
            assert_eq!(second.is_ok(), through, "{within} ms");
        }
    }

    #[actix_web::test]
    async fn the_typical_duration_is_the_first_and_then_an_average() {
        tokio::time::pause();
        let limit = ConcurrencyLimit::new(1, true);
        for (took, typical) in [(1000, 1000), (200, 900), (1700, 1000)] {
            let permit = limit.acquire(clock::now() + CALL * 10).await;
            advance(Duration::from_millis(took)).await;
            drop(permit);
            assert_eq!(limit.typical.get(), Duration::from_millis(typical));
        }
    }

    #[actix_web::test]
    async fn the_queue_is_short_unless_callers_are_held() {
        tokio::time::pause();
        // Two at a time: in two seconds 20 calls of 200 ms, in twice their own time 4 of 3 s.
        let (quick, slow) = (Duration::from_millis(200), Duration::from_secs(3));
        assert!((20..=24).contains(&calls_made(false, quick).await));
        assert!(calls_made(true, quick).await > 80);
        assert!((4..=6).contains(&calls_made(false, slow).await));
    }

    #[actix_web::test]
    async fn a_cancelled_call_leaves_the_queue() {
        tokio::time::pause();
        let limit = Rc::new(ConcurrencyLimit::new(1, true));
        let first = actix_web::rt::spawn(call(Rc::clone(&limit), 5));
        let second = actix_web::rt::spawn(call(Rc::clone(&limit), 5));
        sleep(Duration::from_millis(1)).await;
        second.abort();
        first.await.unwrap();
        assert_eq!(limit.queued.get(), 0);
        assert!(call(limit, 5).await);
    }

    #[actix_web::test]
    async fn after_slow_calls_it_admits_again() {
        tokio::time::pause();
        let limit = ConcurrencyLimit::new(1, true);
        limit.typical.set(Duration::from_secs(60));
        assert!(limit.acquire(clock::now() + Duration::from_secs(5)).await.is_ok());
        for _ in 0..40 {
            drop(limit.acquire(clock::now() + Duration::from_secs(5)).await);
        }
        assert!(limit.typical.get() < CALL);
    }
}
