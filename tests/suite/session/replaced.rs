//! S10: the file of a running gateway is moved, removed or replaced. A commit that is not in the
//! file of that name gets no answer, and the store recovers by itself.

use std::fs;
use std::time::Duration;

use twimlgate::session::{Sessions, StoreError, StoreUrl};

use super::{
    NOW, TestStore, claim_answered, claim_first, reply_commit, sample, save, state_commit,
};

/// Asserts that the next write is refused and reported, and that the one after it is in the file
/// of that name.
async fn assert_recovers(store: &TestStore, sessions: &Sessions) {
    let claim = claim_first(sessions, "SMmoved").await;
    let error = sessions.commit(reply_commit(claim, "<Response/>")).await.unwrap_err();
    assert!(matches!(&error, StoreError::Failed(what) if what.contains("moved")), "{error}");
    assert!(sessions.health().unwrap_err().contains("moved, removed or replaced"));
    let claim = claim_first(sessions, "SMmoved").await;
    sessions.commit(reply_commit(claim, "<Response/>")).await.unwrap();
    assert_eq!(sessions.health(), Ok(()));
    assert_eq!(store.sql().query_row("PRAGMA quick_check", [], |r| r.get(0)), Ok("ok".to_owned()));
}

#[tokio::test]
async fn s10_a_file_that_is_removed_is_begun_anew() {
    for endings in [&[""][..], &["", "-wal"], &["", "-wal", "-shm"], &["", "-wal", "-shm", ".lock"]]
    {
        let store = TestStore::file("removed");
        let sessions = store.open();
        save(&sessions, sample(1)).await;
        for ending in endings {
            fs::remove_file(format!("{}{ending}", store.path().display())).unwrap();
        }
        assert_recovers(&store, &sessions).await;
        assert_eq!(sessions.execution("FN1").await.unwrap(), None, "{endings:?}");
        let second = Sessions::open(&store.url, NOW).unwrap_err().to_string();
        assert!(second.contains("another gateway works on it"), "{endings:?}: {second}");
        save(&sessions, sample(2)).await;
        drop(sessions);
        let sessions = store.open();
        assert_eq!(claim_answered(&sessions, "SMmoved").await, "<Response/>", "{endings:?}");
        assert!(sessions.execution("FN2").await.unwrap().is_some(), "{endings:?}");
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(store.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{endings:?}");
    }
}

/// A backup replaces the file while the gateway runs: what was written since is in the log of the
/// old file, which must not be taken for a part of the new one.
#[tokio::test]
async fn s10_a_file_that_is_replaced_is_worked_on_without_the_log_of_the_old_one() {
    let store = TestStore::file("replaced");
    let sessions = store.open();
    save(&sessions, sample(1)).await;
    let backup = store.path().with_file_name("backup.db");
    store.sql().execute("VACUUM INTO ?1", [backup.to_str().unwrap()]).unwrap();
    for number in 2..40 {
        save(&sessions, sample(number)).await;
    }
    fs::rename(&backup, store.path()).unwrap();
    assert_recovers(&store, &sessions).await;
    assert_eq!(store.beside(".left-").len(), 1, "the old log is left for the operator");
    assert!(store.beside(".corrupt-").is_empty());
    assert_eq!(sessions.active("session 1").await.unwrap(), Some(sample(1)));
    assert_eq!(sessions.active("session 2").await.unwrap(), None);
    save(&sessions, sample(2)).await;
    drop(sessions);
    let sessions = store.open();
    assert_eq!(claim_answered(&sessions, "SMmoved").await, "<Response/>");
    assert_eq!(sessions.active("session 2").await.unwrap(), Some(sample(2)));
}

#[tokio::test]
async fn s10_a_file_of_another_program_is_not_changed_until_the_right_file_is_back() {
    let store = TestStore::file("foreign-later");
    let sessions = store.open();
    save(&sessions, sample(1)).await;
    let stored = store.path().with_file_name("stored.db");
    fs::rename(store.path(), &stored).unwrap();
    let foreign = rusqlite::Connection::open(store.path().with_file_name("foreign.db")).unwrap();
    foreign.execute_batch("CREATE TABLE theirs (a)").unwrap();
    drop(foreign);
    fs::rename(store.path().with_file_name("foreign.db"), store.path()).unwrap();
    for number in 2..5 {
        let error = sessions.commit(state_commit(sample(number))).await.unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{error}");
        assert!(sessions.health().is_err());
    }
    let theirs = store.sql().query_row("SELECT count(*) FROM theirs", [], |r| r.get(0));
    assert_eq!(theirs, Ok(0), "nothing of ours went in");
    fs::rename(&stored, store.path()).unwrap();
    while sessions.health().is_err() {
        // The probe finds it, within a second or two.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    save(&sessions, sample(5)).await;
    drop(sessions);
    assert!(store.open().execution("FN5").await.unwrap().is_some());
}

/// It is detected without a webhook, so that not the next caller gets the error.
#[tokio::test]
async fn s10_it_is_noticed_without_a_write() {
    let store = TestStore::file("idle");
    let sessions = store.open();
    save(&sessions, sample(1)).await;
    fs::remove_file(store.path()).unwrap();
    let began = twimlgate::clock::now();
    while sessions.health().is_ok() {
        assert!(began.elapsed() < Duration::from_secs(10), "it is not noticed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    while sessions.health().is_err() {
        assert!(began.elapsed() < Duration::from_secs(10), "it does not recover");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    save(&sessions, sample(2)).await;
    assert!(store.path().exists());
}

/// Where the lock file is removed, a second gateway starts: the first one stops writing then.
#[tokio::test]
async fn s10_of_two_gateways_on_one_file_one_works() {
    let store = TestStore::file("two");
    let sessions = store.open();
    save(&sessions, sample(1)).await;
    fs::remove_file(format!("{}.lock", store.path().display())).unwrap();
    let other = TestStore { url: StoreUrl::Sqlite(store.path().to_owned()) };
    let second = other.open();
    for _ in 0..3 {
        let error = sessions.commit(state_commit(sample(2))).await.unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{error}");
    }
    assert!(sessions.health().unwrap_err().contains("another gateway works on it"));
    save(&second, sample(3)).await;
    drop(second);
    save(&sessions, sample(4)).await;
    assert_eq!(sessions.health(), Ok(()));
}
