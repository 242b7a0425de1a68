//! The thread that writes: all requests that wait are one group, one transaction, one sync of the
//! disk.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::time::Instant;

use super::claim_rows;
use super::file::StoreFile;
use super::request_error::{ErrorScope, RequestError, describe, error_scope};
use super::session_index::{SessionChange, SessionIndex};
use super::write_request::WriteRequest;
use crate::catch_panic::catch;
use crate::clock;
use crate::limits::{STORE_GROUP_MAX, STORE_PROBE_EVERY};
use crate::session::StoreError;
use crate::session::claims::ClaimTable;

/// The least time between two checks that readers ask for: what one check does not find, the next
/// one would not find either.
const CHECK_EVERY: Duration = Duration::from_secs(60);

/// The one thread that writes.
pub(super) struct StoreWriter {
    pub file: Arc<StoreFile>,
    /// `None` where the last one is not trusted any more.
    pub connection: Option<Connection>,
    pub queue: Receiver<WriteRequest>,
    pub claims: ClaimTable,
    pub index: Arc<SessionIndex>,
    /// When a reader last caused a check of the whole file.
    pub checked_at: Option<Instant>,
}

/// What a group did, valid once its transaction is on the disk.
#[derive(Default)]
struct GroupResult {
    /// One for each request.
    outcomes: Vec<Result<bool, StoreError>>,
    changes: Vec<SessionChange>,
}

/// Why a group failed, and what else is affected.
struct GroupError {
    reason: String,
    scope: ErrorScope,
}

// === impl StoreWriter ===

impl StoreWriter {
    /// Writes until the queue has no sender any more and is empty.
    pub(super) fn run(mut self) {
        let mut group = Vec::with_capacity(STORE_GROUP_MAX);
        loop {
            match self.queue.recv_timeout(STORE_PROBE_EVERY) {
                Ok(first) => group.push(first),
                // A store that fails has to find out by itself when it works again: while it is not
                // ready, a load balancer may send it no webhook.
                Err(RecvTimeoutError::Timeout)
                    if self.file.health().is_err() || self.file.check_in_place().is_err() =>
                {
                    group.push(WriteRequest::Probe);
                }
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // Without a wait for more: the group grows by itself while the disk is busy.
            group.extend(self.queue.try_iter().take(STORE_GROUP_MAX - 1));
            if group.iter().any(|request| matches!(request, WriteRequest::Check)) {
                self.request_check();
            }
            if let Err(panicked) = catch(|| self.write(&mut group)) {
                // The transaction may be open, so the connection is given up.
                self.fail(&mut group, panicked.to_string(), ErrorScope::Connection);
            }
        }
    }

    /// Gives up the connection, so that the file is checked as it is opened again.
    fn request_check(&mut self) {
        let now = clock::now();
        if self.checked_at.is_none_or(|at| now.duration_since(at) >= CHECK_EVERY) {
            self.checked_at = Some(now);
            self.connection = None;
        }
    }

    fn write(&mut self, group: &mut Vec<WriteRequest>) {
        let done = self.open_if_closed().and_then(|connection| transact(connection, group));
        // Checked after the commit: a commit into a file that was moved away before is lost.
        let moved = |reason| GroupError { reason, scope: ErrorScope::Connection };
        match done.and_then(|done| self.file.check_in_place().map(|()| done).map_err(moved)) {
            Ok(GroupResult { outcomes, changes }) => {
                // Before any task gets its result: see the invariant in `session`.
                self.index.apply(changes);
                self.file.clear_failure();
                for (request, outcome) in group.drain(..).zip(outcomes) {
                    request.finish(outcome);
                }
            }
            Err(GroupError { reason, scope }) => self.fail(group, reason, scope),
        }
    }

    fn fail(&mut self, group: &mut Vec<WriteRequest>, reason: String, scope: ErrorScope) {
        self.file.set_failure(reason.clone());
        if scope == ErrorScope::Connection {
            self.connection = None;
            // The transaction may be on the disk in spite of the error, and its claims with it.
            // Before any task gets its error: a repeat may come at once.
            self.claims.mark_unsure();
            self.index.mark_unsure(group.iter().filter_map(WriteRequest::session));
        }
        if self.file.check_in_place().is_err() {
            // At once, so that no repeat is answered from the file that was moved away. Where that
            // fails, the next group tries again.
            let _ = self.open_if_closed();
        }
        for request in group.drain(..) {
            request.finish(Err(StoreError::Failed(reason.clone())));
        }
    }

    fn open_if_closed(&mut self) -> Result<&Connection, GroupError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let error = |reason| GroupError { reason, scope: ErrorScope::Group };
                let connection = self.file.reopen().map_err(error)?;
                // It may be another file by now.
                self.index.load(&connection).map_err(|failure| error(describe(&failure)))?;
                connection
            }
        };
        Ok(self.connection.insert(connection))
    }
}

