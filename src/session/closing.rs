//! The end of a store, for a process that must not end before it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::limits::STORE_CLOSED_WITHIN;

/// Waits until a store is closed, whoever has it last.
#[derive(Debug)]
pub struct Closing(Arc<Inner>);

/// What a store has: dropped with it, it says that it is closed.
#[derive(Debug, Default)]
pub(super) struct Closes(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    closed: Mutex<bool>,
    wake: Condvar,
}

// === impl Closing ===

impl Closing {
    /// Waits until the last clone of the store is dropped and its file closed, with its log moved
    /// into it: for [`STORE_CLOSED_WITHIN`] at most. Whether it is.
    pub fn wait(&self) -> bool {
        let closed = self.0.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let open = |closed: &mut bool| !*closed;
        let waited = self.0.wake.wait_timeout_while(closed, STORE_CLOSED_WITHIN, open);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

// === impl Closes ===

impl Closes {
    pub(super) fn closing(&self) -> Closing {
        Closing(Arc::clone(&self.0))
    }
}

impl Drop for Closes {
    fn drop(&mut self) {
        *self.0.closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.wake.notify_all();
    }
}
