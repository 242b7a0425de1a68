//! Executions, their steps, their flows: kept, found, listed, removed.

use std::time::Duration;

use twimlgate::limits::{CLAIM_KEPT, EXECUTION_KEPT};
use twimlgate::session::{Commit, Listing, Page, Saved, Sessions, StoreError};

use super::{NOW, every, of, save, saved, step};

const HOUR: Duration = Duration::from_secs(3_600);

pub(super) fn page(limit: usize) -> Page {
    Page { after: None, limit }
}

fn list(limit: usize) -> Listing {
    Listing { flow: "FW1".to_owned(), limit, ..Listing::default() }
}

async fn sids(sessions: &Sessions, list: Listing) -> Vec<String> {
    let listed = sessions.executions(list).await.unwrap();
    listed.into_iter().map(|execution| execution.sid).collect()
}

#[tokio::test]
async fn what_was_never_kept_is_not_there() {
    every("missing", async |sessions| {
        assert_eq!(sessions.active("nobody").await.unwrap(), None);
        assert_eq!(sessions.execution("FN1").await.unwrap(), None);
        assert_eq!(sessions.executions(list(10)).await.unwrap(), []);
        assert_eq!(sessions.steps("FN1", page(10)).await.unwrap(), []);
        assert_eq!(sessions.due(NOW, 10).await.unwrap(), []);
        assert_eq!(sessions.flow("r1").await.unwrap(), None);
        assert!(!sessions.delete("FN1").await.unwrap());
        sessions.expire(NOW, &[]).await.unwrap();
        sessions.expire(Duration::ZERO, &["r1".to_owned()]).await.unwrap();
        // Nothing in it is nothing to do, and the steps of nobody are nobody's.
        let nothing = Commit { execution: None, ..of(saved(1)) };
        sessions.commit(nothing).await.unwrap();
        let steps = Commit { execution: None, steps: vec![step(1, 1)], ..of(saved(1)) };
        sessions.commit(steps).await.unwrap();
        assert_eq!(sessions.steps("FN1", page(10)).await.unwrap(), []);
        assert_eq!(sessions.health(), Ok(()));
    })
    .await;
}

#[tokio::test]
async fn what_is_kept_is_found_as_it_was() {
    every("kept", async |sessions| {
        let mut execution = saved(1);
        save(&sessions, execution.clone()).await;
        assert_eq!(sessions.active("session 1").await.unwrap().as_ref(), Some(&execution));
        // Its state alone, then everything else.
        execution.state = Vec::new();
        execution.updated += Duration::from_nanos(1);
        save(&sessions, execution.clone()).await;
        assert_eq!(sessions.active("session 1").await.unwrap().as_ref(), Some(&execution));
        let other = Saved {
            session: "another".to_owned(),
            flow: "FW2".to_owned(),
            revision: "r2".to_owned(),
            created: NOW + HOUR,
            updated: NOW + HOUR * 2,
            due: Some(NOW + HOUR * 3),
            ..execution.clone()
        };
        save(&sessions, other.clone()).await;
        assert_eq!(sessions.execution("FN1").await.unwrap().as_ref(), Some(&other));
        assert_eq!(sessions.active("session 1").await.unwrap(), None);
        assert_eq!(sids(&sessions, list(10)).await, [""; 0]);
        assert_eq!(sids(&sessions, Listing { flow: "FW2".into(), ..list(10) }).await, ["FN1"]);
        let large = Saved { state: vec![0xA5; 5_000_000], ..saved(3) };
        save(&sessions, large.clone()).await;
        assert_eq!(sessions.execution("FN3").await.unwrap(), Some(large));
    })
    .await;
}

#[tokio::test]
async fn one_execution_is_active_for_a_session() {
    every("active", async |sessions| {
        save(&sessions, saved(1)).await;
        let second = Saved { session: saved(1).session, ..saved(2) };
        let error = sessions.commit(of(second.clone())).await.unwrap_err();
        assert_eq!(error, StoreError::Conflict("FN1".to_owned()));
        // An ended one is in nobody's way, and does not come back where another one is.
        let ended = Saved { active: false, ..saved(1) };
        save(&sessions, ended.clone()).await;
        assert_eq!(sessions.active("session 1").await.unwrap(), None);
        save(&sessions, second.clone()).await;
        assert_eq!(sessions.active("session 1").await.unwrap().as_ref(), Some(&second));
        let error = sessions.commit(of(saved(1))).await.unwrap_err();
        assert_eq!(error, StoreError::Conflict("FN2".to_owned()));
        assert_eq!(sessions.execution("FN1").await.unwrap(), Some(ended));
        assert!(sessions.delete("FN2").await.unwrap());
        save(&sessions, saved(1)).await;
    })
    .await;
}

