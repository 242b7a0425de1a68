//! A disk that says that it could not keep what it was given.

use std::process::{Command, Stdio};

use twimlgate::session::{ClaimOutcome, Commit, StoreError, StoreUrl, StoredExecution};

use super::{NOW, TestStore, claim_answered, key, sample};

/// Where the child of [`a_sync_that_fails_is_not_believed`] writes.
const CHILD: &str = "TWIMLGATE_TEST_SYNC";

#[tokio::test]
async fn a_sync_that_fails_is_not_believed() {
    let traced = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    if !traced.is_ok_and(|output| output.status.success()) {
        println!("skipped: there is no strace, or this user may not use it");
        return;
    }
    // After those with which the file is begun: once, every seventh time, always for a while.
    for when in ["12", "10+7", "10..40"] {
        let store = TestStore::file("sync");
        let inject = format!("inject=fdatasync,fsync:error=EIO:when={when}");
        let output = Command::new("strace")
            .args(["-f", "-q", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e", &inject])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "session::sync::the_child_whose_disk_fails", "--nocapture"])
            .env(CHILD, store.path())
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{when}: {text}");
        let stored: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("stored ")).collect();
        let failed = text.lines().filter(|line| line.starts_with("failed ")).count();
        assert!(
            stored.len() == 60 && failed > 0,
            "{when}: {} stored, {failed} failed",
            stored.len()
        );
        // Nothing was thrown away for it, and what was answered is there.
        assert!(store.beside(".corrupt-").is_empty());
        let sessions = store.open();
        for sid in stored {
            assert_eq!(claim_answered(&sessions, sid).await, sid);
            assert!(sessions.execution(sid).await.unwrap().is_some(), "{sid}");
        }
    }
}

/// Not a test by itself: it writes on a disk that fails at times, each webhook until it is stored.
#[tokio::test]
async fn the_child_whose_disk_fails() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let sessions = TestStore { url: StoreUrl::Sqlite(path.into()) }.open();
    let mut failed = 0;
    for number in 0..60 {
        let sid = format!("FN{number}");
        let session = sid.clone();
        let execution = Some(StoredExecution { sid: sid.clone(), session, ..sample(number) });
        loop {
            let claim = match sessions.claim(Some(&key(&sid))).await.unwrap() {
                ClaimOutcome::First(claim) => Some(claim),
                // It was stored in spite of the error.
                ClaimOutcome::Answered { reply, .. } => {
                    assert_eq!(reply, sid);
                    break;
                }
                other => panic!("{other:?}"),
            };
            let (execution, reply) = (execution.clone(), sid.clone().into());
            let commit = Commit { claim, reply, execution, now: NOW, ..Commit::default() };
            match sessions.commit(commit).await {
                Ok(()) => {
                    assert_eq!(sessions.health(), Ok(()));
                    break;
                }
                Err(error) => {
                    assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
                    assert!(sessions.health().is_err());
                    println!("\nfailed {sid}: {error}");
                    failed += 1;
                    assert!(failed < 1_000, "it does not recover");
                }
            }
        }
        println!("\nstored {sid}");
    }
}
