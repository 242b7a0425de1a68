//! The end of a store, for a process that must not end before it.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

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
        let mut closed = self.0.closed.lock();
        let open = |closed: &mut bool| !*closed;
        self.0.wake.wait_while_for(&mut closed, open, STORE_CLOSED_WITHIN);
        *closed
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
        *self.0.closed.lock() = true;
        self.0.wake.notify_all();
    }
}
