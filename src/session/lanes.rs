//! One webhook of a session after the other, in the order of their arrival.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Mutex as Queue, OwnedMutexGuard};

/// The sessions that somebody works on, or waits for.
#[derive(Clone, Debug, Default)]
pub(super) struct Lanes(Arc<Mutex<HashMap<String, Lane>>>);

#[derive(Debug)]
struct Lane {
    /// Fair: the first who waits is the next.
    queue: Arc<Queue<()>>,
    /// Whose turn it is.
    holder: Weak<Held>,
}

/// The right to work on a session. Dropped, it goes to the next who waits; but not before a commit
/// that was handed in with it is written, also when nobody waits for that commit any more.
#[derive(Debug)]
pub struct Turn {
    _held: Arc<Held>,
}

/// What a turn and the commits under it hold in common.
#[derive(Debug)]
pub(super) struct Held {
    /// Declared before `place`, so that it is let go before the lane is looked at.
    _guard: OwnedMutexGuard<()>,
    _place: Place,
}

/// A place in the queue of a session; the last one to leave removes the lane.
#[derive(Debug)]
struct Place {
    lanes: Lanes,
    session: String,
    queue: Option<Arc<Queue<()>>>,
}

// === impl Lanes ===

impl Lanes {
    /// Waits for a session's turn. A caller that goes away while it waits loses its place only.
    pub(super) async fn enter(&self, session: &str) -> Turn {
        let queue = self.queue(session);
        let lock = Arc::clone(&queue).lock_owned();
        let place = Place { lanes: self.clone(), session: session.to_owned(), queue: Some(queue) };
        let held = Arc::new(Held { _guard: lock.await, _place: place });
        if let Some(lane) = self.lock().get_mut(session) {
            lane.holder = Arc::downgrade(&held);
        }
        Turn { _held: held }
    }

    /// The turn at this session, to be kept until something is written.
    pub(super) fn hold(&self, session: &str) -> Option<Arc<Held>> {
        self.lock().get(session)?.holder.upgrade()
    }

    fn queue(&self, session: &str) -> Arc<Queue<()>> {
        let mut lanes = self.lock();
        if let Some(lane) = lanes.get(session) {
            return Arc::clone(&lane.queue);
        }
        let queue = Arc::default();
        let lane = Lane { queue: Arc::clone(&queue), holder: Weak::new() };
        lanes.insert(session.to_owned(), lane);
        queue
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Lane>> {
        self.0.lock()
    }
}

// === impl Place ===

impl Drop for Place {
    fn drop(&mut self) {
        let mut lanes = self.lanes.lock();
        // Under the lock, so that two who leave at once do not each take the other for waiting.
        self.queue = None;
        let unused = |lane: &Lane| Arc::strong_count(&lane.queue) == 1;
        if lanes.get(&self.session).is_some_and(unused) {
            lanes.remove(&self.session);
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
    fn turns_are_in_order_of_arrival_and_leave_nothing() {
        let lanes = Lanes::default();
        let first = poll(pin!(lanes.enter("a"))).expect("nobody is there");
        drop(poll(pin!(lanes.enter("b"))).expect("another session"));
        let mut second = Box::pin(lanes.enter("a"));
        let mut gone = Box::pin(lanes.enter("a"));
        let mut third = pin!(lanes.enter("a"));
        assert!(poll(second.as_mut()).is_none() && poll(gone.as_mut()).is_none());
        assert!(poll(third.as_mut()).is_none());
        drop(gone);
        drop(first);
        assert!(poll(third.as_mut()).is_none());
        let turn = poll(second.as_mut()).expect("its turn");
        assert!(poll(third.as_mut()).is_none());
        drop(turn);
        drop(poll(third.as_mut()).expect("its turn"));
        drop(second);
        assert!(lanes.lock().is_empty());
    }

    #[test]
    fn a_commit_keeps_the_turn_of_a_caller_who_left() {
        let lanes = Lanes::default();
        let turn = poll(pin!(lanes.enter("a"))).expect("nobody is there");
        let held = lanes.hold("a").expect("it is somebody's turn");
        drop(turn);
        let mut next = pin!(lanes.enter("a"));
        assert!(poll(next.as_mut()).is_none());
        drop(held);
        assert!(poll(next.as_mut()).is_some());
        assert!(lanes.hold("a").is_none());
    }
}
