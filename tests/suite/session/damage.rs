//! Damage to a file: of one record, of all, while it is open, while it is not.

use std::fs;

use twimlgate::session::{StoreError, StoredExecution};

use super::{
    NOW, TestStore, claim_answered, claim_first, reply_commit, sample, save, state_commit, step,
};
use crate::session::executions::page;

/// Puts two hundred executions into a file, and closes it.
pub(super) async fn fill(store: &TestStore) {
    let sessions = store.open();
    for number in 0..200 {
        save(&sessions, sample(number)).await;
    }
}

/// Damages all of a file but its first page, which says what it is. Returns its bytes then.
pub(super) fn damage(store: &TestStore) -> Vec<u8> {
    // A thread of the store before may not have closed its connection yet: then the rows are still
    // in the log, and the damage would be in pages that a reader does not need.
    store.sql().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let mut bytes = fs::read(store.path()).unwrap();
    bytes[4_096..].fill(0xEE);
    fs::write(store.path(), &bytes).unwrap();
    bytes
}

#[tokio::test]
async fn a_damaged_record_is_damaged_alone() {
    for damage in [
        "UPDATE execution SET sealed = x'' WHERE sid = 'FN1'",
        "UPDATE execution SET sealed = x'09' || substr(sealed, 2) WHERE sid = 'FN1'",
        "UPDATE execution SET sealed = substr(sealed, 1, 99) WHERE sid = 'FN1'",
        "UPDATE execution SET created = created + 1 WHERE sid = 'FN1'",
        "UPDATE execution SET due = -7 WHERE sid = 'FN1'",
        "UPDATE execution SET revision = 'r2' WHERE sid = 'FN1'",
        "UPDATE execution SET revision = CAST(x'FF' AS TEXT) WHERE sid = 'FN1'",
        "UPDATE execution SET created = 'then' WHERE sid = 'FN1'",
    ] {
        let store = TestStore::file("record");
        let sessions = store.open();
        save(&sessions, StoredExecution { due: Some(NOW), ..sample(1) }).await;
        save(&sessions, StoredExecution { due: Some(NOW), ..sample(2) }).await;
        drop(sessions);
        assert_eq!(store.sql().execute(damage, []).unwrap(), 1);
        let sessions = store.open();
        let corrupt = Err(StoreError::Corrupt("FN1".to_owned()));
        assert_eq!(sessions.active("session 1").await, corrupt, "{damage}");
        assert_eq!(sessions.execution("FN1").await, corrupt, "{damage}");
        assert!(sessions.active("session 2").await.unwrap().is_some());
        let list =
            twimlgate::session::ExecutionQuery { flow: "FW1".into(), limit: 9, ..<_>::default() };
        assert_eq!(sessions.executions(list).await.unwrap().len(), 1, "{damage}");
        assert_eq!(sessions.due(NOW + NOW, 1).await.unwrap()[0].sid, "FN2", "{damage}");
        assert_eq!(sessions.health(), Ok(()));
        // Its session begins anew, and it can be deleted.
        save(&sessions, StoredExecution { session: "session 1".to_owned(), ..sample(3) }).await;
        assert_eq!(sessions.active("session 1").await.unwrap().unwrap().sid, "FN3");
        assert!(sessions.delete("FN1").await.unwrap());
    }
}

#[tokio::test]
async fn damage_to_a_state_in_the_cache_does_not_matter() {
    let store = TestStore::file("cached");
    let sessions = store.open();
    save(&sessions, sample(1)).await;
    let damage = "UPDATE execution SET sealed = x'' WHERE sid = 'FN1'";
    assert_eq!(store.sql().execute(damage, []).unwrap(), 1);
    let found = sessions.active("session 1").await.unwrap();
    assert_eq!(found, Some(sample(1)));
    // Its next turn writes it anew, whole.
    let next = StoredExecution { version: 2, ..sample(1) };
    save(&sessions, next.clone()).await;
    drop(sessions);
    assert_eq!(store.open().active("session 1").await, Ok(Some(next)));
}

#[tokio::test]
async fn damaged_steps_and_replies_are_left_out() {
    let store = TestStore::file("parts");
    let sessions = store.open();
    let steps = vec![step(1, 1), step(1, 2)];
    sessions.commit(super::Commit { steps, ..state_commit(sample(1)) }).await.unwrap();
    for sid in ["SM1", "SM2"] {
        let claim = claim_first(&sessions, sid).await;
        sessions.commit(reply_commit(claim, sid)).await.unwrap();
    }
    let damage = "UPDATE step SET name = 'x' WHERE sid = 'FT1';
                  UPDATE claim SET sealed = x'01' WHERE id = 1";
    store.sql().execute_batch(damage).unwrap();
    assert_eq!(sessions.steps("FN1", page(9)).await.unwrap(), [step(1, 2)]);
    drop(sessions);
    let sessions = store.open();
    assert_eq!(claim_answered(&sessions, "SM2").await, "SM2");
    // A webhook whose reply is damaged is worked on again.
    drop(claim_first(&sessions, "SM1").await);
}

