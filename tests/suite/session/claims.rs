//! Claims: each webhook once only, and the same reply for all its deliveries.

use std::time::Duration;

use actix_web::web::Bytes;
use twimlgate::channel::Channel;
use twimlgate::limits::{CLAIM_KEPT, CLAIMS_BYTES_MAX, REPLAY_REFUSED};
use twimlgate::session::{ClaimKey, ClaimOutcome, Commit, Sessions, StoreError};
use twimlgate::webhook::Webhook;

use super::{
    NOW, TestStore, claim_answered, claim_first, key, message, on_every_store, reply_commit,
    sample, save, state_commit, step,
};

#[tokio::test]
async fn the_first_delivery_is_worked_on_and_the_others_get_its_reply() {
    on_every_store("claims", async |sessions| {
        let claim = claim_first(&sessions, "SM1").await;
        let mut waiting = Vec::new();
        for _ in 0..100 {
            match sessions.claim(Some(&key("SM1"))).await {
                Ok(ClaimOutcome::Running(reply)) => waiting.push(reply),
                other => panic!("{other:?}"),
            }
        }
        // One that is cancelled does not change that the others get the reply.
        waiting.pop();
        drop(claim_first(&sessions, "SM2").await);
        sessions.commit(reply_commit(claim, "<Response/>")).await.unwrap();
        for waiting in waiting {
            assert_eq!(waiting.reply().await.unwrap(), "<Response/>");
        }
        assert_eq!(claim_answered(&sessions, "SM1").await, "<Response/>");
        assert!(matches!(sessions.claim(None).await, Ok(ClaimOutcome::Unclaimed)));
    })
    .await;
}

