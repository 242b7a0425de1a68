//! The arrivals of callers.

use std::time::Duration;

use tokio::time::Instant;

/// The arrivals of a load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrivals {
    /// This many callers per second, whether or not earlier ones have finished, like real callers.
    Rate(f64),
    /// This many callers at a time: a new one begins when one has finished. This measures the
    /// throughput of an application, and says little about the waiting times of real callers.
    Callers(usize),
}

impl Arrivals {
    /// The share of one of several threads.
    pub(super) fn share(self, thread: usize, threads: usize) -> ThreadShare {
        match self {
            Arrivals::Rate(rate) => {
                ThreadShare::Rate { rate: rate / threads as f64, thread, threads }
            }
            Arrivals::Callers(callers) => {
                // The first threads take the remainder.
                ThreadShare::Callers(callers / threads + usize::from(thread < callers % threads))
            }
        }
    }
}

/// The share of one thread in the arrivals.
#[derive(Clone, Copy, Debug)]
pub(super) enum ThreadShare {
    Rate { rate: f64, thread: usize, threads: usize },
    Callers(usize),
}

impl ThreadShare {
    /// The arrival time of the caller with this number.
    pub(super) fn arrival(self, began: Instant, number: usize) -> Instant {
        match self {
            ThreadShare::Rate { rate, thread, threads } => {
                // The threads are offset, so that they do not all dial at the same time.
                let turn = number as f64 + thread as f64 / threads as f64;
                began + Duration::try_from_secs_f64(turn / rate).unwrap_or(Duration::MAX / 4)
            }
            ThreadShare::Callers(_) => began,
        }
    }

    /// Whether the next caller waits for room, instead of being dropped.
    pub(super) fn waits_for_room(self) -> bool {
        matches!(self, ThreadShare::Callers(_))
    }

    /// The most callers at the same time. `most` is the limit of all threads together.
    pub(super) fn callers_max(self, most: usize) -> usize {
        match self {
            ThreadShare::Rate { threads, .. } => most.div_ceil(threads),
            ThreadShare::Callers(callers) => callers,
        }
    }
}
