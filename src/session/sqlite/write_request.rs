//! The requests to write, each applied inside the writer's transaction.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::execution_rows::ExecutionRow;
use super::request_error::RequestError;
use super::rows::{self, hour, nanoseconds};
use super::session_index::SessionChange;
use super::{ResultSender, claim_rows, execution_rows};
use crate::limits::{CLAIM_KEPT, EXECUTION_KEPT, EXPIRED_ROWS_MAX};
use crate::session::{ClaimGuard, Commit, SessionGuards, StepRecord, StoreError, StoredExecution};

/// A request to write, and where its result goes.
#[derive(Debug)]
pub(super) enum WriteRequest {
    Commit(Box<EncodedCommit>, ResultSender<()>),
    Delete(String, ResultSender<bool>),
    KeepFlow(String, String, ResultSender<()>),
    Expire(Duration, Vec<String>, ResultSender<()>),
    /// A reader has an error that says that the file is damaged.
    Check,
    /// A small write, to see whether the file can be written.
    Probe,
}

/// A commit with its reply, its state and the `context` of its steps encoded for their columns.
#[derive(Debug)]
pub(super) struct EncodedCommit {
    claim: Option<ClaimGuard>,
    reply: Bytes,
    encoded_reply: Vec<u8>,
    ended: Option<EncodedExecution>,
    execution: Option<EncodedExecution>,
    steps: Vec<StepRecord>,
    now: Duration,
    /// Whether `now` is believed, so that claims that are too old by it may be removed.
    can_expire: bool,
    /// Released when the commit is done.
    locks: SessionGuards,
}

/// An execution with its state encoded.
#[derive(Debug)]
struct EncodedExecution {
    stored: Arc<StoredExecution>,
    encoded_state: Vec<u8>,
}

// === impl EncodedCommit ===

impl EncodedCommit {
    pub(super) fn new(commit: Commit, can_expire: bool) -> EncodedCommit {
        let Commit { claim, reply, ended, execution, mut steps, now, locks } = commit;
        let encode_reply =
            |claim: &ClaimGuard| claim_rows::encode_reply(claim.digest(), claim.token(), &reply);
        let encoded_reply = claim.as_ref().map(encode_reply).unwrap_or_default();
        for step in &mut steps {
            step.context = rows::encode_context(step);
        }
        EncodedCommit {
            claim,
            reply,
            encoded_reply,
            ended: ended.map(|ended| EncodedExecution::new(*ended)),
            execution: execution.map(EncodedExecution::new),
            steps,
            now,
            can_expire,
            locks,
        }
    }

    fn apply(
        &self,
        connection: &Connection,
        changes: &mut Vec<SessionChange>,
    ) -> Result<(), RequestError> {
        if let Some(claim) = &self.claim {
            claim_rows::insert(connection, claim, self.now, &self.encoded_reply)?;
        }
        // The former execution first: its session is free for the other one then.
        if let Some(ended) = &self.ended {
            ended.write(connection, changes)?;
        }
        // The execution before its steps, which refer to its row.
        let written = match &self.execution {
            Some(execution) => {
                Some((&*execution.stored.sid, execution.write(connection, changes)?))
            }
            None => None,
        };
        Ok(execution_rows::write_steps(connection, &self.steps, written)?)
    }
}

// === impl EncodedExecution ===

impl EncodedExecution {
    fn new(execution: StoredExecution) -> EncodedExecution {
        let encoded_state = rows::encode_state(&execution);
        EncodedExecution { stored: Arc::new(execution), encoded_state }
    }

    fn write(
        &self,
        connection: &Connection,
        changes: &mut Vec<SessionChange>,
    ) -> Result<ExecutionRow, RequestError> {
        execution_rows::write_execution(connection, &self.stored, &self.encoded_state, changes)
    }
}

// === impl WriteRequest ===

impl WriteRequest {
    /// Applies the request, and adds what it changes about sessions. The returned value is for
    /// [`WriteRequest::finish`], once the transaction has ended.
    pub(super) fn apply(
        &self,
        connection: &Connection,
        changes: &mut Vec<SessionChange>,
    ) -> Result<bool, RequestError> {
        match self {
            WriteRequest::Commit(commit, _) => commit.apply(connection, changes)?,
            WriteRequest::Delete(sid, _) => {
                let mut select =
                    connection.prepare_cached("SELECT id FROM execution WHERE sid = ?1")?;
                let id: Option<i64> = select.query_row([sid], |row| row.get(0)).optional()?;
                if let Some(id) = id {
                    delete_execution(connection, id, changes)?;
                }
                return Ok(id.is_some());
            }
            WriteRequest::KeepFlow(revision, definition, _) => {
                let sql = "INSERT INTO flow (revision, definition) VALUES (?1, ?2)
                           ON CONFLICT (revision) DO NOTHING";
                connection.prepare_cached(sql)?.execute([revision, definition])?;
            }
            WriteRequest::Expire(now, current, _) => {
                expire(connection, *now, changes)?;
                expire_flows(connection, *now, current)?;
            }
            // The writer has opened the file again before this group.
            WriteRequest::Check => {}
            WriteRequest::Probe => {
                let sql = "UPDATE probe SET count = count + 1";
                connection.prepare_cached(sql)?.execute([])?;
            }
        }
        Ok(true)
    }

