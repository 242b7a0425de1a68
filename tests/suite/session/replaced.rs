//! S10: somebody moves, removes or replaces the file of a gateway that works on it. What is not
//! kept in the file that stands under the name is not answered, and it goes on by itself.

use std::fs;
use std::time::Duration;

use twimlgate::session::{Sessions, StoreError, StoreUrl};

use super::{NOW, Place, answered, first, of, reply, save, saved};

/// That the next write is refused, and told; and that the one after it is kept in the file that is
/// there now.
async fn goes_on_afresh(place: &Place, sessions: &Sessions) {
    let ticket = first(sessions, "SMmoved").await;
    let error = sessions.commit(reply(ticket, "<Response/>")).await.unwrap_err();
    assert!(matches!(&error, StoreError::Failed(what) if what.contains("moved")), "{error}");
    assert!(sessions.health().unwrap_err().contains("moved, removed or replaced"));
    let ticket = first(sessions, "SMmoved").await;
    sessions.commit(reply(ticket, "<Response/>")).await.unwrap();
    assert_eq!(sessions.health(), Ok(()));
    assert_eq!(place.sql().query_row("PRAGMA quick_check", [], |r| r.get(0)), Ok("ok".to_owned()));
}

#[tokio::test]
async fn s10_a_file_that_is_removed_is_begun_anew() {
    for endings in [&[""][..], &["", "-wal"], &["", "-wal", "-shm"], &["", "-wal", "-shm", ".lock"]]
    {
        let place = Place::file("removed");
        let sessions = place.open();
        save(&sessions, saved(1)).await;
        for ending in endings {
            fs::remove_file(format!("{}{ending}", place.path().display())).unwrap();
        }
        goes_on_afresh(&place, &sessions).await;
        assert_eq!(sessions.execution("FN1").await.unwrap(), None, "{endings:?}");
        let second = Sessions::open(&place.url, NOW).unwrap_err().to_string();
        assert!(second.contains("another gateway works on it"), "{endings:?}: {second}");
        save(&sessions, saved(2)).await;
        drop(sessions);
        let sessions = place.open();
        assert_eq!(answered(&sessions, "SMmoved").await, "<Response/>", "{endings:?}");
        assert!(sessions.execution("FN2").await.unwrap().is_some(), "{endings:?}");
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(place.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{endings:?}");
    }
}

/// A backup that is put in the file's place while the gateway runs: what was written since is in
/// the old file's log, and must not be taken for a part of the new one.
#[tokio::test]
async fn s10_a_file_that_is_replaced_is_worked_on_without_the_log_of_the_old_one() {
    let place = Place::file("replaced");
    let sessions = place.open();
    save(&sessions, saved(1)).await;
    let backup = place.path().with_file_name("backup.db");
    place.sql().execute("VACUUM INTO ?1", [backup.to_str().unwrap()]).unwrap();
    for number in 2..40 {
        save(&sessions, saved(number)).await;
    }
    fs::rename(&backup, place.path()).unwrap();
    goes_on_afresh(&place, &sessions).await;
    assert_eq!(place.beside(".left-").len(), 1, "the old log is kept for the operator");
    assert!(place.beside(".corrupt-").is_empty());
    assert_eq!(sessions.active("session 1").await.unwrap(), Some(saved(1)));
    assert_eq!(sessions.active("session 2").await.unwrap(), None);
    save(&sessions, saved(2)).await;
    drop(sessions);
    let sessions = place.open();
    assert_eq!(answered(&sessions, "SMmoved").await, "<Response/>");
    assert_eq!(sessions.active("session 2").await.unwrap(), Some(saved(2)));
}

#[tokio::test]
async fn s10_what_is_not_ours_is_left_alone_until_the_right_file_is_back() {
    let place = Place::file("foreign-later");
    let sessions = place.open();
    save(&sessions, saved(1)).await;
    let kept = place.path().with_file_name("kept.db");
    fs::rename(place.path(), &kept).unwrap();
    let foreign = rusqlite::Connection::open(place.path().with_file_name("foreign.db")).unwrap();
    foreign.execute_batch("CREATE TABLE theirs (a)").unwrap();
    drop(foreign);
    fs::rename(place.path().with_file_name("foreign.db"), place.path()).unwrap();
    for number in 2..5 {
        let error = sessions.commit(of(saved(number))).await.unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{error}");
        assert!(sessions.health().is_err());
    }
    let theirs = place.sql().query_row("SELECT count(*) FROM theirs", [], |r| r.get(0));
    assert_eq!(theirs, Ok(0), "nothing of ours went in");
    fs::rename(&kept, place.path()).unwrap();
    while sessions.health().is_err() {
        // It finds out by itself, within a second or two.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    save(&sessions, saved(5)).await;
    drop(sessions);
    assert!(place.open().execution("FN5").await.unwrap().is_some());
}

/// Nobody calls meanwhile: it is noticed all the same, so that the next caller is not the one who
/// finds out.
#[tokio::test]
async fn s10_it_is_noticed_without_a_write() {
    let place = Place::file("idle");
    let sessions = place.open();
    save(&sessions, saved(1)).await;
    fs::remove_file(place.path()).unwrap();
    let began = twimlgate::clock::now();
    while sessions.health().is_ok() {
        assert!(began.elapsed() < Duration::from_secs(10), "it is not noticed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    while sessions.health().is_err() {
        assert!(began.elapsed() < Duration::from_secs(10), "it does not recover");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    save(&sessions, saved(2)).await;
    assert!(place.path().exists());
}

/// Whoever takes the lock away lets a second gateway in: the first one stops writing then.
#[tokio::test]
async fn s10_of_two_gateways_on_one_file_one_works() {
    let place = Place::file("two");
    let sessions = place.open();
    save(&sessions, saved(1)).await;
    fs::remove_file(format!("{}.lock", place.path().display())).unwrap();
    let other = Place { url: StoreUrl::Sqlite(place.path().to_owned()) };
    let second = other.open();
    for _ in 0..3 {
        let error = sessions.commit(of(saved(2))).await.unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{error}");
    }
    assert!(sessions.health().unwrap_err().contains("another gateway works on it"));
    save(&second, saved(3)).await;
    drop(second);
    save(&sessions, saved(4)).await;
    assert_eq!(sessions.health(), Ok(()));
}
