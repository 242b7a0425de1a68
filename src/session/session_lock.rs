//! The session locks: the webhooks of one session are worked on one after the other, in the order
//! of their arrival.
//!
//! The locks are in this process only, and each exists while a task holds it or waits for it. The
//! map of all locks has a mutex of its own, which no task keeps over a wait.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Mutex as FairMutex, OwnedMutexGuard};

use super::postgres::SharedLockGuard;

/// The locks of the sessions that are being worked on, or waited for. A clone has the same locks.
// Tokio's mutex, because it is fair: the task that waits longest is the next.
#[derive(Clone, Debug, Default)]
pub(super) struct SessionLocks(Arc<Mutex<HashMap<String, Arc<FairMutex<()>>>>>);

/// The locks of a turn: of its session, and where it has a second session, of that one.
pub type SessionGuards = [Option<SessionGuard>; 2];

/// The lock of a session, held. Dropped, it passes to the task that waits longest. A commit takes
/// it along, so that it does not pass on before the commit is written.
// Boxed: it is moved with every future of a turn.
#[derive(Debug)]
pub struct SessionGuard(Box<HeldLock>);

#[derive(Debug)]
struct HeldLock {
    /// The session among all processes. Given back first: the next task of this one asks for it.
    shared_lock: Option<SharedLockGuard>,
    // Fields are dropped in their order: the mutex is released before the registration ends.
    _mutex: OwnedMutexGuard<()>,
    _registration: LockRegistration,
}

/// A task's interest in a lock, from the moment it begins to wait. The last one to end removes the
/// entry.
#[derive(Debug)]
struct LockRegistration {
    locks: SessionLocks,
    session: String,
    /// `None` only while it is dropped.
    mutex: Option<Arc<FairMutex<()>>>,
}

// === impl SessionLocks ===

impl SessionLocks {
    /// Waits for the lock of a session. A task that is cancelled meanwhile leaves the queue, and
    /// the others keep their order.
    pub(super) async fn lock(&self, session: &str) -> SessionGuard {
        let mutex = self.mutex(session);
        let lock = Arc::clone(&mutex).lock_owned();
        // Made before the wait, and dropped after the future of the mutex, so that a task that is
        // cancelled while it waits removes its entry as well.
        let registration = LockRegistration {
            locks: self.clone(),
            session: session.to_owned(),
            mutex: Some(mutex),
        };
        SessionGuard(Box::new(HeldLock {
            shared_lock: None,
            _mutex: lock.await,
            _registration: registration,
        }))
    }

    fn mutex(&self, session: &str) -> Arc<FairMutex<()>> {
        let mut entries = self.entries();
        if let Some(mutex) = entries.get(session) {
            return Arc::clone(mutex);
        }
        let mutex = Arc::default();
        entries.insert(session.to_owned(), Arc::clone(&mutex));
        mutex
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Arc<FairMutex<()>>>> {
        self.0.lock()
    }
}

// === impl SessionGuard ===

impl SessionGuard {
    /// Adds the session among all processes.
    pub(super) fn set_shared_lock(&mut self, shared_lock: SharedLockGuard) {
        self.0.shared_lock = Some(shared_lock);
    }

    pub(super) fn shared_lock(&self) -> Option<&SharedLockGuard> {
        self.0.shared_lock.as_ref()
    }

    /// Records that a commit has given it back.
    pub(super) fn release_shared_lock(&mut self) {
        self.0.shared_lock.iter_mut().for_each(SharedLockGuard::release);
    }
}

// === impl LockRegistration ===

impl Drop for LockRegistration {
    fn drop(&mut self) {
        let mut entries = self.locks.entries();
        // Under the map's mutex: of two that end at once, each would else count the other one.
        self.mutex = None;
        let is_unused = |mutex: &Arc<FairMutex<()>>| Arc::strong_count(mutex) == 1;
        if entries.get(&self.session).is_some_and(is_unused) {
            entries.remove(&self.session);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    #[test]
    fn locks_pass_in_the_order_of_arrival_and_leave_no_entry() {
        let locks = SessionLocks::default();
        let first = poll(pin!(locks.lock("a"))).expect("the lock is free");
        drop(poll(pin!(locks.lock("b"))).expect("another session"));
        let mut second = Box::pin(locks.lock("a"));
        let mut cancelled = Box::pin(locks.lock("a"));
        let mut third = pin!(locks.lock("a"));
        assert!(poll(second.as_mut()).is_none() && poll(cancelled.as_mut()).is_none());
        assert!(poll(third.as_mut()).is_none());
        drop(cancelled);
        drop(first);
        assert!(poll(third.as_mut()).is_none());
        let guard = poll(second.as_mut()).expect("it is the next");
        assert!(poll(third.as_mut()).is_none());
        drop(guard);
        drop(poll(third.as_mut()).expect("it is the next"));
        drop(second);
        assert!(locks.entries().is_empty());
    }
}
