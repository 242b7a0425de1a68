//! What a file does beyond memory: it outlives a kill, belongs to one gateway, and reports errors.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use twimlgate::session::{Commit, Sessions, StoreError, StoreUrl, StoredExecution};

use super::{
    NOW, TestStore, claim_answered, claim_first, reply_commit, sample, save, state_commit, step,
};
use crate::session::executions::page;

/// Where the child of [`nothing_that_was_answered_is_lost_by_a_kill`] writes.
const CHILD: &str = "TWIMLGATE_TEST_STORE";

#[tokio::test]
async fn everything_is_there_after_reopening() {
    let store = TestStore::file("file");
    let sessions = store.open();
    let due = Some(NOW);
    let execution = StoredExecution { due, ..sample(1) };
    let claim = Some(claim_first(&sessions, "SM1").await);
    let steps = vec![step(1, 1)];
    let commit =
        Commit { claim, reply: "<Response/>".into(), steps, ..state_commit(execution.clone()) };
    sessions.commit(commit).await.unwrap();
    sessions.store_flow("r1", "{}").await.unwrap();
    drop(sessions);
    let sessions = store.open();
    assert_eq!(claim_answered(&sessions, "SM1").await, "<Response/>");
    assert_eq!(sessions.active("session 1").await.unwrap(), Some(execution.clone()));
    assert_eq!(sessions.due(NOW + super::NOW, 1).await.unwrap(), [execution]);
    assert_eq!(sessions.steps("FN1", page(9)).await.unwrap(), [step(1, 1)]);
    assert_eq!(sessions.flow("r1").await.unwrap().as_deref(), Some("{}"));
}

/// A file from before executions had versions; and the version before can use it afterwards.
#[tokio::test]
async fn a_file_of_a_former_version_is_completed() {
    let store = TestStore::file("former");
    save(&store.open(), sample(1)).await;
    store.sql().execute_batch("ALTER TABLE execution DROP COLUMN version").unwrap();
    let sessions = store.open();
    assert_eq!(sessions.active("session 1").await.unwrap(), Some(sample(1)));
    let next = StoredExecution { version: 2, ..sample(1) };
    save(&sessions, next.clone()).await;
    assert_eq!(
        sessions.commit(state_commit(next.clone())).await,
        Err(StoreError::Stale("FN1".into()))
    );
    drop(sessions);
    // As the former version inserts a row and changes one.
    let former = "INSERT INTO execution (sid, session, flow, revision, active, created, updated,
                  hour, sealed) SELECT 'FN2', 'session 2', flow, revision, active, created,
                  updated, hour, sealed FROM execution";
    store.sql().execute_batch(former).unwrap();
    let version: i64 = store
        .sql()
        .query_row("SELECT version FROM execution WHERE sid = 'FN2'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(version, 1);
    assert_eq!(store.open().active("session 1").await.unwrap(), Some(next));
}

#[tokio::test]
async fn nothing_that_was_answered_is_lost_by_a_kill() {
    let store = TestStore::file("killed");
    for round in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "session::file::the_child_that_is_killed", "--nocapture"])
            .env(CHILD, store.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut answered = Vec::new();
        while answered.len() < 50 + round * 30 {
            let line = lines.next().expect("it goes on").unwrap();
            answered.extend(line.strip_prefix("stored ").map(str::to_owned));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        answered.extend(lines.map_while(Result::ok).filter_map(|line| {
            // Half a line does not count.
            line.strip_prefix("stored ").filter(|sid| sid.len() == 12).map(str::to_owned)
        }));
        let sessions = store.open();
        for sid in answered {
            assert_eq!(claim_answered(&sessions, &sid).await, sid);
            let steps = sessions.steps(&sid, page(9)).await.unwrap();
            assert_eq!(steps.len(), 1, "{sid}");
            assert!(sessions.delete(&sid).await.unwrap());
        }
        assert_eq!(sessions.health(), Ok(()));
    }
}

