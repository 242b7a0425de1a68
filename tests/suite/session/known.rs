//! Whether a session has an active execution, which is known without a look into the file: never is
//! one that is there taken for missing.

use std::time::Duration;

use rusqlite::Connection;
use twimlgate::limits::EXECUTION_KEPT;
use twimlgate::session::{Saved, Sessions, StoreError};

use super::damage::{damage, fill};
use super::{NOW, Place, every, of, save, saved};

async fn active(sessions: &Sessions, session: &str) -> Option<String> {
    sessions.active(session).await.unwrap().map(|execution| execution.sid)
}

/// Another time at which an execution is saved, so that it is not taken for a new one.
fn later(execution: Saved) -> Saved {
    Saved { updated: execution.updated + Duration::from_secs(1), ..execution }
}

fn ended(execution: Saved) -> Saved {
    later(Saved { active: false, ..execution })
}

#[tokio::test]
async fn one_that_ends_late_does_not_hide_its_successor() {
    every("late-end", async |sessions| {
        save(&sessions, saved(1)).await;
        save(&sessions, ended(saved(1))).await;
        assert_eq!(active(&sessions, "session 1").await, None);
        save(&sessions, Saved { session: "session 1".to_owned(), ..saved(2) }).await;
        save(&sessions, later(ended(saved(1)))).await;
        assert_eq!(active(&sessions, "session 1").await.as_deref(), Some("FN2"));
        assert!(sessions.delete("FN1").await.unwrap());
        assert_eq!(active(&sessions, "session 1").await.as_deref(), Some("FN2"));
        assert!(sessions.delete("FN2").await.unwrap());
        assert_eq!(active(&sessions, "session 1").await, None);
        save(&sessions, Saved { session: "session 1".to_owned(), ..saved(3) }).await;
        assert_eq!(active(&sessions, "session 1").await.as_deref(), Some("FN3"));
    })
    .await;
}

#[tokio::test]
async fn one_that_moves_is_found_where_it_is() {
    every("moves", async |sessions| {
        save(&sessions, saved(1)).await;
        let moved = later(Saved { session: "call".to_owned(), ..saved(1) });
        save(&sessions, moved.clone()).await;
        assert_eq!(active(&sessions, "session 1").await, None);
        assert_eq!(active(&sessions, "call").await.as_deref(), Some("FN1"));
        save(&sessions, Saved { session: "session 1".to_owned(), ..saved(2) }).await;
        save(&sessions, ended(moved)).await;
        assert_eq!(active(&sessions, "call").await, None);
        assert_eq!(active(&sessions, "session 1").await.as_deref(), Some("FN2"));
    })
    .await;
}

#[tokio::test]
async fn one_that_is_refused_leaves_the_other_known() {
    every("refused", async |sessions| {
        save(&sessions, saved(1)).await;
        // At once, so that they are one group.
        let refused = Saved { session: "session 1".to_owned(), ..saved(2) };
        let (first, second, third) = tokio::join!(
            sessions.commit(of(saved(3))),
            sessions.commit(of(refused)),
            sessions.commit(of(saved(4))),
        );
        assert_eq!(second, Err(StoreError::Conflict("FN1".to_owned())));
        assert_eq!((first, third), (Ok(()), Ok(())));
        for number in [1, 3, 4] {
            let (session, sid) = (format!("session {number}"), format!("FN{number}"));
            assert_eq!(active(&sessions, &session).await, Some(sid));
        }
    })
    .await;
}

#[tokio::test]
async fn one_that_expires_leaves_room() {
    every("expires", async |sessions| {
        save(&sessions, saved(1)).await;
        sessions.expire(NOW + EXECUTION_KEPT * 2, &[]).await.unwrap();
        assert_eq!(active(&sessions, "session 1").await, None);
        save(&sessions, Saved { session: "session 1".to_owned(), ..saved(2) }).await;
        assert_eq!(active(&sessions, "session 1").await.as_deref(), Some("FN2"));
    })
    .await;
}

#[tokio::test]
async fn it_is_known_again_after_reopening() {
    let place = Place::file("known");
    let sessions = place.open();
    save(&sessions, saved(1)).await;
    save(&sessions, saved(2)).await;
    save(&sessions, ended(saved(2))).await;
    drop(sessions);
    let sessions = place.open();
    assert_eq!(active(&sessions, "session 1").await.as_deref(), Some("FN1"));
    assert_eq!(active(&sessions, "session 2").await, None);
    save(&sessions, ended(saved(1))).await;
    assert_eq!(active(&sessions, "session 1").await, None);
}

#[tokio::test]
async fn a_commit_that_fails_changes_nothing() {
    let place = Place::file("known-fails");
    let sessions = place.open();
    save(&sessions, saved(1)).await;
    let other: Connection = place.sql();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(sessions.commit(of(ended(saved(1)))).await.is_err());
    assert!(sessions.commit(of(saved(2))).await.is_err());
    assert_eq!(active(&sessions, "session 1").await.as_deref(), Some("FN1"));
    assert_eq!(active(&sessions, "session 2").await, None);
    other.execute_batch("COMMIT").unwrap();
    save(&sessions, ended(saved(1))).await;
    save(&sessions, saved(2)).await;
    assert_eq!(active(&sessions, "session 1").await, None);
    assert_eq!(active(&sessions, "session 2").await.as_deref(), Some("FN2"));
}

#[tokio::test]
async fn a_fresh_file_has_no_session_of_the_damaged_one() {
    let place = Place::file("known-damage");
    fill(&place).await;
    let sessions = place.open();
    damage(&place);
    let mut tries = 0;
    while sessions.commit(of(saved(1_000))).await.is_err() {
        tries += 1;
        assert!(tries < 10, "it does not recover");
    }
    assert_eq!(place.beside(".corrupt-").len(), 1);
    assert_eq!(active(&sessions, "session 1000").await.as_deref(), Some("FN1000"));
    assert_eq!(active(&sessions, "session 1").await, None);
    save(&sessions, Saved { session: "session 1".to_owned(), ..saved(2_000) }).await;
    assert_eq!(active(&sessions, "session 1").await.as_deref(), Some("FN2000"));
}
