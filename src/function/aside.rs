//! Keeps a task of awc's from running: it would cost every call 3 us and serves nothing.
//!
//! For each request awc makes a codec, and each codec spawns a task that keeps the time for a
//! `Date` header, which no request has. Run, the task sets a timer for this very instant, which
//! wakes the event loop by a system call, and writes the date out twice. Here it is spawned onto a
//! set of tasks that nobody runs.

use std::cell::{Cell, RefCell};

use tokio::task::LocalSet;

/// Tasks that are kept before they are thrown away together: some kilobytes.
const TASKS_MAX: u32 = 256;

/// The set of tasks that nobody runs. awc spawns nothing else on its plain connections, and to it
/// all of ours are plain; what is spawned outside of [`Aside::around`] is not touched.
#[derive(Default)]
pub(super) struct Aside {
    set: RefCell<LocalSet>,
    tasks: Cell<u32>,
}

impl Aside {
    /// Polls something of awc's: whatever that spawns is set aside.
    pub(super) fn around<T>(&self, poll: impl FnOnce() -> T) -> T {
        let entered = self.set.borrow().enter();
        let polled = poll();
        drop(entered);
        polled
    }

    /// Counts a request, and throws the tasks of former ones away now and then.
    pub(super) fn begin(&self) {
        self.tasks.set(self.tasks.get() + 1);
        if self.tasks.get() > TASKS_MAX {
            self.tasks.set(0);
            self.set.replace(LocalSet::new());
        }
    }
}
