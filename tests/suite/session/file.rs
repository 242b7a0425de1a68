//! What a file does beyond memory: it outlives a kill, it is one gateway's, it says what is wrong.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use twimlgate::session::{Commit, Saved, Sessions, StoreUrl};

use super::{NOW, Place, answered, first, of, reply, save, saved, step};
use crate::session::executions::page;

/// Where the child of [`nothing_that_was_answered_is_lost_by_a_kill`] writes.
const CHILD: &str = "TWIMLGATE_TEST_STORE";

#[tokio::test]
async fn everything_is_there_after_reopening() {
    let place = Place::file("file");
    let sessions = place.open();
    let due = Some(NOW);
    let execution = Saved { due, ..saved(1) };
    let ticket = Some(first(&sessions, "SM1").await);
    let steps = vec![step(1, 1)];
    let commit = Commit { ticket, reply: "<Response/>".into(), steps, ..of(execution.clone()) };
    sessions.commit(commit).await.unwrap();
    sessions.keep_flow("r1", "{}").await.unwrap();
    drop(sessions);
    let sessions = place.open();
    assert_eq!(answered(&sessions, "SM1").await, "<Response/>");
    assert_eq!(sessions.active("session 1").await.unwrap(), Some(execution.clone()));
    assert_eq!(sessions.due(NOW + super::NOW, 1).await.unwrap(), [execution]);
    assert_eq!(sessions.steps("FN1", page(9)).await.unwrap(), [step(1, 1)]);
    assert_eq!(sessions.flow("r1").await.unwrap().as_deref(), Some("{}"));
}

#[tokio::test]
async fn nothing_that_was_answered_is_lost_by_a_kill() {
    let place = Place::file("killed");
    for round in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "session::file::the_one_that_is_killed", "--nocapture"])
            .env(CHILD, place.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = Vec::new();
        while told.len() < 50 + round * 30 {
            let line = lines.next().expect("it goes on").unwrap();
            told.extend(line.strip_prefix("kept ").map(str::to_owned));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        told.extend(lines.map_while(Result::ok).filter_map(|line| {
            // Half a line was not told.
            line.strip_prefix("kept ").filter(|sid| sid.len() == 12).map(str::to_owned)
        }));
        let sessions = place.open();
        for sid in told {
            assert_eq!(answered(&sessions, &sid).await, sid);
            let steps = sessions.steps(&sid, page(9)).await.unwrap();
            assert_eq!(steps.len(), 1, "{sid}");
            assert!(sessions.delete(&sid).await.unwrap());
        }
        assert_eq!(sessions.health(), Ok(()));
    }
}

/// Not a test by itself: it writes until it is killed, and tells what was answered.
#[tokio::test]
async fn the_one_that_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let place = Place { url: StoreUrl::Sqlite(path.into()) };
    let sessions = place.open();
    let round = std::process::id() % 1_000_000;
    for number in 0..10_000 {
        let sid = format!("FN{round:06}{number:04}");
        let ticket = Some(first(&sessions, &sid).await);
        let session = sid.clone();
        let execution = Some(Saved { sid: sid.clone(), session, ..saved(1) });
        let mut step = step(1, 1);
        step.execution.clone_from(&sid);
        let reply = sid.clone().into();
        let steps = vec![step];
        sessions.commit(Commit { ticket, reply, execution, steps, now: NOW }).await.unwrap();
        println!("\nkept {sid}");
    }
}

#[tokio::test]
async fn a_second_gateway_is_refused_with_advice() {
    let place = Place::file("second");
    let sessions = place.open();
    let error = Sessions::open(&place.url, NOW).unwrap_err().to_string();
    assert!(error.contains("store.db") && error.contains("another gateway"), "{error}");
    assert!(error.contains("end that one, or name another file"), "{error}");
    // By another way to the same file too.
    let link = place.path().with_file_name("link.db");
    std::os::unix::fs::symlink(place.path(), &link).unwrap();
    let error = Sessions::open(&StoreUrl::Sqlite(link), NOW).unwrap_err().to_string();
    assert!(error.contains("another gateway"), "{error}");
    // The one that was first is not disturbed.
    save(&sessions, saved(1)).await;
    let other = sessions.clone();
    drop(sessions);
    save(&other, saved(2)).await;
    drop(other);
    save(&place.open(), saved(3)).await;
}

#[tokio::test]
async fn a_file_that_is_not_ours_is_refused_as_it_is() {
    let place = Place::file("foreign");
    let told = |expected: &[&str]| {
        let error = Sessions::open(&place.url, NOW).unwrap_err().to_string();
        expected.iter().for_each(|word| assert!(error.contains(word), "{error}"));
        assert!(place.beside(".corrupt-").is_empty());
    };
    std::fs::write(place.path(), "[server]\nlisten = \"127.0.0.1:8080\"\n").unwrap();
    told(&["not a database", "name another file"]);
    std::fs::remove_file(place.path()).unwrap();
    place.sql().execute_batch("CREATE TABLE theirs (x)").unwrap();
    told(&["another program's", "name another file"]);
    std::fs::remove_file(place.path()).unwrap();
    drop(place.open());
    place.sql().execute_batch("PRAGMA user_version = 99").unwrap();
    told(&["99", "newer twimlgate", "run that version"]);

    let nowhere = StoreUrl::Sqlite(place.path().join("nowhere/store.db"));
    let error = Sessions::open(&nowhere, NOW).unwrap_err().to_string();
    assert!(error.contains("see that its folder exists"), "{error}");
}

#[tokio::test]
async fn only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::file("private");
    let sessions = place.open();
    save(&sessions, saved(1)).await;
    let files = place.beside("");
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", file.display());
    }
}

#[tokio::test]
async fn a_lock_of_another_program_passes() {
    let place = Place::file("locked");
    let sessions = place.open();
    let other = place.sql();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let ticket = first(&sessions, "SM1").await;
    let error = sessions.commit(reply(ticket, "<Response/>")).await.unwrap_err().to_string();
    assert!(error.contains("locked"), "{error}");
    assert!(sessions.health().unwrap_err().contains("locked"));
    // It can be read all the while.
    assert_eq!(sessions.execution("FN1").await.unwrap(), None);
    other.execute_batch("COMMIT").unwrap();
    let ticket = first(&sessions, "SM1").await;
    sessions.commit(reply(ticket, "<Response/>")).await.unwrap();
    assert_eq!(sessions.health(), Ok(()));
}
