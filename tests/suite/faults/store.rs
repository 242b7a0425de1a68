//! S1 and S5: a store whose disk is full, and one whose bytes are others, under a gateway that
//! serves.

use std::fs;

use super::*;
use crate::session::full::Small;
use crate::support::hostile::{Hostile, json};

/// Sends messages until one is not answered as it should be; gives which.
async fn until_it_fails(rig: &Rig) -> usize {
    for number in 1..2_000 {
        let reply = message(rig, &format!("SM{number}")).await.body;
        if reply == FALLBACK {
            return number;
        }
        assert_eq!(reply, ANSWER);
    }
    panic!("it never fails")
}

#[actix_web::test]
async fn s1_a_full_disk_costs_an_answer_and_nothing_that_was_answered() {
    let Some(small) = Small::mount("faults-small") else {
        println!("skipped: this user may not mount a file system");
        return;
    };
    let function = Hostile::always(json("{}"));
    let file = small.0.join("store.db");
    let rig = gateway(open(&file), &function.url("/"), "");
    assert_eq!(message(&rig, "SM0").await.body, ANSWER);
    let ballast = small.0.join("ballast");
    let mut room = 1024 * 1024;
    while room > 0 && fs::write(&ballast, vec![0; room]).is_err() {
        room -= 4_096;
    }
    let failed = until_it_fails(&rig).await;
    let ready = rig.admin("/readyz").await;
    assert!(ready.status == 503 && ready.body.contains("the disk is full"), "{ready:?}");
    assert_eq!(message(&rig, "SMother").await.body, FALLBACK, "each time");
    fs::remove_file(&ballast).unwrap();
    // What was not kept is no repeat.
    assert_eq!(message(&rig, &format!("SM{failed}")).await.body, ANSWER);
    assert_eq!(rig.admin("/readyz").await.status, 200);
    rig.end().await;
    let calls = function.requests().len();
    let rig = gateway(open(&file), &function.url("/"), "");
    for number in 0..=failed {
        assert_eq!(message(&rig, &format!("SM{number}")).await.body, ANSWER, "{number}");
    }
    rig.end().await;
    assert_eq!(function.requests().len(), calls, "all of it was kept");
    assert_eq!(count(&file, "claim"), failed as i64 + 1);
}

#[actix_web::test]
async fn s5_a_file_whose_bytes_are_others_costs_an_answer_and_then_it_goes_on() {
    let function = Hostile::always(json("{}"));
    let file = file("s5");
    let rig = gateway(open(&file), &function.url("/"), "");
    for number in 0..20 {
        assert_eq!(message(&rig, &format!("SMbefore{number}")).await.body, ANSWER);
    }
    let log = file.with_extension("db-wal");
    for file in [&file, &log] {
        let length = fs::metadata(file).unwrap().len() as usize;
        fs::write(file, vec![0xEE; length]).unwrap();
    }
    // Some are not kept, each of them is answered, and then all are.
    let mut failed = 0;
    for number in 0..20 {
        let reply = message(&rig, &format!("SM{number}")).await.body;
        assert!(reply == ANSWER || reply == FALLBACK, "{reply}");
        failed = if reply == FALLBACK { number + 1 } else { failed };
    }
    assert!(failed < 10, "it does not recover: {failed}");
    assert_eq!(rig.admin("/readyz").await.status, 200);
    rig.end().await;
    // What could be read of it is beside it, for whoever can make something of it.
    let sessions = open(&file);
    let beside = file.parent().unwrap().read_dir().unwrap();
    let aside = |entry: fs::DirEntry| entry.file_name().to_string_lossy().contains(".corrupt-");
    assert!(beside.map(Result::unwrap).any(aside));
    let rig = gateway(sessions, &function.url("/"), "");
    assert_eq!(message(&rig, "SMafter").await.body, ANSWER);
    assert_eq!(rig.admin("/readyz").await.status, 200);
    rig.end().await;
}
