//! Damage to a file: of one record, of all, while it is open, while it is not.

use std::fs;

use twimlgate::session::{Saved, StoreError};

use super::{NOW, Place, answered, first, of, reply, save, saved, step};
use crate::session::executions::page;

/// Puts two hundred executions into a file, and closes it.
pub(super) async fn fill(place: &Place) {
    let sessions = place.open();
    for number in 0..200 {
        save(&sessions, saved(number)).await;
    }
}

/// Damages all of a file but its first page, so that it can still be told what it is; gives what
/// it holds then.
pub(super) fn damage(place: &Place) -> Vec<u8> {
    let mut bytes = fs::read(place.path()).unwrap();
    bytes[4_096..].fill(0xEE);
    fs::write(place.path(), &bytes).unwrap();
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
        let place = Place::file("record");
        let sessions = place.open();
        save(&sessions, Saved { due: Some(NOW), ..saved(1) }).await;
        save(&sessions, Saved { due: Some(NOW), ..saved(2) }).await;
        drop(sessions);
        assert_eq!(place.sql().execute(damage, []).unwrap(), 1);
        let sessions = place.open();
        let corrupt = Err(StoreError::Corrupt("FN1".to_owned()));
        assert_eq!(sessions.active("session 1").await, corrupt, "{damage}");
        assert_eq!(sessions.execution("FN1").await, corrupt, "{damage}");
        assert!(sessions.active("session 2").await.unwrap().is_some());
        let list = twimlgate::session::Listing { flow: "FW1".into(), limit: 9, ..<_>::default() };
        assert_eq!(sessions.executions(list).await.unwrap().len(), 1, "{damage}");
        assert_eq!(sessions.due(NOW + NOW, 1).await.unwrap()[0].sid, "FN2", "{damage}");
        assert_eq!(sessions.health(), Ok(()));
        // Its session begins anew, and it can be deleted.
        save(&sessions, Saved { session: "session 1".to_owned(), ..saved(3) }).await;
        assert_eq!(sessions.active("session 1").await.unwrap().unwrap().sid, "FN3");
        assert!(sessions.delete("FN1").await.unwrap());
    }
}

#[tokio::test]
async fn damage_to_what_is_at_hand_does_not_matter() {
    let place = Place::file("at-hand");
    let sessions = place.open();
    save(&sessions, saved(1)).await;
    let damage = "UPDATE execution SET sealed = x'' WHERE sid = 'FN1'";
    assert_eq!(place.sql().execute(damage, []).unwrap(), 1);
    let found = sessions.active("session 1").await.unwrap();
    assert_eq!(found, Some(saved(1)));
    // Its next turn writes it anew, whole.
    save(&sessions, saved(1)).await;
    drop(sessions);
    assert_eq!(place.open().active("session 1").await, Ok(Some(saved(1))));
}

#[tokio::test]
async fn damaged_steps_and_replies_are_left_out() {
    let place = Place::file("parts");
    let sessions = place.open();
    let steps = vec![step(1, 1), step(1, 2)];
    sessions.commit(super::Commit { steps, ..of(saved(1)) }).await.unwrap();
    for sid in ["SM1", "SM2"] {
        let ticket = first(&sessions, sid).await;
        sessions.commit(reply(ticket, sid)).await.unwrap();
    }
    let damage = "UPDATE step SET name = 'x' WHERE sid = 'FT1';
                  UPDATE claim SET sealed = x'01' WHERE id = 1";
    place.sql().execute_batch(damage).unwrap();
    assert_eq!(sessions.steps("FN1", page(9)).await.unwrap(), [step(1, 2)]);
    drop(sessions);
    let sessions = place.open();
    assert_eq!(answered(&sessions, "SM2").await, "SM2");
    // What cannot be answered again is worked on again.
    drop(first(&sessions, "SM1").await);
}

