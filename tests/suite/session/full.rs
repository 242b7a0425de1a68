//! A disk that is full, and has room again.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use twimlgate::session::{StoreError, StoreUrl};

use super::{TestStore, claim_answered, claim_first, reply_commit, sample, state_commit};

/// A file system of one megabyte, for as long as it lives.
pub(crate) struct Small(pub(crate) PathBuf);

impl Small {
    pub(crate) fn mount(name: &str) -> Option<Small> {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "twimlgate-test"])
            .arg(&folder)
            .output();
        mount.is_ok_and(|output| output.status.success()).then_some(Small(folder))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_reported_and_the_store_works_again_when_it_has_room() {
    let Some(small) = Small::mount("session-small") else {
        println!("skipped: this user may not mount a file system");
        return;
    };
    let store = TestStore { url: StoreUrl::Sqlite(small.0.join("store.db")) };
    let sessions = store.open();
    let claim = claim_first(&sessions, "SMbefore").await;
    sessions.commit(reply_commit(claim, "<Response/>")).await.unwrap();
    let ballast = small.0.join("ballast");
    fs::write(&ballast, vec![0; 300_000]).unwrap();

    let mut number = 0;
    let error = loop {
        match sessions.commit(state_commit(sample(number))).await {
            Ok(()) => number += 1,
            Err(error) => break error,
        }
        assert!(number < 2_000, "it is never full");
    };
    assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
    assert!(number > 10);
    assert!(sessions.health().is_err());
    // What does not fit is refused each time, and what was stored is there.
    let claim = claim_first(&sessions, "SMfull").await;
    assert!(sessions.commit(reply_commit(claim, vec![b'x'; 60_000])).await.is_err());
    assert_eq!(claim_answered(&sessions, "SMbefore").await, "<Response/>");
    for stored in 0..number {
        assert_eq!(sessions.active(&sample(stored).session).await.unwrap(), Some(sample(stored)));
    }
    assert_eq!(sessions.active(&sample(number).session).await.unwrap(), None);

    fs::remove_file(&ballast).unwrap();
    let claim = claim_first(&sessions, "SMfull").await;
    sessions.commit(reply_commit(claim, "<Response/>")).await.unwrap();
    assert_eq!(sessions.health(), Ok(()));
    sessions.commit(state_commit(sample(number))).await.unwrap();
    drop(sessions);
    let sessions = store.open();
    assert_eq!(claim_answered(&sessions, "SMfull").await, "<Response/>");
    for stored in 0..=number {
        assert_eq!(sessions.active(&sample(stored).session).await.unwrap(), Some(sample(stored)));
    }
}
