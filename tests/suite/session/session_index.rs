//! The session index: it says without a read whether a session has an active execution, and never
//! misses one.

use std::time::Duration;

use rusqlite::Connection;
use twimlgate::limits::EXECUTION_KEPT;
use twimlgate::session::{Sessions, StoreError, StoredExecution};

use super::damage::{damage, fill};
use super::{NOW, TestStore, on_every_store, sample, save, state_commit};

async fn active(sessions: &Sessions, session: &str) -> Option<String> {
    sessions.active(session).await.unwrap().map(|execution| execution.sid)
}

/// The next record of an execution.
fn later(execution: StoredExecution) -> StoredExecution {
    let (version, updated) = (execution.version + 1, execution.updated + Duration::from_secs(1));
    StoredExecution { version, updated, ..execution }
}

fn ended(execution: StoredExecution) -> StoredExecution {
    later(StoredExecution { active: false, ..execution })
}

#[tokio::test]
async fn an_execution_that_ends_late_does_not_hide_its_successor() {
    on_every_store("late-end", async |sessions| {
        save(&sessions, sample(1)).await;
        save(&sessions, ended(sample(1))).await;
        assert_eq!(active(&sessions, "session 1").await, None);
        save(&sessions, StoredExecution { session: "session 1".to_owned(), ..sample(2) }).await;
        save(&sessions, later(ended(sample(1)))).await;
        assert_eq!(active(&sessions, "session 1").await.as_deref(), Some("FN2"));
        assert!(sessions.delete("FN1").await.unwrap());
        assert_eq!(active(&sessions, "session 1").await.as_deref(), Some("FN2"));
        assert!(sessions.delete("FN2").await.unwrap());
        assert_eq!(active(&sessions, "session 1").await, None);
        save(&sessions, StoredExecution { session: "session 1".to_owned(), ..sample(3) }).await;
        assert_eq!(active(&sessions, "session 1").await.as_deref(), Some("FN3"));
    })
    .await;
}

#[tokio::test]
async fn an_execution_that_changes_its_session_is_found_there() {
    on_every_store("moves", async |sessions| {
        save(&sessions, sample(1)).await;
        let moved = later(StoredExecution { session: "call".to_owned(), ..sample(1) });
        save(&sessions, moved.clone()).await;
        assert_eq!(active(&sessions, "session 1").await, None);
        assert_eq!(active(&sessions, "call").await.as_deref(), Some("FN1"));
        save(&sessions, StoredExecution { session: "session 1".to_owned(), ..sample(2) }).await;
        save(&sessions, ended(moved)).await;
        assert_eq!(active(&sessions, "call").await, None);
        assert_eq!(active(&sessions, "session 1").await.as_deref(), Some("FN2"));
    })
    .await;
}

#[tokio::test]
async fn an_execution_that_is_refused_leaves_the_other_one_active() {
    on_every_store("refused", async |sessions| {
        save(&sessions, sample(1)).await;
        // At once, so that they are one group.
        let refused = StoredExecution { session: "session 1".to_owned(), ..sample(2) };
        let (claim_first, second, third) = tokio::join!(
            sessions.commit(state_commit(sample(3))),
            sessions.commit(state_commit(refused)),
            sessions.commit(state_commit(sample(4))),
        );
        assert_eq!(second, Err(StoreError::Conflict("FN1".to_owned())));
        assert_eq!((claim_first, third), (Ok(()), Ok(())));
        for number in [1, 3, 4] {
            let (session, sid) = (format!("session {number}"), format!("FN{number}"));
            assert_eq!(active(&sessions, &session).await, Some(sid));
        }
    })
    .await;
}

#[tokio::test]
async fn an_execution_that_expires_frees_its_session() {
    on_every_store("expires", async |sessions| {
        save(&sessions, sample(1)).await;
        sessions.expire(NOW + EXECUTION_KEPT * 2, &[]).await.unwrap();
        assert_eq!(active(&sessions, "session 1").await, None);
        save(&sessions, StoredExecution { session: "session 1".to_owned(), ..sample(2) }).await;
        assert_eq!(active(&sessions, "session 1").await.as_deref(), Some("FN2"));
    })
    .await;
}

#[tokio::test]
async fn the_index_is_loaded_when_the_file_is_opened() {
    let store = TestStore::file("known");
    let sessions = store.open();
    save(&sessions, sample(1)).await;
    save(&sessions, sample(2)).await;
    save(&sessions, ended(sample(2))).await;
    drop(sessions);
    let sessions = store.open();
    assert_eq!(active(&sessions, "session 1").await.as_deref(), Some("FN1"));
    assert_eq!(active(&sessions, "session 2").await, None);
    save(&sessions, ended(sample(1))).await;
    assert_eq!(active(&sessions, "session 1").await, None);
}

#[tokio::test]
async fn a_commit_that_fails_changes_nothing() {
    let store = TestStore::file("known-fails");
    let sessions = store.open();
    save(&sessions, sample(1)).await;
    let other: Connection = store.sql();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(sessions.commit(state_commit(ended(sample(1)))).await.is_err());
    assert!(sessions.commit(state_commit(sample(2))).await.is_err());
    assert_eq!(active(&sessions, "session 1").await.as_deref(), Some("FN1"));
    assert_eq!(active(&sessions, "session 2").await, None);
    other.execute_batch("COMMIT").unwrap();
    save(&sessions, ended(sample(1))).await;
    save(&sessions, sample(2)).await;
    assert_eq!(active(&sessions, "session 1").await, None);
    assert_eq!(active(&sessions, "session 2").await.as_deref(), Some("FN2"));
}

#[tokio::test]
async fn a_fresh_file_has_no_session_of_the_damaged_one() {
    let store = TestStore::file("known-damage");
    fill(&store).await;
    let sessions = store.open();
    damage(&store);
    let mut tries = 0;
    while sessions.commit(state_commit(sample(1_000))).await.is_err() {
        tries += 1;
        assert!(tries < 10, "it does not recover");
    }
    assert_eq!(store.beside(".corrupt-").len(), 1);
    assert_eq!(active(&sessions, "session 1000").await.as_deref(), Some("FN1000"));
    assert_eq!(active(&sessions, "session 1").await, None);
    save(&sessions, StoredExecution { session: "session 1".to_owned(), ..sample(2_000) }).await;
    assert_eq!(active(&sessions, "session 1").await.as_deref(), Some("FN2000"));
}
