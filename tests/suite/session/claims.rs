//! Once only: claims, replies, those who wait.

use std::time::Duration;

use actix_web::web::Bytes;
use twimlgate::limits::{CLAIM_KEPT, CLAIMS_BYTES_MAX, REPLAY_REFUSED};
use twimlgate::session::{Claim, Commit, StoreError};

use super::{NOW, Place, answered, every, first, key, of, reply, save, saved, step};

#[tokio::test]
async fn the_first_works_the_others_get_its_reply() {
    every("claims", async |sessions| {
        let ticket = first(&sessions, "SM1").await;
        let mut waiting = Vec::new();
        for _ in 0..100 {
            match sessions.claim(Some(key("SM1"))).await {
                Ok(Claim::Running(reply)) => waiting.push(reply),
                other => panic!("{other:?}"),
            }
        }
        // One that goes away does not keep the others from their reply.
        waiting.pop();
        drop(first(&sessions, "SM2").await);
        sessions.commit(reply(ticket, "<Response/>")).await.unwrap();
        for waiting in waiting {
            assert_eq!(waiting.reply().await.unwrap(), "<Response/>");
        }
        assert_eq!(answered(&sessions, "SM1").await, "<Response/>");
        assert!(matches!(sessions.claim(None).await, Ok(Claim::Unclaimed)));
    })
    .await;
}

