//! Keeps awc's date task from running: it would cost every request 3 us and is of no use.
//!
//! For each request awc makes a codec, and each codec spawns a task that keeps the time for a
//! `Date` header, which no request has. If it ran, the task would set a timer for this very
//! instant, which wakes the event loop by a system call, and would write the date twice. So it is
//! spawned onto a set of tasks that never runs.

use std::cell::{Cell, RefCell};

use tokio::task::LocalSet;

/// Tasks that are collected before they are dropped together: some kilobytes.
const TASKS_MAX: u32 = 256;

/// A set of tasks that never runs. awc spawns nothing else on its plain connections, and to awc
/// all of ours are plain; what is spawned outside of [`DateTaskSink::capture`] is not affected.
#[derive(Default)]
pub(super) struct DateTaskSink {
    set: RefCell<LocalSet>,
    tasks: Cell<u32>,
}

impl DateTaskSink {
    /// Polls a future of awc's. The tasks that it spawns go into the set.
    pub(super) fn capture<T>(&self, poll: impl FnOnce() -> T) -> T {
        let entered = self.set.borrow().enter();
        let polled = poll();
        // Left before the poll's value is used: later tasks belong to the runtime.
        drop(entered);
        polled
    }

    /// Counts a request, and drops the tasks of former ones now and then.
    pub(super) fn count_request(&self) {
        self.tasks.set(self.tasks.get() + 1);
        if self.tasks.get() > TASKS_MAX {
            self.tasks.set(0);
            self.set.replace(LocalSet::new());
        }
    }
}
