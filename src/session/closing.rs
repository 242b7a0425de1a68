//! The end of a store, for a process that must not end before it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::limits::STORE_CLOSED_WITHIN;

/// Tells whether a store is closed, whoever has dropped it.
#[derive(Clone, Debug, Default)]
pub struct Closing(Arc<Inner>);

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

    /// It is closed.
    pub(super) fn done(&self) {
        *self.0.closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.wake.notify_all();
    }
}