#[tokio::test]
async fn a_ticket_that_is_dropped_is_free_again() {
    every("ticket", async |sessions| {
        let ticket = first(&sessions, "SM1").await;
        let Ok(Claim::Running(waiting)) = sessions.claim(Some(key("SM1"))).await else {
            panic!("it is being worked on");
        };
        drop(ticket);
        assert_eq!(waiting.reply().await, None);
        drop(first(&sessions, "SM1").await);
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_is_refused_keeps_nothing_and_gives_its_claim_back() {
    every("refused", async |sessions| {
        save(&sessions, saved(1)).await;
        let ticket = Some(first(&sessions, "SM1").await);
        let Ok(Claim::Running(waiting)) = sessions.claim(Some(key("SM1"))).await else {
            panic!("it is being worked on");
        };
        let mut second = saved(2);
        second.session = saved(1).session;
        let commit = Commit { ticket, steps: vec![step(1, 1), step(2, 2)], ..of(second) };
        let error = sessions.commit(commit).await.unwrap_err();
        assert_eq!(error, StoreError::Conflict("FN1".to_owned()));
        assert_eq!(waiting.reply().await, None);
        assert_eq!(sessions.execution("FN2").await.unwrap(), None);
        assert!(sessions.steps("FN1", super::executions::page(9)).await.unwrap().is_empty());
        drop(first(&sessions, "SM1").await);
        assert_eq!(sessions.health(), Ok(()));
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_undo_what_is_written() {
    let sessions = Place::file("leaves").open();
    let ticket = first(&sessions, "SM1").await;
    let Ok(Claim::Running(waiting)) = sessions.claim(Some(key("SM1"))).await else {
        panic!("it is being worked on");
    };
    let turn = sessions.enter(&saved(1).session).await;
    let commit = Commit { execution: Some(saved(1)), ..reply(ticket, "<Response/>") };
    {
        let mut commit = std::pin::pin!(sessions.commit(commit));
        let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
        // Handed in; whether it is done already is a race that either may win.
        let _ = commit.as_mut().poll(context);
    }
    drop(turn);
    let _next = sessions.enter(&saved(1).session).await;
    assert_eq!(sessions.active(&saved(1).session).await.unwrap(), Some(saved(1)));
    assert_eq!(waiting.reply().await.unwrap(), "<Response/>");
}

#[tokio::test]
async fn replies_outlive_the_process_for_as_long_as_they_are_kept() {
    let place = Place::file("reopened");
    let sessions = place.open();
    // More than there is room for: the oldest are looked up.
    let large = Bytes::from(vec![b'x'; 60_000]);
    let count = CLAIMS_BYTES_MAX / large.len() + 20;
    for number in 0..count {
        let ticket = first(&sessions, &format!("SM{number}")).await;
        sessions.commit(reply(ticket, large.clone())).await.unwrap();
    }
    let ticket = first(&sessions, "SMlast").await;
    sessions.commit(reply(ticket, "<Response/>")).await.unwrap();
    assert_eq!(answered(&sessions, "SM0").await, large);
    drop(sessions);

    let sessions = place.open_at(NOW + CLAIM_KEPT - Duration::from_secs(1));
    assert_eq!(answered(&sessions, "SMlast").await, "<Response/>");
    for number in 0..count {
        assert_eq!(answered(&sessions, &format!("SM{number}")).await, large, "{number}");
    }
    drop(first(&sessions, "SMnew").await);
    drop(sessions);

    let sessions = place.open_at(NOW + CLAIM_KEPT);
    assert_eq!(answered(&sessions, "SM0").await, "<Response/>");
    assert_eq!(answered(&sessions, "SMlast").await, "<Response/>");
    for _ in 0..3 {
        sessions.expire(NOW + CLAIM_KEPT, &[]).await.unwrap();
    }
    let left: i64 = place.sql().query_row("SELECT count(*) FROM claim", [], |r| r.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_message_is_not_taken_again_for_two_days() {
    let place = Place::file("spent");
    let sessions = place.open();
    let ticket = first(&sessions, "SM1").await;
    sessions.commit(reply(ticket, "<Response><Message>one</Message></Response>")).await.unwrap();
    let second = Duration::from_secs(1);
    // Found in the store, whether the reply has been dropped in the meantime or not.
    sessions.expire(NOW + CLAIM_KEPT, &[]).await.unwrap();
    drop(sessions);
    for (late, tidied) in [(CLAIM_KEPT, true), (REPLAY_REFUSED - second, false)] {
        let sessions = place.open_at(NOW + late);
        assert_eq!(answered(&sessions, "SM1").await, "<Response/>", "{late:?}");
        drop(first(&sessions, "SM2").await);
        if tidied {
            sessions.expire(NOW + late, &[]).await.unwrap();
        }
    }
    let sessions = place.open_at(NOW + REPLAY_REFUSED);
    drop(first(&sessions, "SM1").await);
    sessions.expire(NOW + REPLAY_REFUSED, &[]).await.unwrap();
    let left: i64 = place.sql().query_row("SELECT count(*) FROM spent", [], |r| r.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_file_without_the_list_of_what_is_spent_is_taken_as_it_is() {
    let place = Place::file("no-spent");
    let sessions = place.open();
    let ticket = first(&sessions, "SM1").await;
    sessions.commit(reply(ticket, "<Response/>")).await.unwrap();
    drop(sessions);
    place.sql().execute_batch("DROP TABLE spent").unwrap();
    let sessions = place.open_at(NOW + CLAIM_KEPT);
    assert_eq!(answered(&sessions, "SM1").await, "<Response/>");
    sessions.expire(NOW + CLAIM_KEPT, &[]).await.unwrap();
}

#[tokio::test]
async fn new_claims_drive_old_ones_out() {
    let place = Place::file("driven-out");
    let sessions = place.open();
    for number in 0..100 {
        let ticket = first(&sessions, &format!("SM{number}")).await;
        let late = NOW + CLAIM_KEPT * (number / 50);
        let commit = Commit { now: late, ..reply(ticket, "<Response/>") };
        sessions.commit(commit).await.unwrap();
    }
    let left: i64 = place.sql().query_row("SELECT count(*) FROM claim", [], |r| r.get(0)).unwrap();
    assert_eq!(left, 50);
}

#[tokio::test]
async fn odd_keys_are_keys() {
    let odd =
        ["", "é", "e\u{301}", "\0", "\0\0", "'; DROP TABLE claim; --", "\"", "\u{202e}", "😀"];
    every("odd", async |sessions| {
        for (number, text) in odd.iter().enumerate() {
            let ticket = first(&sessions, &format!("SM{text}")).await;
            let mut execution = saved(number as u32);
            execution.session = format!("of {text}");
            execution.flow = (*text).to_owned();
            let execution = Some(execution);
            let commit = Commit { execution, ..reply(ticket, text.as_bytes().to_vec()) };
            sessions.commit(commit).await.unwrap();
        }
        for (number, text) in odd.iter().enumerate() {
            assert_eq!(answered(&sessions, &format!("SM{text}")).await, text.as_bytes());
            let found = sessions.active(&format!("of {text}")).await.unwrap().unwrap();
            assert_eq!(found.sid, format!("FN{number}"));
            assert_eq!(found.flow, *text);
        }
    })
    .await;
}

#[tokio::test]
async fn sixty_four_at_once() {
    every("many", async |sessions| {
        let mut tasks = tokio::task::JoinSet::new();
        for caller in 0..64 {
            let sessions = sessions.clone();
            tasks.spawn(async move {
                for turn in 0..20 {
                    let sid = format!("SM{caller} {turn}");
                    let ticket = Some(first(&sessions, &sid).await);
                    let mut execution = saved(caller);
                    execution.state = vec![turn as u8; 1_500];
                    let steps = vec![step(caller, turn)];
                    let reply = Bytes::from(sid);
                    let execution = Some(execution);
                    let commit = Commit { ticket, reply, execution, steps, now: NOW };
                    sessions.commit(commit).await.unwrap();
                }
            });
        }
        tasks.join_all().await;
        for caller in 0..64 {
            let execution = sessions.active(&saved(caller).session).await.unwrap().unwrap();
            assert_eq!(execution.state, vec![19; 1_500]);
            let steps = sessions.steps(&execution.sid, super::executions::page(99)).await.unwrap();
            assert_eq!(steps.len(), 20);
            let sid = format!("SM{caller} 7");
            assert_eq!(answered(&sessions, &sid).await, sid);
        }
    })
    .await;
}
