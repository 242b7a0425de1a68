//! Executions, their steps, their flows: stored, found, listed, removed.

use std::time::Duration;

use tokio::time::Instant;
use twimlgate::limits::{CLAIM_KEPT, EXECUTION_KEPT};
use twimlgate::session::{
    Commit, ExecutionQuery, Sessions, StepQuery, StoreError, StoredExecution, TurnOutcome,
    TurnRequest,
};

use super::{NOW, claim_first, key, on_every_store, sample, save, state_commit, step};

const HOUR: Duration = Duration::from_secs(3_600);

pub(super) fn page(limit: usize) -> StepQuery {
    StepQuery { after: None, limit }
}

fn list(limit: usize) -> ExecutionQuery {
    ExecutionQuery { flow: "FW1".to_owned(), limit, ..ExecutionQuery::default() }
}

async fn sids(sessions: &Sessions, list: ExecutionQuery) -> Vec<String> {
    let listed = sessions.executions(list).await.unwrap();
    listed.into_iter().map(|execution| execution.sid).collect()
}

#[tokio::test]
async fn nothing_is_found_that_was_not_stored() {
    on_every_store("missing", async |sessions| {
        assert_eq!(sessions.active("unknown").await.unwrap(), None);
        assert_eq!(sessions.execution("FN1").await.unwrap(), None);
        assert_eq!(sessions.executions(list(10)).await.unwrap(), []);
        assert_eq!(sessions.steps("FN1", page(10)).await.unwrap(), []);
        assert_eq!(sessions.due(NOW, 10).await.unwrap(), []);
        assert_eq!(sessions.flow("r1").await.unwrap(), None);
        assert!(!sessions.delete("FN1").await.unwrap());
        sessions.expire(NOW, &[]).await.unwrap();
        sessions.expire(Duration::ZERO, &["r1".to_owned()]).await.unwrap();
        // An empty commit does nothing, and steps without an execution are dropped.
        let nothing = Commit { execution: None, ..state_commit(sample(1)) };
        sessions.commit(nothing).await.unwrap();
        let steps = Commit { execution: None, steps: vec![step(1, 1)], ..state_commit(sample(1)) };
        sessions.commit(steps).await.unwrap();
        assert_eq!(sessions.steps("FN1", page(10)).await.unwrap(), []);
        assert_eq!(sessions.health(), Ok(()));
    })
    .await;
}

#[tokio::test]
async fn an_execution_is_found_as_it_was_stored() {
    on_every_store("found", async |sessions| {
        let mut execution = sample(1);
        save(&sessions, execution.clone()).await;
        assert_eq!(sessions.active("session 1").await.unwrap().as_ref(), Some(&execution));
        // Its state alone, then everything else.
        execution.state = Vec::new();
        execution.updated += Duration::from_nanos(1);
        execution.version = 2;
        save(&sessions, execution.clone()).await;
        assert_eq!(sessions.active("session 1").await.unwrap().as_ref(), Some(&execution));
        let other = StoredExecution {
            session: "another".to_owned(),
            flow: "FW2".to_owned(),
            revision: "r2".to_owned(),
            version: 3,
            created: NOW + HOUR,
            updated: NOW + HOUR * 2,
            due: Some(NOW + HOUR * 3),
            ..execution.clone()
        };
        save(&sessions, other.clone()).await;
        assert_eq!(sessions.execution("FN1").await.unwrap().as_ref(), Some(&other));
        assert_eq!(sessions.active("session 1").await.unwrap(), None);
        assert_eq!(sids(&sessions, list(10)).await, [""; 0]);
        assert_eq!(
            sids(&sessions, ExecutionQuery { flow: "FW2".into(), ..list(10) }).await,
            ["FN1"]
        );
        let large = StoredExecution { state: vec![0xA5; 5_000_000], ..sample(3) };
        save(&sessions, large.clone()).await;
        assert_eq!(sessions.execution("FN3").await.unwrap(), Some(large));
    })
    .await;
}