/// Not a test by itself: it writes until it is killed, and prints what was answered.
#[tokio::test]
async fn the_child_that_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let store = TestStore { url: StoreUrl::Sqlite(path.into()) };
    let sessions = store.open();
    let round = std::process::id() % 1_000_000;
    for number in 0..10_000 {
        let sid = format!("FN{round:06}{number:04}");
        let claim = Some(claim_first(&sessions, &sid).await);
        let session = sid.clone();
        let execution = Some(StoredExecution { sid: sid.clone(), session, ..sample(1) });
        let mut step = step(1, 1);
        step.execution.clone_from(&sid);
        let reply = sid.clone().into();
        let steps = vec![step];
        let commit = Commit { claim, reply, execution, steps, now: NOW, ..Commit::default() };
        sessions.commit(commit).await.unwrap();
        println!("\nstored {sid}");
    }
}

#[tokio::test]
async fn a_second_gateway_is_refused_with_advice() {
    let store = TestStore::file("second");
    let sessions = store.open();
    let error = Sessions::open(&store.url, NOW).unwrap_err().to_string();
    assert!(error.contains("store.db") && error.contains("another gateway"), "{error}");
    assert!(error.contains("end that one, or name another file"), "{error}");
    // Under another name of the same file too.
    let link = store.path().with_file_name("link.db");
    std::os::unix::fs::symlink(store.path(), &link).unwrap();
    let error = Sessions::open(&StoreUrl::Sqlite(link), NOW).unwrap_err().to_string();
    assert!(error.contains("another gateway"), "{error}");
    // The first one is not disturbed.
    save(&sessions, sample(1)).await;
    let other = sessions.clone();
    drop(sessions);
    save(&other, sample(2)).await;
    drop(other);
    save(&store.open(), sample(3)).await;
}

#[tokio::test]
async fn a_file_of_another_program_is_refused_and_not_changed() {
    let store = TestStore::file("foreign");
    let expect = |expected: &[&str]| {
        let error = Sessions::open(&store.url, NOW).unwrap_err().to_string();
        expected.iter().for_each(|word| assert!(error.contains(word), "{error}"));
        assert!(store.beside(".corrupt-").is_empty());
    };
    std::fs::write(store.path(), "[server]\nlisten = \"127.0.0.1:8080\"\n").unwrap();
    expect(&["not a database", "name another file"]);
    std::fs::remove_file(store.path()).unwrap();
    store.sql().execute_batch("CREATE TABLE theirs (x)").unwrap();
    expect(&["another program's", "name another file"]);
    std::fs::remove_file(store.path()).unwrap();
    drop(store.open());
    store.sql().execute_batch("PRAGMA user_version = 99").unwrap();
    expect(&["99", "newer twimlgate", "run that version"]);

    let nowhere = StoreUrl::Sqlite(store.path().join("nowhere/store.db"));
    let error = Sessions::open(&nowhere, NOW).unwrap_err().to_string();
    assert!(error.contains("see that its folder exists"), "{error}");
}

#[tokio::test]
async fn only_the_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let store = TestStore::file("private");
    let sessions = store.open();
    save(&sessions, sample(1)).await;
    let files = store.beside("");
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", file.display());
    }
}

#[tokio::test]
async fn a_lock_of_another_program_passes() {
    let store = TestStore::file("locked");
    let sessions = store.open();
    let other = store.sql();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let claim = claim_first(&sessions, "SM1").await;
    let error = sessions.commit(reply_commit(claim, "<Response/>")).await.unwrap_err().to_string();
    assert!(error.contains("locked"), "{error}");
    assert!(sessions.health().unwrap_err().contains("locked"));
    // It can be read meanwhile.
    assert_eq!(sessions.execution("FN1").await.unwrap(), None);
    other.execute_batch("COMMIT").unwrap();
    let claim = claim_first(&sessions, "SM1").await;
    sessions.commit(reply_commit(claim, "<Response/>")).await.unwrap();
    assert_eq!(sessions.health(), Ok(()));
}