#[tokio::test]
async fn executions_are_listed_newest_first_in_pages() {
    every("listed", async |sessions| {
        for number in 0..25 {
            let mut execution = saved(number);
            // Some begin at the same time: then the sid decides.
            execution.created = NOW + HOUR * (number / 3);
            save(&sessions, execution).await;
            save(&sessions, Saved { flow: "FW2".to_owned(), ..saved(100 + number) }).await;
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
            save(&sessions, Saved { created: NOW + HOUR * 99, ..saved(200 + paged.len() as u32) })
                .await;
            paged.extend(page.into_iter().map(|execution| execution.sid));
        }
        assert_eq!(paged, all);
        let (from, until) = (Some(NOW + HOUR), Some(NOW + HOUR * 2));
        let within = sids(&sessions, Listing { from, until, ..list(100) }).await;
        assert_eq!(within, ["FN5", "FN4", "FN3"]);
        let none = sids(&sessions, Listing { from: until, until: from, ..list(100) }).await;
        assert_eq!(none, [""; 0]);
        assert_eq!(sids(&sessions, list(0)).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn steps_are_listed_newest_first_in_pages() {
    every("steps", async |sessions| {
        // Two commits; the last three steps are of one time.
        let mut steps: Vec<_> = (0..10).map(|number| step(1, number)).collect();
        let last = steps[9].at;
        steps[7].at = last;
        steps[8].at = last;
        let (early, late) = steps.split_at(8);
        sessions.commit(Commit { steps: early.to_vec(), ..of(saved(1)) }).await.unwrap();
        sessions.commit(Commit { steps: late.to_vec(), ..of(saved(1)) }).await.unwrap();
        sessions.commit(Commit { steps: vec![step(2, 50)], ..of(saved(2)) }).await.unwrap();
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
    every("due", async |sessions| {
        for (number, after) in [(1, 30), (2, 10), (3, 20), (4, 10)] {
            let due = Some(NOW + Duration::from_secs(after));
            save(&sessions, Saved { due, ..saved(number) }).await;
        }
        save(&sessions, saved(5)).await;
        let due = async |after, limit| {
            let due = sessions.due(NOW + Duration::from_secs(after), limit).await.unwrap();
            due.into_iter().map(|execution| execution.sid).collect::<Vec<_>>()
        };
        assert_eq!(due(10, 9).await, [""; 0]);
        assert_eq!(due(11, 9).await, ["FN2", "FN4"]);
        assert_eq!(due(99, 3).await, ["FN2", "FN4", "FN3"]);
        save(&sessions, Saved { due: None, ..saved(2) }).await;
        save(&sessions, Saved { due: Some(NOW + Duration::from_secs(50)), ..saved(4) }).await;
        assert_eq!(due(99, 9).await, ["FN3", "FN1", "FN4"]);
    })
    .await;
}

#[tokio::test]
async fn what_is_deleted_is_gone_with_its_steps() {
    every("deleted", async |sessions| {
        let due = Some(NOW);
        let execution = Saved { due, ..saved(1) };
        let commit = Commit { steps: vec![step(1, 1), step(1, 2)], ..of(execution) };
        sessions.commit(commit).await.unwrap();
        save(&sessions, saved(2)).await;
        assert!(sessions.delete("FN1").await.unwrap());
        assert!(!sessions.delete("FN1").await.unwrap());
        assert_eq!(sids(&sessions, list(10)).await, ["FN2"]);
        assert_eq!(sessions.due(NOW + HOUR, 10).await.unwrap(), []);
        // Under its old name a new one begins with nothing.
        save(&sessions, saved(1)).await;
        assert_eq!(sessions.steps("FN1", page(10)).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn what_is_old_goes_and_takes_its_definitions_along() {
    every("expired", async |sessions| {
        for (number, updated) in [(1, NOW), (2, NOW + HOUR * 48), (3, NOW)] {
            let (active, revision) = (number != 3, format!("r{number}"));
            let execution = Saved { updated, active, revision, ..saved(number) };
            let commit = Commit { steps: vec![step(number, 1)], ..of(execution) };
            sessions.commit(commit).await.unwrap();
        }
        for revision in ["r1", "r2", "r3", "r4"] {
            sessions.keep_flow(revision, "{}").await.unwrap();
        }
        sessions.keep_flow("r4", "another").await.unwrap();
        assert_eq!(sessions.flow("r4").await.unwrap().as_deref(), Some("{}"));

        let current = ["r4".to_owned(), "'".to_owned()];
        sessions.expire(NOW + EXECUTION_KEPT - HOUR, &current).await.unwrap();
        assert_eq!(sids(&sessions, list(10)).await, ["FN3", "FN2", "FN1"]);
        let late = NOW + EXECUTION_KEPT + HOUR * 2;
        sessions.expire(late, &current).await.unwrap();
        assert_eq!(sids(&sessions, list(10)).await, ["FN2"]);
        assert_eq!(sessions.steps("FN1", page(10)).await.unwrap(), []);
        // A definition stays a while longer: an execution may be on its way.
        assert_eq!(sessions.flow("r1").await.unwrap().as_deref(), Some("{}"));
        save(&sessions, Saved { updated: late, revision: "r3".to_owned(), ..saved(9) }).await;
        sessions.expire(late + CLAIM_KEPT, &current).await.unwrap();
        assert_eq!(sessions.flow("r1").await.unwrap(), None);
        for kept in ["r2", "r3", "r4"] {
            assert!(sessions.flow(kept).await.unwrap().is_some(), "{kept}");
        }
    })
    .await;
}

#[tokio::test]
async fn memory_keeps_so_many_and_those_that_go_on_longest() {
    let sessions = Sessions::memory();
    let count = twimlgate::limits::MEMORY_EXECUTIONS_MAX as u32;
    for number in 0..count + 10 {
        let active = !(10..=50).contains(&number);
        save(&sessions, Saved { active, state: Vec::new(), ..saved(number) }).await;
    }
    assert_eq!(sids(&sessions, list(usize::MAX)).await.len(), count as usize);
    assert!(sessions.execution("FN0").await.unwrap().is_some());
    assert!(sessions.execution("FN10").await.unwrap().is_none());
    assert!(sessions.execution("FN20").await.unwrap().is_some());
}
