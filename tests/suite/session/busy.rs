//! S4: more to write than a slow disk can take on. The queue has an end, and who does not fit in is
//! told at once.

use twimlgate::limits::{STORE_GROUP_MAX, STORE_QUEUE_MAX};
use twimlgate::session::StoreError;

use super::{Place, of, save, saved};

#[tokio::test]
async fn s4_a_queue_that_is_full_says_so_at_once_and_is_emptied_in_its_order() {
    let place = Place::file("busy");
    let sessions = place.open();
    save(&sessions, saved(0)).await;
    // A writer that stands still: another program is at the file.
    let other = place.sql();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let count = STORE_QUEUE_MAX + STORE_GROUP_MAX + 200;
    let mut waiting = Vec::new();
    let mut refused = 0;
    for number in 1..=count {
        let mut commit = Box::pin(sessions.commit(of(saved(number as u32))));
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
    let mut kept = Vec::new();
    for (number, commit) in waiting {
        // The first group may have waited for too long.
        if commit.await.is_ok() {
            kept.push(number);
        }
    }
    assert!(kept.len() >= STORE_QUEUE_MAX - STORE_GROUP_MAX, "{}", kept.len());
    for number in [kept[0], kept[kept.len() - 1]] {
        let session = format!("session {number}");
        assert!(sessions.active(&session).await.unwrap().is_some());
    }
    save(&sessions, saved(1_000_000)).await;
    assert_eq!(sessions.health(), Ok(()));
}
