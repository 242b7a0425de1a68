//! S4: more to write than a slow disk can take on. The queue is bounded, and a request that does
//! not fit in fails at once.

use twimlgate::limits::{STORE_GROUP_MAX, STORE_QUEUE_MAX};
use twimlgate::session::StoreError;

use super::{TestStore, sample, save, state_commit};

#[tokio::test]
async fn s4_a_queue_that_is_full_says_so_at_once_and_is_emptied_in_its_order() {
    let store = TestStore::file("busy");
    let sessions = store.open();
    save(&sessions, sample(0)).await;
    // The writer waits: another program has locked the file.
    let other = store.sql();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let count = STORE_QUEUE_MAX + STORE_GROUP_MAX + 200;
    let mut waiting = Vec::new();
    let mut refused = 0;
    for number in 1..=count {
        let mut commit = Box::pin(sessions.commit(state_commit(sample(number as u32))));
        let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
        match commit.as_mut().poll(context) {
            std::task::Poll::Ready(Err(StoreError::Busy)) => refused += 1,
            std::task::Poll::Ready(other) => panic!("{other:?}"),
            std::task::Poll::Pending => waiting.push((number, commit)),
        }
    }
    assert!(refused >= 200 - STORE_GROUP_MAX, "{refused} are refused");
    assert!(waiting.len() <= STORE_QUEUE_MAX + STORE_GROUP_MAX);
    other.execute_batch("COMMIT").unwrap();
    let mut stored = Vec::new();
    for (number, commit) in waiting {
        // The first group may have waited for too long.
        if commit.await.is_ok() {
            stored.push(number);
        }
    }
    assert!(stored.len() >= STORE_QUEUE_MAX - STORE_GROUP_MAX, "{}", stored.len());
    for number in [stored[0], stored[stored.len() - 1]] {
        let session = format!("session {number}");
        assert!(sessions.active(&session).await.unwrap().is_some());
    }
    save(&sessions, sample(1_000_000)).await;
    assert_eq!(sessions.health(), Ok(()));
}
