//! The shutdown of a store, for a process that must not end before its file is closed.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use crate::limits::STORE_CLOSED_WITHIN;

/// A wait for the end of a store, whichever thread drops its last clone.
#[derive(Debug)]
pub(crate) struct ShutdownWaiter(Arc<ShutdownState>);

/// The store's side: dropped with the store, it ends every wait.
#[derive(Debug, Default)]
pub(super) struct ShutdownSignal(Arc<ShutdownState>);

#[derive(Debug, Default)]
struct ShutdownState {
    is_closed: Mutex<bool>,
    wake: Condvar,
}

// === impl ShutdownWaiter ===

impl ShutdownWaiter {
    /// Blocks until the last clone of the store is dropped and its file closed, with the log moved
    /// into it: for [`STORE_CLOSED_WITHIN`] at most. Returns whether the store is closed.
    pub(crate) fn wait(&self) -> bool {
        let mut is_closed = self.0.is_closed.lock();
        self.0.wake.wait_while_for(&mut is_closed, |closed| !*closed, STORE_CLOSED_WITHIN);
        *is_closed
    }
}

// === impl ShutdownSignal ===

impl ShutdownSignal {
    pub(super) fn waiter(&self) -> ShutdownWaiter {
        ShutdownWaiter(Arc::clone(&self.0))
    }
}

impl Drop for ShutdownSignal {
    fn drop(&mut self) {
        *self.0.is_closed.lock() = true;
        self.0.wake.notify_all();
    }
}