#[tokio::test]
async fn a_file_that_is_damaged_at_the_start_is_moved_aside() {
    let place = Place::file("header");
    save(&place.open(), saved(1)).await;
    let mut bytes = fs::read(place.path()).unwrap();
    bytes[3] ^= 1;
    fs::write(place.path(), &bytes).unwrap();
    let sessions = place.open();
    assert_eq!(sessions.health(), Ok(()));
    assert_eq!(sessions.execution("FN1").await.unwrap(), None);
    save(&sessions, saved(2)).await;
    drop(sessions);
    assert!(place.open().execution("FN2").await.unwrap().is_some());
    let aside = place.beside(".corrupt-");
    assert_eq!(aside.len(), 1);
    assert_eq!(fs::read(&aside[0]).unwrap(), bytes);
}

/// A restore beside the log of another file does this: the first page is as it should be.
#[tokio::test]
async fn a_file_whose_first_page_alone_is_whole_is_moved_aside_at_the_start() {
    let place = Place::file("first-page");
    fill(&place).await;
    let bytes = damage(&place);
    let sessions = place.open();
    assert_eq!(sessions.health(), Ok(()));
    assert_eq!(sessions.execution("FN1").await.unwrap(), None);
    save(&sessions, saved(2)).await;
    drop(sessions);
    assert!(place.open().execution("FN2").await.unwrap().is_some());
    let aside = place.beside(".corrupt-");
    assert_eq!(fs::read(&aside[0]).unwrap(), bytes);
    assert_eq!(aside.len(), 1);
}

#[tokio::test]
async fn a_file_that_is_damaged_while_it_is_open_is_moved_aside() {
    let place = Place::file("pages");
    fill(&place).await;
    let sessions = place.open();
    damage(&place);
    // It is told by whoever reads first, and after some requests it works again by itself.
    let mut failed = 0;
    let mut number = 1_000;
    while let Err(error) = sessions.commit(of(saved(number))).await {
        assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
        failed += 1;
        number += 1;
        assert!(failed < 10, "{error}");
    }
    assert!(failed > 0);
    assert_eq!(sessions.health(), Ok(()));
    assert_eq!(place.beside(".corrupt-").len(), 1);
    let kept = sessions.execution(&saved(number).sid).await.unwrap();
    assert_eq!(kept, Some(saved(number)));
    // Also what is read is of the fresh file, and its log is not taken away by the old one.
    assert_eq!(sessions.execution("FN1").await.unwrap(), None);
    save(&sessions, saved(5)).await;
    drop(sessions);
    assert!(place.open().execution("FN5").await.unwrap().is_some());
}

#[tokio::test]
async fn what_a_reader_finds_damaged_is_looked_at_as_a_whole() {
    let place = Place::file("reader");
    fill(&place).await;
    let sessions = place.open();
    damage(&place);
    assert!(matches!(sessions.execution("FN1").await, Err(StoreError::Failed(_))));
    // The check is before this in the writer's queue.
    save(&sessions, saved(5)).await;
    assert_eq!(sessions.execution("FN1").await.unwrap(), None);
    assert_eq!(sessions.health(), Ok(()));
    assert_eq!(place.beside(".corrupt-").len(), 1);
}

/// Whatever byte is damaged while nobody has the file open: it opens, or says why not, and what it
/// gives is what was kept.
#[tokio::test]
async fn any_byte_may_be_damaged() {
    let place = Place::file("bytes");
    let sessions = place.open();
    for number in 0..4 {
        let steps = vec![step(number, 1)];
        sessions.commit(super::Commit { steps, ..of(saved(number)) }).await.unwrap();
    }
    drop(sessions);
    let whole = fs::read(place.path()).unwrap();
    let mut places: Vec<usize> = (0..100).collect();
    places.extend((100..whole.len()).step_by(997));
    for at in places {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        fs::write(place.path(), &bytes).unwrap();
        let sessions = match super::Sessions::open(&place.url, NOW) {
            Ok(sessions) => sessions,
            Err(error) => {
                assert!(matches!(error, StoreError::Open { .. }), "{at}: {error}");
                continue;
            }
        };
        for number in 0..4 {
            if let Ok(Some(found)) = sessions.execution(&saved(number).sid).await {
                assert_eq!(found, saved(number), "{at}");
            }
            if let Ok(steps) = sessions.steps(&saved(number).sid, page(9)).await {
                assert!(steps.iter().all(|found| *found == step(number, 1)), "{at}");
            }
        }
        let _ = sessions.commit(of(saved(9))).await;
    }
}
