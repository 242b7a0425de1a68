//! Executions of flows that are called something else by now: they are written down anew, so that
//! whoever is in a call or a chat goes on in it.

use crate::gateway::Gateway;
use crate::limits::ADOPTED_AT_ONCE;
use crate::session::{Commit, ExecutionQuery, Sessions, StoreError, StoredExecution, rename_flow};

/// Gives the executions that a store has under former names of flows their flows' names of today;
/// how many these were. To be called before a configuration answers webhooks. There is seldom
/// anything to do: after an update from a version that named flows after their files, or where a
/// `[flow.NAME]` is new.
///
/// # Errors
/// Where the store fails. What was adopted by then stays so, and the rest is found the next time.
pub async fn adopt(gateway: &Gateway, sessions: &Sessions) -> Result<usize, StoreError> {
    let mut adopted = 0;
    for (former, name) in gateway.flows.former_names() {
        let mut after = None;
        loop {
            let listing = ExecutionQuery {
                flow: former.to_owned(),
                from: None,
                until: None,
                after: after.take(),
                limit: ADOPTED_AT_ONCE,
            };
            let page = sessions.executions(listing).await?;
            let Some(last) = page.last() else { break };
            after = Some((last.created, last.sid.clone()));
            // All at once: the store writes what comes together in one transaction.
            let tasks = page.into_iter().map(|saved| {
                let (sessions, name) = (sessions.clone(), name.to_owned());
                actix_web::rt::spawn(async move { adopt_one(&sessions, saved, &name).await })
            });
            for task in tasks.collect::<Vec<_>>() {
                adopted += usize::from(task.await.unwrap_or(Ok(false))?);
            }
        }
    }
    Ok(adopted)
}

/// One of them; whether it was there still, and its session had no other active execution.
async fn adopt_one(
    sessions: &Sessions,
    saved: StoredExecution,
    name: &str,
) -> Result<bool, StoreError> {
    // A webhook that the former configuration answers may be at work on it.
    let _turn = sessions.lock(&saved.session).await;
    let Some(saved) = sessions.execution(&saved.sid).await? else { return Ok(false) };
    let now = saved.updated;
    match sessions.commit(Commit::new(rename_flow(saved, name), Vec::new(), now)).await {
        Ok(()) => Ok(true),
        // The person has begun anew meanwhile: that conversation counts.
        Err(StoreError::Conflict(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
