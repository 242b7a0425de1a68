//! The right to work on a session among all processes: a row of table `lock`, taken under a token.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use crate::session::key_digest::KeyDigest;

/// A session that is taken, or waited for, under a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SharedLock {
    pub(super) session: KeyDigest,
    /// Random, one for each turn: what is sent again under it is the same request.
    pub(super) token: i64,
}

/// A lock that is held, or a place in its queue. Dropped without a commit, it is given back.
#[derive(Debug)]
pub(in crate::session) struct SharedLockGuard {
    shared_lock: SharedLock,
    /// `None` once a commit has given it back.
    leave: Option<UnboundedSender<SharedLock>>,
}

/// The tasks that wait for a lock, by their token.
pub(super) type Waiters = Arc<Mutex<HashMap<i64, Arc<Notify>>>>;

/// The entry of a task that waits for a session.
pub(super) struct Waiter<'a> {
    waiters: &'a Waiters,
    token: i64,
    notify: Arc<Notify>,
}

// === impl SharedLockGuard ===

impl SharedLockGuard {
    pub(super) fn new(
        shared_lock: SharedLock,
        leave: UnboundedSender<SharedLock>,
    ) -> SharedLockGuard {
        SharedLockGuard { shared_lock, leave: Some(leave) }
    }

    pub(super) fn shared_lock(&self) -> SharedLock {
        self.shared_lock
    }

    /// Records that a commit has given it back.
    pub(in crate::session) fn release(&mut self) {
        self.leave = None;
    }
}

impl Drop for SharedLockGuard {
    fn drop(&mut self) {
        if let Some(leave) = self.leave.take() {
            // An error means that the store is closed; its connections end, and its locks with
            // them.
            let _ = leave.send(self.shared_lock);
        }
    }
}

// === impl Waiter ===

impl Waiter<'_> {
    pub(super) fn begin(waiters: &Waiters, token: i64) -> Waiter<'_> {
        let notify = Arc::new(Notify::new());
        waiters.lock().insert(token, Arc::clone(&notify));
        Waiter { waiters, token, notify }
    }

    /// Waits until the lock may be free.
    pub(super) async fn notified(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.waiters.lock().remove(&self.token);
    }
}