#[tokio::test]
async fn a_claim_that_is_dropped_is_free_again() {
    on_every_store("claim", async |sessions| {
        let claim = claim_first(&sessions, "SM1").await;
        let Ok(ClaimOutcome::Running(waiting)) = sessions.claim(Some(&key("SM1"))).await else {
            panic!("it is being worked on");
        };
        drop(claim);
        assert_eq!(waiting.reply().await, None);
        drop(claim_first(&sessions, "SM1").await);
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_is_refused_stores_nothing_and_frees_its_claim() {
    on_every_store("refused", async |sessions| {
        save(&sessions, sample(1)).await;
        let claim = Some(claim_first(&sessions, "SM1").await);
        let Ok(ClaimOutcome::Running(waiting)) = sessions.claim(Some(&key("SM1"))).await else {
            panic!("it is being worked on");
        };
        let mut second = sample(2);
        second.session = sample(1).session;
        let commit = Commit { claim, steps: vec![step(1, 1), step(2, 2)], ..state_commit(second) };
        let error = sessions.commit(commit).await.unwrap_err();
        assert_eq!(error, StoreError::Conflict("FN1".to_owned()));
        assert_eq!(waiting.reply().await, None);
        assert_eq!(sessions.execution("FN2").await.unwrap(), None);
        assert!(sessions.steps("FN1", super::executions::page(9)).await.unwrap().is_empty());
        drop(claim_first(&sessions, "SM1").await);
        assert_eq!(sessions.health(), Ok(()));
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_is_cancelled_does_not_undo_its_write() {
    let sessions = TestStore::file("cancelled").open();
    let claim = claim_first(&sessions, "SM1").await;
    let Ok(ClaimOutcome::Running(waiting)) = sessions.claim(Some(&key("SM1"))).await else {
        panic!("it is being worked on");
    };
    let lock = sessions.lock(&sample(1).session).await;
    let commit = Commit { execution: Some(sample(1)), ..reply_commit(claim, "<Response/>") };
    let commit = commit.under(lock);
    {
        let mut commit = std::pin::pin!(sessions.commit(commit));
        let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
        // In the queue. Whether it is written already is a race that either may win.
        let _ = commit.as_mut().poll(context);
    }
    let _next = sessions.lock(&sample(1).session).await;
    assert_eq!(sessions.active(&sample(1).session).await.unwrap(), Some(sample(1)));
    assert_eq!(waiting.reply().await.unwrap(), "<Response/>");
}

#[tokio::test]
async fn replies_outlive_the_process_until_they_expire() {
    let store = TestStore::file("reopened");
    let sessions = store.open();
    // More than fit into memory: the oldest are looked up.
    let large = Bytes::from(vec![b'x'; 60_000]);
    let count = CLAIMS_BYTES_MAX / large.len() + 20;
    for number in 0..count {
        let claim = claim_first(&sessions, &format!("SM{number}")).await;
        sessions.commit(reply_commit(claim, large.clone())).await.unwrap();
    }
    let claim = claim_first(&sessions, "SMlast").await;
    sessions.commit(reply_commit(claim, "<Response/>")).await.unwrap();
    assert_eq!(claim_answered(&sessions, "SM0").await, large);
    drop(sessions);

    let sessions = store.open_at(NOW + CLAIM_KEPT - Duration::from_secs(1));
    assert_eq!(claim_answered(&sessions, "SMlast").await, "<Response/>");
    for number in 0..count {
        assert_eq!(claim_answered(&sessions, &format!("SM{number}")).await, large, "{number}");
    }
    drop(claim_first(&sessions, "SMnew").await);
    drop(sessions);

    let sessions = store.open_at(NOW + CLAIM_KEPT);
    assert_eq!(claim_answered(&sessions, "SM0").await, "<Response/>");
    assert_eq!(claim_answered(&sessions, "SMlast").await, "<Response/>");
    for _ in 0..3 {
        sessions.expire(NOW + CLAIM_KEPT, &[]).await.unwrap();
    }
    let left: i64 = store.sql().query_row("SELECT count(*) FROM claim", [], |r| r.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_message_is_refused_again_for_two_days() {
    let store = TestStore::file("spent");
    let sessions = store.open();
    let claim = claim_first(&sessions, "SM1").await;
    sessions
        .commit(reply_commit(claim, "<Response><Message>one</Message></Response>"))
        .await
        .unwrap();
    let second = Duration::from_secs(1);
    // The store has the claim, whether the reply has been removed in the meantime or not.
    sessions.expire(NOW + CLAIM_KEPT, &[]).await.unwrap();
    drop(sessions);
    for (late, tidied) in [(CLAIM_KEPT, true), (REPLAY_REFUSED - second, false)] {
        let sessions = store.open_at(NOW + late);
        assert_eq!(claim_answered(&sessions, "SM1").await, "<Response/>", "{late:?}");
        drop(claim_first(&sessions, "SM2").await);
        if tidied {
            sessions.expire(NOW + late, &[]).await.unwrap();
        }
    }
    let sessions = store.open_at(NOW + REPLAY_REFUSED);
    drop(claim_first(&sessions, "SM1").await);
    sessions.expire(NOW + REPLAY_REFUSED, &[]).await.unwrap();
    let left: i64 = store.sql().query_row("SELECT count(*) FROM spent", [], |r| r.get(0)).unwrap();
    assert_eq!(left, 0);
}

/// The key of a delivery of a message with this idempotency token.
fn delivery(token: &str) -> ClaimKey {
    let webhook = Webhook { idempotency_token: Some(token.to_owned()), ..message("SM1") };
    ClaimKey::from_webhook(&webhook, Channel::Message).expect("a message has a key")
}

async fn is_other(sessions: &Sessions, token: &str) -> bool {
    match sessions.claim(Some(&delivery(token))).await {
        Ok(ClaimOutcome::Answered { is_other_delivery, .. }) => is_other_delivery,
        other => panic!("{token}: {other:?}"),
    }
}

#[tokio::test]
async fn a_reply_remembers_the_token_of_its_first_delivery_as_long_as_it_is_stored() {
    on_every_store("tokens", async |sessions| {
        let Ok(ClaimOutcome::First(claim)) = sessions.claim(Some(&delivery("a"))).await else {
            panic!("it is new");
        };
        sessions.commit(reply_commit(claim, "<Response/>")).await.unwrap();
        assert!(!is_other(&sessions, "a").await && is_other(&sessions, "b").await);
        let without = sessions.claim(Some(&key("SM1"))).await;
        assert!(
            matches!(without, Ok(ClaimOutcome::Answered { is_other_delivery: false, .. })),
            "{without:?}"
        );
    })
    .await;
    // The file outlives the process.
    let store = TestStore::file("tokens-reopened");
    let sessions = store.open();
    let Ok(ClaimOutcome::First(claim)) = sessions.claim(Some(&delivery("a"))).await else {
        panic!("it is new");
    };
    sessions.commit(reply_commit(claim, "<Response/>")).await.unwrap();
    drop(sessions);
    let sessions = store.open();
    assert!(!is_other(&sessions, "a").await && is_other(&sessions, "b").await);
    drop(sessions);
    // An expired claim has no reply that could have asked for another request.
    let sessions = store.open_at(NOW + CLAIM_KEPT);
    assert!(!is_other(&sessions, "b").await);
}

#[tokio::test]
async fn a_file_without_the_column_of_tokens_is_opened() {
    let store = TestStore::file("no-token");
    let sessions = store.open();
    let claim = claim_first(&sessions, "SM1").await;
    sessions.commit(reply_commit(claim, "<Response/>")).await.unwrap();
    drop(sessions);
    store.sql().execute_batch("ALTER TABLE claim DROP COLUMN token").unwrap();
    let sessions = store.open();
    assert!(!is_other(&sessions, "b").await, "nothing says that it is another one");
    drop(claim_first(&sessions, "SM2").await);
}

#[tokio::test]
async fn a_file_without_the_table_of_expired_claims_is_opened() {
    let store = TestStore::file("no-spent");
    let sessions = store.open();
    let claim = claim_first(&sessions, "SM1").await;
    sessions.commit(reply_commit(claim, "<Response/>")).await.unwrap();
    drop(sessions);
    store.sql().execute_batch("DROP TABLE spent").unwrap();
    let sessions = store.open_at(NOW + CLAIM_KEPT);
    assert_eq!(claim_answered(&sessions, "SM1").await, "<Response/>");
    sessions.expire(NOW + CLAIM_KEPT, &[]).await.unwrap();
}

#[tokio::test]
async fn new_claims_remove_old_ones() {
    let store = TestStore::file("removed-by-new");
    let sessions = store.open();
    for number in 0..100 {
        let claim = claim_first(&sessions, &format!("SM{number}")).await;
        let late = NOW + CLAIM_KEPT * (number / 50);
        let commit = Commit { now: late, ..reply_commit(claim, "<Response/>") };
        sessions.commit(commit).await.unwrap();
    }
    let left: i64 = store.sql().query_row("SELECT count(*) FROM claim", [], |r| r.get(0)).unwrap();
    assert_eq!(left, 50);
}

#[tokio::test]
async fn odd_keys_are_keys() {
    let odd =
        ["", "é", "e\u{301}", "\0", "\0\0", "'; DROP TABLE claim; --", "\"", "\u{202e}", "😀"];
    on_every_store("odd", async |sessions| {
        for (number, text) in odd.iter().enumerate() {
            let claim = claim_first(&sessions, &format!("SM{text}")).await;
            let mut execution = sample(number as u32);
            execution.session = format!("of {text}");
            execution.flow = (*text).to_owned();
            let execution = Some(execution);
            let commit = Commit { execution, ..reply_commit(claim, text.as_bytes().to_vec()) };
            sessions.commit(commit).await.unwrap();
        }
        for (number, text) in odd.iter().enumerate() {
            assert_eq!(claim_answered(&sessions, &format!("SM{text}")).await, text.as_bytes());
            let found = sessions.active(&format!("of {text}")).await.unwrap().unwrap();
            assert_eq!(found.sid, format!("FN{number}"));
            assert_eq!(found.flow, *text);
        }
    })
    .await;
}

#[tokio::test]
async fn sixty_four_callers_at_once() {
    on_every_store("many", async |sessions| {
        let mut tasks = tokio::task::JoinSet::new();
        for caller in 0..64 {
            let sessions = sessions.clone();
            tasks.spawn(async move {
                for turn in 0..20 {
                    let sid = format!("SM{caller} {turn}");
                    let claim = Some(claim_first(&sessions, &sid).await);
                    let mut execution = sample(caller);
                    execution.state = vec![turn as u8; 1_500];
                    execution.version = u64::from(turn) + 1;
                    let steps = vec![step(caller, turn)];
                    let reply = Bytes::from(sid);
                    let execution = Some(execution);
                    let commit =
                        Commit { claim, reply, execution, steps, now: NOW, ..Commit::default() };
                    sessions.commit(commit).await.unwrap();
                }
            });
        }
        tasks.join_all().await;
        for caller in 0..64 {
            let execution = sessions.active(&sample(caller).session).await.unwrap().unwrap();
            assert_eq!(execution.state, vec![19; 1_500]);
            let steps = sessions.steps(&execution.sid, super::executions::page(99)).await.unwrap();
            assert_eq!(steps.len(), 20);
            let sid = format!("SM{caller} 7");
            assert_eq!(claim_answered(&sessions, &sid).await, sid);
        }
    })
    .await;
}