#[tokio::test]
async fn a_file_that_is_damaged_at_the_start_is_moved_aside() {
    let store = TestStore::file("header");
    save(&store.open(), sample(1)).await;
    let mut bytes = fs::read(store.path()).unwrap();
    bytes[3] ^= 1;
    fs::write(store.path(), &bytes).unwrap();
    let sessions = store.open();
    assert_eq!(sessions.health(), Ok(()));
    assert_eq!(sessions.execution("FN1").await.unwrap(), None);
    save(&sessions, sample(2)).await;
    drop(sessions);
    assert!(store.open().execution("FN2").await.unwrap().is_some());
    let aside = store.beside(".corrupt-");
    assert_eq!(aside.len(), 1);
    assert_eq!(fs::read(&aside[0]).unwrap(), bytes);
}

/// The result of a restore beside the log of another file: only the first page is intact.
#[tokio::test]
async fn a_file_whose_first_page_alone_is_whole_is_moved_aside_at_the_start() {
    let store = TestStore::file("first-page");
    fill(&store).await;
    let bytes = damage(&store);
    let sessions = store.open();
    assert_eq!(sessions.health(), Ok(()));
    assert_eq!(sessions.execution("FN1").await.unwrap(), None);
    save(&sessions, sample(2)).await;
    drop(sessions);
    assert!(store.open().execution("FN2").await.unwrap().is_some());
    let aside = store.beside(".corrupt-");
    assert_eq!(fs::read(&aside[0]).unwrap(), bytes);
    assert_eq!(aside.len(), 1);
}

#[tokio::test]
async fn a_file_that_is_damaged_while_it_is_open_is_moved_aside() {
    let store = TestStore::file("pages");
    fill(&store).await;
    let sessions = store.open();
    damage(&store);
    // The first read or write finds it, and after some requests the store works again by itself.
    let mut failed = 0;
    let mut number = 1_000;
    while let Err(error) = sessions.commit(state_commit(sample(number))).await {
        assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
        failed += 1;
        number += 1;
        assert!(failed < 10, "{error}");
    }
    assert!(failed > 0);
    assert_eq!(sessions.health(), Ok(()));
    assert_eq!(store.beside(".corrupt-").len(), 1);
    let stored = sessions.execution(&sample(number).sid).await.unwrap();
    assert_eq!(stored, Some(sample(number)));
    // The readers use the fresh file as well, and its log is not removed with the old one.
    assert_eq!(sessions.execution("FN1").await.unwrap(), None);
    save(&sessions, sample(5)).await;
    drop(sessions);
    assert!(store.open().execution("FN5").await.unwrap().is_some());
}

#[tokio::test]
async fn damage_that_a_reader_finds_causes_a_check_of_the_file() {
    let store = TestStore::file("reader");
    fill(&store).await;
    let sessions = store.open();
    damage(&store);
    assert!(matches!(sessions.execution("FN1").await, Err(StoreError::Failed(_))));
    // The check is before this in the writer's queue.
    save(&sessions, sample(5)).await;
    assert_eq!(sessions.execution("FN1").await.unwrap(), None);
    assert_eq!(sessions.health(), Ok(()));
    assert_eq!(store.beside(".corrupt-").len(), 1);
}

/// Any byte may be damaged while the file is closed: it opens, or says why not, and what it returns
/// is what was stored.
#[tokio::test]
async fn any_byte_may_be_damaged() {
    let store = TestStore::file("bytes");
    let sessions = store.open();
    for number in 0..4 {
        let steps = vec![step(number, 1)];
        sessions.commit(super::Commit { steps, ..state_commit(sample(number)) }).await.unwrap();
    }
    drop(sessions);
    let whole = fs::read(store.path()).unwrap();
    let mut places: Vec<usize> = (0..100).collect();
    places.extend((100..whole.len()).step_by(997));
    for at in places {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        fs::write(store.path(), &bytes).unwrap();
        let sessions = match super::Sessions::open(&store.url, NOW) {
            Ok(sessions) => sessions,
            Err(error) => {
                assert!(matches!(error, StoreError::Open { .. }), "{at}: {error}");
                continue;
            }
        };
        for number in 0..4 {
            if let Ok(Some(found)) = sessions.execution(&sample(number).sid).await {
                assert_eq!(found, sample(number), "{at}");
            }
            if let Ok(steps) = sessions.steps(&sample(number).sid, page(9)).await {
                assert!(steps.iter().all(|found| *found == step(number, 1)), "{at}");
            }
        }
        let _ = sessions.commit(state_commit(sample(9))).await;
    }
}