#[tokio::test]
async fn one_execution_is_active_for_a_session() {
    on_every_store("active", async |sessions| {
        save(&sessions, sample(1)).await;
        let second = StoredExecution { session: sample(1).session, ..sample(2) };
        let error = sessions.commit(state_commit(second.clone())).await.unwrap_err();
        assert_eq!(error, StoreError::Conflict("FN1".to_owned()));
        // An ended one does not block another, and cannot be active again beside it.
        let ended = StoredExecution { active: false, version: 2, ..sample(1) };
        save(&sessions, ended.clone()).await;
        assert_eq!(sessions.active("session 1").await.unwrap(), None);
        save(&sessions, second.clone()).await;
        assert_eq!(sessions.active("session 1").await.unwrap().as_ref(), Some(&second));
        let again = StoredExecution { version: 3, ..sample(1) };
        let error = sessions.commit(state_commit(again.clone())).await.unwrap_err();
        assert_eq!(error, StoreError::Conflict("FN2".to_owned()));
        assert_eq!(sessions.execution("FN1").await.unwrap(), Some(ended));
        assert!(sessions.delete("FN2").await.unwrap());
        save(&sessions, again).await;
    })
    .await;
}

#[tokio::test]
async fn a_commit_of_a_turn_that_has_not_read_the_latest_record_is_refused() {
    on_every_store("stale", async |sessions| {
        let stale = Err(StoreError::Stale("FN1".to_owned()));
        let version = |version, text: &str| StoredExecution {
            version,
            updated: NOW + HOUR * version as u32,
            state: text.as_bytes().to_vec(),
            ..sample(1)
        };
        assert_eq!(sessions.commit(state_commit(version(2, "never begun"))).await, stale);
        save(&sessions, version(1, "first")).await;
        save(&sessions, version(2, "second")).await;
        // As of a process that was stopped while another one took over.
        for number in [1, 2, 4] {
            let claim = Some(claim_first(&sessions, "SM1").await);
            let late = version(number, "late");
            let commit = Commit { claim, steps: vec![step(1, 1)], ..state_commit(late) };
            assert_eq!(sessions.commit(commit).await, stale, "{number}");
            // Another flow and another session are no way around.
            let moved = StoredExecution { flow: "FW2".into(), session: "x".into(), ..sample(1) };
            let moved = StoredExecution { version: number, ..moved };
            assert_eq!(sessions.commit(state_commit(moved)).await, stale, "{number}");
        }
        let found = sessions.execution("FN1").await.unwrap().unwrap();
        assert_eq!((found.version, &*found.state), (2, &b"second"[..]));
        assert_eq!(sessions.active("session 1").await.unwrap(), Some(found));
        assert_eq!(sessions.steps("FN1", page(9)).await.unwrap(), []);
        // What was deleted is not begun again by a turn that had read it.
        assert!(sessions.delete("FN1").await.unwrap());
        assert_eq!(sessions.commit(state_commit(version(3, "deleted"))).await, stale);
        assert_eq!(sessions.execution("FN1").await.unwrap(), None);
        assert_eq!(sessions.health(), Ok(()));
    })
    .await;
}

#[tokio::test]
async fn an_execution_ends_in_the_commit_of_its_successor() {
    on_every_store("replaced", async |sessions| {
        save(&sessions, sample(1)).await;
        let ended = |version| {
            let ended = StoredExecution { version, active: false, ..sample(1) };
            Some(Box::new(ended))
        };
        let second = StoredExecution { session: sample(1).session, ..sample(2) };
        // Refused as a whole, whichever half is stale.
        for (ended, second, stale) in [
            (ended(3), second.clone(), "FN1"),
            (ended(2), StoredExecution { version: 2, ..second.clone() }, "FN2"),
        ] {
            let commit = Commit { ended, ..state_commit(second) };
            let refused = sessions.commit(commit).await;
            assert_eq!(refused, Err(StoreError::Stale(stale.to_owned())));
            assert_eq!(sessions.active("session 1").await.unwrap(), Some(sample(1)));
            assert_eq!(sessions.execution("FN2").await.unwrap(), None);
        }
        let commit = Commit { ended: ended(2), ..state_commit(second.clone()) };
        sessions.commit(commit).await.unwrap();
        assert_eq!(sessions.active("session 1").await.unwrap(), Some(second));
        let former = sessions.execution("FN1").await.unwrap().unwrap();
        assert_eq!((former.active, former.version), (false, 2));
    })
    .await;
}