    /// The session that it may make an execution active for.
    pub(super) fn session(&self) -> Option<&str> {
        let WriteRequest::Commit(commit, _) = self else { return None };
        let active = commit.execution.as_ref().filter(|execution| execution.stored.active);
        active.map(|execution| execution.stored.session.as_str())
    }

    /// The wall clock of a commit, where it is believed.
    pub(super) fn now(&self) -> Option<Duration> {
        let WriteRequest::Commit(commit, _) = self else { return None };
        commit.can_expire.then_some(commit.now)
    }

    /// Sends the result to the task, and the reply to the repeats that wait for it. `Ok` only when
    /// the transaction is on the disk.
    pub(super) fn finish(self, result: Result<bool, StoreError>) {
        // The task may have been cancelled: its claim and its lock end here all the same.
        match self {
            WriteRequest::Commit(commit, sender) => {
                let EncodedCommit { claim, reply, locks, .. } = *commit;
                // After an error the guard is dropped, which frees the claim.
                if let (Some(claim), Ok(_)) = (claim, &result) {
                    claim.complete(&reply);
                }
                drop(locks);
                let _ = sender.send(result.map(drop));
            }
            WriteRequest::Delete(_, sender) => {
                let _ = sender.send(result);
            }
            WriteRequest::KeepFlow(_, _, sender) | WriteRequest::Expire(_, _, sender) => {
                let _ = sender.send(result.map(drop));
            }
            WriteRequest::Check | WriteRequest::Probe => {}
        }
    }
}

/// Deletes an execution with its steps. Returns how many rows these were.
fn delete_execution(
    connection: &Connection,
    id: i64,
    changes: &mut Vec<SessionChange>,
) -> rusqlite::Result<usize> {
    let steps =
        connection.prepare_cached("DELETE FROM step WHERE execution = ?1")?.execute([id])?;
    let mut session = connection.prepare_cached("SELECT session FROM execution WHERE id = ?1")?;
    let session = session.query_row([id], |row| execution_rows::session_column(row, 0));
    let session = session.optional()?.flatten();
    changes.extend(session.map(|session| SessionChange::Deactivated(session, id)));
    connection.prepare_cached("DELETE FROM execution WHERE id = ?1")?.execute([id])?;
    Ok(steps + 1)
}

fn expire(
    connection: &Connection,
    now: Duration,
    changes: &mut Vec<SessionChange>,
) -> rusqlite::Result<()> {
    claim_rows::expire(connection, now, EXPIRED_ROWS_MAX)?;
    let sql = "SELECT id FROM execution WHERE hour < ?1 ORDER BY hour LIMIT ?2";
    let mut select = connection.prepare_cached(sql)?;
    let oldest = hour(now.saturating_sub(EXECUTION_KEPT));
    let old = select.query_map(params![oldest, EXPIRED_ROWS_MAX as i64], |row| row.get(0))?;
    // Collected first: rows are deleted while the query would still be reading them.
    let old: Vec<i64> = old.collect::<Result<_, _>>()?;
    let mut deleted = 0;
    for id in old {
        // Steps count as well: no webhook is answered while this runs.
        if deleted >= EXPIRED_ROWS_MAX {
            break;
        }
        deleted += delete_execution(connection, id, changes)?;
    }
    Ok(())
}

fn expire_flows(
    connection: &Connection,
    now: Duration,
    current: &[String],
) -> rusqlite::Result<()> {
    // As one JSON value, so that the statement is the same for any number of revisions.
    let current = serde_json::Value::from(current.to_vec()).to_string();
    let sql = "UPDATE flow SET unused_since = CASE
               WHEN revision IN (SELECT value FROM json_each(?1))
               OR EXISTS (SELECT 1 FROM execution WHERE execution.revision = flow.revision)
               THEN NULL ELSE ifnull(unused_since, ?2) END";
    connection.prepare_cached(sql)?.execute(params![current, nanoseconds(now)])?;
    let since = nanoseconds(now.saturating_sub(CLAIM_KEPT));
    connection.prepare_cached("DELETE FROM flow WHERE unused_since <= ?1")?.execute([since])?;
    Ok(())
}