/// Applies a group in one transaction. A request that is refused fails alone.
fn transact(connection: &Connection, group: &[WriteRequest]) -> Result<GroupResult, GroupError> {
    let done = apply_together(connection, group).and_then(|done| match done {
        Some(done) => Ok(done),
        None => apply_one_by_one(connection, group),
    });
    done.map_err(|error| {
        // Some errors end the transaction, others leave it open.
        if !connection.is_autocommit() {
            // If even that fails, the connection is given up or the next group fails.
            let _ = execute(connection, "ROLLBACK");
        }
        GroupError { reason: describe(&error), scope: error_scope(&error) }
    })
}

/// Applies all requests, or none: `None` where one is refused. That is rare, and savepoints, which
/// could undo one request alone, make SQLite copy every page that the request changes.
fn apply_together(
    connection: &Connection,
    group: &[WriteRequest],
) -> rusqlite::Result<Option<GroupResult>> {
    // Immediate: a lock of another program is waited for here, and not in the middle.
    execute(connection, "BEGIN IMMEDIATE")?;
    let mut done = GroupResult::default();
    for request in group {
        let outcome = request_outcome(request.apply(connection, &mut done.changes))?;
        if outcome.is_err() {
            execute(connection, "ROLLBACK")?;
            return Ok(None);
        }
        done.outcomes.push(outcome);
    }
    commit(connection, group)?;
    Ok(Some(done))
}

/// Applies each request under a savepoint of its own, so that the refused ones are undone alone.
fn apply_one_by_one(
    connection: &Connection,
    group: &[WriteRequest],
) -> rusqlite::Result<GroupResult> {
    execute(connection, "BEGIN IMMEDIATE")?;
    let mut done = GroupResult::default();
    for request in group {
        execute(connection, "SAVEPOINT one")?;
        let before = done.changes.len();
        let outcome = request_outcome(request.apply(connection, &mut done.changes))?;
        if outcome.is_err() {
            execute(connection, "ROLLBACK TO one")?;
            done.changes.truncate(before);
        }
        execute(connection, "RELEASE one")?;
        done.outcomes.push(outcome);
    }
    commit(connection, group)?;
    Ok(done)
}

/// The outcome of one request; `Err` where the whole group fails.
fn request_outcome(
    applied: Result<bool, RequestError>,
) -> rusqlite::Result<Result<bool, StoreError>> {
    match applied {
        Ok(outcome) => Ok(Ok(outcome)),
        Err(RequestError::Refused(error)) => Ok(Err(error)),
        Err(RequestError::Sql(error)) if error_scope(&error) == ErrorScope::Request => {
            Ok(Err(StoreError::Failed(describe(&error))))
        }
        Err(RequestError::Sql(error)) => Err(error),
    }
}

fn commit(connection: &Connection, group: &[WriteRequest]) -> rusqlite::Result<()> {
    if let Some(now) = group.iter().filter_map(WriteRequest::now).max() {
        // Twice as many as may be inserted, so that the table shrinks to those that count.
        claim_rows::expire(connection, now, 2 * group.len())?;
    }
    execute(connection, "COMMIT")
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}