#[tokio::test]
async fn a_turn_is_opened_in_one_call() {
    on_every_store("opened", async |sessions| {
        save(&sessions, sample(1)).await;
        let (soon, mut claim) = (Instant::now(), None);
        let key = key("SM1");
        let request =
            TurnRequest { key: Some(&key), session: Some("session 1"), deadline: soon + HOUR };
        let outcome = sessions.open_turn(request, &mut claim).await.unwrap();
        let TurnOutcome::First(Some(turn)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(turn.active.unwrap(), Some(sample(1)));
        // Its repeat does not wait for the lock, and another webhook does.
        let repeat = sessions.open_turn(request, &mut None).await.unwrap();
        let TurnOutcome::Running(reply) = repeat else { panic!("{repeat:?}") };
        let mut other_claim = None;
        let other = TurnRequest { key: Some(&super::key("SM2")), deadline: soon, ..request };
        let outcome = sessions.open_turn(other, &mut other_claim).await.unwrap();
        assert!(matches!(outcome, TurnOutcome::Locked), "{outcome:?}");
        // Of one process it is still the one that answers; among several, another may be.
        let is_shared = format!("{sessions:?}").contains("Postgres");
        assert_eq!(other_claim.is_some(), !is_shared);
        let next = StoredExecution { version: 2, ..sample(1) };
        let commit = Commit { claim, reply: "<Response/>".into(), ..state_commit(next.clone()) };
        sessions.commit(commit.under(turn.lock)).await.unwrap();
        assert_eq!(reply.reply().await.unwrap(), "<Response/>");
        let outcome = sessions.open_turn(request, &mut None).await.unwrap();
        assert!(matches!(outcome, TurnOutcome::Answered { .. }), "{outcome:?}");
        // And the lock is free again.
        let (found, _lock) =
            sessions.open_execution(&sample(1), Duration::ZERO).await.unwrap().unwrap();
        assert_eq!(found, next);
        assert!(sessions.open_execution(&sample(2), Duration::ZERO).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn executions_are_listed_newest_first_in_pages() {
    on_every_store("listed", async |sessions| {
        for number in 0..25 {
            let mut execution = sample(number);
            // Some begin at the same time: then the sid decides.
            execution.created = NOW + HOUR * (number / 3);
            save(&sessions, execution).await;
            save(&sessions, StoredExecution { flow: "FW2".to_owned(), ..sample(100 + number) })
                .await;
        }
        let all = sids(&sessions, list(100)).await;
        assert_eq!(all.len(), 25);
        assert_eq!(all[..4], ["FN24", "FN23", "FN22", "FN21"]);
        let (mut paged, mut next) = (Vec::new(), list(10));
        loop {
            let page = sessions.executions(next.clone()).await.unwrap();
            let Some(last) = page.last() else { break };
            next.after = Some((last.created, last.sid.clone()));
            // Ones that begin meanwhile come before the page.
            save(
                &sessions,
                StoredExecution { created: NOW + HOUR * 99, ..sample(200 + paged.len() as u32) },
            )
            .await;
            paged.extend(page.into_iter().map(|execution| execution.sid));
        }
        assert_eq!(paged, all);
        let (from, until) = (Some(NOW + HOUR), Some(NOW + HOUR * 2));
        let within = sids(&sessions, ExecutionQuery { from, until, ..list(100) }).await;
        assert_eq!(within, ["FN5", "FN4", "FN3"]);
        let none = sids(&sessions, ExecutionQuery { from: until, until: from, ..list(100) }).await;
        assert_eq!(none, [""; 0]);
        assert_eq!(sids(&sessions, list(0)).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn steps_are_listed_newest_first_in_pages() {
    on_every_store("steps", async |sessions| {
        // Two commits; the last three steps are of one time.
        let mut steps: Vec<_> = (0..10).map(|number| step(1, number)).collect();
        let last = steps[9].at;
        steps[7].at = last;
        steps[8].at = last;
        let (early, late) = steps.split_at(8);
        sessions.commit(Commit { steps: early.to_vec(), ..state_commit(sample(1)) }).await.unwrap();
        let second = StoredExecution { version: 2, ..sample(1) };
        sessions.commit(Commit { steps: late.to_vec(), ..state_commit(second) }).await.unwrap();
        sessions
            .commit(Commit { steps: vec![step(2, 50)], ..state_commit(sample(2)) })
            .await
            .unwrap();
        steps.reverse();
        assert_eq!(sessions.steps("FN1", page(100)).await.unwrap(), steps);
        let (mut paged, mut next) = (Vec::new(), page(2));
        loop {
            let page = sessions.steps("FN1", next.clone()).await.unwrap();
            let Some(last) = page.last() else { break };
            next.after = Some((last.at, last.sid.clone()));
            paged.extend(page);
        }
        assert_eq!(paged, steps);
    })
    .await;
}

#[tokio::test]
async fn timers_are_due_in_their_order() {
    on_every_store("due", async |sessions| {
        for (number, after) in [(1, 30), (2, 10), (3, 20), (4, 10)] {
            let due = Some(NOW + Duration::from_secs(after));
            save(&sessions, StoredExecution { due, ..sample(number) }).await;
        }
        save(&sessions, sample(5)).await;
        let due = async |after, limit| {
            let due = sessions.due(NOW + Duration::from_secs(after), limit).await.unwrap();
            due.into_iter().map(|execution| execution.sid).collect::<Vec<_>>()
        };
        assert_eq!(due(10, 9).await, [""; 0]);
        assert_eq!(due(11, 9).await, ["FN2", "FN4"]);
        assert_eq!(due(99, 3).await, ["FN2", "FN4", "FN3"]);
        save(&sessions, StoredExecution { due: None, version: 2, ..sample(2) }).await;
        let due_later = Some(NOW + Duration::from_secs(50));
        save(&sessions, StoredExecution { due: due_later, version: 2, ..sample(4) }).await;
        assert_eq!(due(99, 9).await, ["FN3", "FN1", "FN4"]);
    })
    .await;
}

#[tokio::test]
async fn a_deleted_execution_is_gone_with_its_steps() {
    on_every_store("deleted", async |sessions| {
        let due = Some(NOW);
        let execution = StoredExecution { due, ..sample(1) };
        let commit = Commit { steps: vec![step(1, 1), step(1, 2)], ..state_commit(execution) };
        sessions.commit(commit).await.unwrap();
        save(&sessions, sample(2)).await;
        assert!(sessions.delete("FN1").await.unwrap());
        assert!(!sessions.delete("FN1").await.unwrap());
        assert_eq!(sids(&sessions, list(10)).await, ["FN2"]);
        assert_eq!(sessions.due(NOW + HOUR, 10).await.unwrap(), []);
        // A new one with the same sid begins without steps.
        save(&sessions, sample(1)).await;
        assert_eq!(sessions.steps("FN1", page(10)).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn old_executions_are_removed_with_their_definitions() {
    on_every_store("expired", async |sessions| {
        for (number, updated) in [(1, NOW), (2, NOW + HOUR * 48), (3, NOW)] {
            let (active, revision) = (number != 3, format!("r{number}"));
            let execution = StoredExecution { updated, active, revision, ..sample(number) };
            let commit = Commit { steps: vec![step(number, 1)], ..state_commit(execution) };
            sessions.commit(commit).await.unwrap();
        }
        for revision in ["r1", "r2", "r3", "r4"] {
            sessions.store_flow(revision, "{}").await.unwrap();
        }
        sessions.store_flow("r4", "another").await.unwrap();
        assert_eq!(sessions.flow("r4").await.unwrap().as_deref(), Some("{}"));

        let current = ["r4".to_owned(), "'".to_owned()];
        sessions.expire(NOW + EXECUTION_KEPT - HOUR, &current).await.unwrap();
        assert_eq!(sids(&sessions, list(10)).await, ["FN3", "FN2", "FN1"]);
        let late = NOW + EXECUTION_KEPT + HOUR * 2;
        sessions.expire(late, &current).await.unwrap();
        assert_eq!(sids(&sessions, list(10)).await, ["FN2"]);
        assert_eq!(sessions.steps("FN1", page(10)).await.unwrap(), []);
        // A definition stays for a while: an execution of it may be about to be stored.
        assert_eq!(sessions.flow("r1").await.unwrap().as_deref(), Some("{}"));
        save(&sessions, StoredExecution { updated: late, revision: "r3".to_owned(), ..sample(9) })
            .await;
        sessions.expire(late + CLAIM_KEPT, &current).await.unwrap();
        assert_eq!(sessions.flow("r1").await.unwrap(), None);
        for revision in ["r2", "r3", "r4"] {
            assert!(sessions.flow(revision).await.unwrap().is_some(), "{revision}");
        }
    })
    .await;
}

#[tokio::test]
async fn memory_is_bounded_and_active_executions_stay_longest() {
    let sessions = Sessions::memory();
    let count = twimlgate::limits::MEMORY_EXECUTIONS_MAX as u32;
    for number in 0..count + 10 {
        let active = !(10..=50).contains(&number);
        save(&sessions, StoredExecution { active, state: Vec::new(), ..sample(number) }).await;
    }
    assert_eq!(sids(&sessions, list(usize::MAX)).await.len(), count as usize);
    assert!(sessions.execution("FN0").await.unwrap().is_some());
    assert!(sessions.execution("FN10").await.unwrap().is_none());
    assert!(sessions.execution("FN20").await.unwrap().is_some());
}
