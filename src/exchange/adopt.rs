//! Renames stored executions whose flow has another name now, so that a call or a chat in progress
//! continues.

use std::time::Duration;

use crate::gateway::Gateway;
use crate::limits::ADOPTED_AT_ONCE;
use crate::session::{Commit, ExecutionQuery, Sessions, StoreError, StoredExecution, rename_flow};

/// Renames the executions that the store has under former names of flows, and returns their number.
/// Call it before a configuration answers webhooks. There is work only after an update from a
/// version that named flows after their files, or where a `[flow.NAME]` is new.
///
/// # Errors
/// If the store fails. The executions renamed by then stay renamed, and the next call finds the
/// others.
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
            // Concurrently: the store commits what arrives together in one transaction.
            let tasks = page.into_iter().map(|stored| {
                let (sessions, name) = (sessions.clone(), name.to_owned());
                actix_web::rt::spawn(async move { adopt_one(&sessions, stored, &name).await })
            });
            for task in tasks.collect::<Vec<_>>() {
                adopted += usize::from(task.await.unwrap_or(Ok(false))?);
            }
        }
    }
    Ok(adopted)
}

/// Renames one execution. `false`: it is gone, or its session has another active execution.
async fn adopt_one(
    sessions: &Sessions,
    stored: StoredExecution,
    name: &str,
) -> Result<bool, StoreError> {
    // A webhook that the former configuration answers may be changing it.
    // One that another gateway is working on is found again by the next call.
    let opened = sessions.open_execution(&stored, Duration::ZERO).await?;
    let Some((stored, lock)) = opened else { return Ok(false) };
    let now = stored.updated;
    let renamed = Commit::new(rename_flow(stored, name), Vec::new(), now).under(lock);
    match sessions.commit(renamed).await {
        Ok(()) => Ok(true),
        // The contact has begun another execution in the meantime, which takes precedence.
        Err(StoreError::Conflict(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
