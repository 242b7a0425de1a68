//! When callers come.

use std::time::Duration;

use tokio::time::Instant;

/// How callers come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrivals {
    /// So many each second, whether or not those before them are through: as people call.
    Rate(f64),
    /// So many at a time: whoever is through calls again at once. This finds out how much an
    /// application can do, and says little about how long people wait.
    Callers(usize),
}

impl Arrivals {
    /// The part of one of several threads.
    pub(super) fn share(self, thread: usize, threads: usize) -> ThreadShare {
        match self {
            Arrivals::Rate(rate) => {
                ThreadShare::Rate { rate: rate / threads as f64, thread, threads }
            }
            Arrivals::Callers(callers) => {
                ThreadShare::Callers(callers / threads + usize::from(thread < callers % threads))
            }
        }
    }
}

/// What a thread does of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum ThreadShare {
    Rate { rate: f64, thread: usize, threads: usize },
    Callers(usize),
}

impl ThreadShare {
    /// When the caller of this number comes.
    pub(super) fn next(self, began: Instant, number: usize) -> Instant {
        match self {
            ThreadShare::Rate { rate, thread, threads } => {
                // Threads take turns, so that not all of them dial at the same moment.
                let turn = number as f64 + thread as f64 / threads as f64;
                began + Duration::try_from_secs_f64(turn / rate).unwrap_or(Duration::MAX / 4)
            }
            ThreadShare::Callers(_) => began,
        }
    }

    /// Whether the next one waits until there is room.
    pub(super) fn closed(self) -> bool {
        matches!(self, ThreadShare::Callers(_))
    }

    /// How many may be there at the same time.
    pub(super) fn at_once(self, most: usize) -> usize {
        match self {
            ThreadShare::Rate { threads, .. } => most.div_ceil(threads),
            ThreadShare::Callers(callers) => callers,
        }
    }
}
