//! The thread that writes: whatever waits is one group, one transaction, one sync of the disk.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::time::Instant;

use super::claims;
use super::file::File;
use super::known::{Change, Known};
use super::trouble::{Reach, Trouble, describe, reach};
use super::write::Write;
use crate::catch_panic::caught;
use crate::clock;
use crate::limits::{STORE_GROUP_MAX, STORE_PROBE_EVERY};
use crate::session::StoreError;
use crate::session::desk::Desk;

/// However often readers think that the file is damaged, it is looked at once in this time: what
/// the check does not find now, it would not find again.
const CHECK_EVERY: Duration = Duration::from_secs(60);

/// The one who writes.
pub(super) struct Writer {
    pub file: Arc<File>,
    /// `None` where the last one could not be trusted any more.
    pub connection: Option<Connection>,
    pub queue: Receiver<Write>,
    pub desk: Desk,
    pub known: Arc<Known>,
    /// When a reader last made it look at the whole file.
    pub checked: Option<Instant>,
}

/// What a group comes to, once it is on the disk.
#[derive(Default)]
struct Done {
    /// For each request.
    outcomes: Vec<Result<bool, StoreError>>,
    changes: Vec<Change>,
}

/// Why a group failed, and whether the connection did.
struct Failed {
    what: String,
    reach: Reach,
}

// === impl Writer ===

impl Writer {
    /// Writes until nobody can ask any more and all is done that was asked for.
    pub(super) fn run(mut self) {
        let mut group = Vec::with_capacity(STORE_GROUP_MAX);
        loop {
            match self.queue.recv_timeout(STORE_PROBE_EVERY) {
                Ok(first) => group.push(first),
                // A store that fails finds out by itself when it works again: while it says that it
                // is not ready, perhaps nobody sends it anything.
                Err(RecvTimeoutError::Timeout)
                    if self.file.health().is_err() || self.file.in_place().is_err() =>
                {
                    group.push(Write::Probe);
                }
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            }
            group.extend(self.queue.try_iter().take(STORE_GROUP_MAX - 1));
            if group.iter().any(|write| matches!(write, Write::Check)) {
                self.check();
            }
            if let Err(panicked) = caught(|| self.write(&mut group)) {
                self.failed(&mut group, panicked.to_string(), Reach::Connection);
            }
        }
    }

    /// Gives up the connection, so that the file is checked as it is opened again.
    fn check(&mut self) {
        let now = clock::now();
        if self.checked.is_none_or(|at| now.duration_since(at) >= CHECK_EVERY) {
            self.checked = Some(now);
            self.connection = None;
        }
    }

    fn write(&mut self, group: &mut Vec<Write>) {
        let done = self.connected().and_then(|connection| transact(connection, group));
        // Afterwards: what went into a file that is not there any more is not kept.
        let moved = |what| Failed { what, reach: Reach::Connection };
        match done.and_then(|done| self.file.in_place().map(|()| done).map_err(moved)) {
            Ok(Done { outcomes, changes }) => {
                self.known.changed(changes);
                self.file.is_well();
                for (write, outcome) in group.drain(..).zip(outcomes) {
                    write.finish(outcome);
                }
            }
            Err(Failed { what, reach }) => self.failed(group, what, reach),
        }
    }

    fn failed(&mut self, group: &mut Vec<Write>, what: String, reach: Reach) {
        self.file.is_ill(what.clone());
        if reach == Reach::Connection {
            self.connection = None;
            // The last transaction may be on the disk in spite of the error, and then its claims
            // are.
            self.desk.doubt();
            self.known.doubt(group.iter().filter_map(Write::session));
        }
        if self.file.in_place().is_err() {
            // At once, so that no repeat is answered out of the file that has gone. Where that
            // fails, the next group tries again.
            let _ = self.connected();
        }
        for write in group.drain(..) {
            write.finish(Err(StoreError::Failed(what.clone())));
        }
    }

    fn connected(&mut self) -> Result<&Connection, Failed> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let failed = |what| Failed { what, reach: Reach::Group };
                let connection = self.file.reopen().map_err(failed)?;
                // It may be another file by now.
                self.known.load(&connection).map_err(|error| failed(describe(&error)))?;
                connection
            }
        };
        Ok(self.connection.insert(connection))
    }
}

/// Does a group in one transaction. A request that is refused fails alone.
fn transact(connection: &Connection, group: &[Write]) -> Result<Done, Failed> {
    let done = together(connection, group).and_then(|done| match done {
        Some(done) => Ok(done),
        None => one_by_one(connection, group),
    });
    done.map_err(|error| {
        if !connection.is_autocommit() {
            // If even that fails, the connection is given up or the next group says so.
            let _ = execute(connection, "ROLLBACK");
        }
        Failed { what: describe(&error), reach: reach(&error) }
    })
}

/// `None`, and nothing done, where a request is refused: seldom, and to be able to take back each
/// request alone would make SQLite copy every page that it touches.
fn together(connection: &Connection, group: &[Write]) -> rusqlite::Result<Option<Done>> {
    execute(connection, "BEGIN IMMEDIATE")?;
    let mut done = Done::default();
    for write in group {
        let outcome = outcome(write.apply(connection, &mut done.changes))?;
        if outcome.is_err() {
            execute(connection, "ROLLBACK")?;
            return Ok(None);
        }
        done.outcomes.push(outcome);
    }
    commit(connection, group)?;
    Ok(Some(done))
}

/// Each request so that it can be taken back without the others.
fn one_by_one(connection: &Connection, group: &[Write]) -> rusqlite::Result<Done> {
    execute(connection, "BEGIN IMMEDIATE")?;
    let mut done = Done::default();
    for write in group {
        execute(connection, "SAVEPOINT one")?;
        let before = done.changes.len();
        let outcome = outcome(write.apply(connection, &mut done.changes))?;
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

/// What is an error of one request alone becomes its outcome.
fn outcome(applied: Result<bool, Trouble>) -> rusqlite::Result<Result<bool, StoreError>> {
    match applied {
        Ok(outcome) => Ok(Ok(outcome)),
        Err(Trouble::Refused(error)) => Ok(Err(error)),
        Err(Trouble::Sql(error)) if reach(&error) == Reach::Request => {
            Ok(Err(StoreError::Failed(describe(&error))))
        }
        Err(Trouble::Sql(error)) => Err(error),
    }
}

fn commit(connection: &Connection, group: &[Write]) -> rusqlite::Result<()> {
    if let Some(now) = group.iter().filter_map(Write::now).max() {
        // As many may go as come, and more, so that there are never more than are of use.
        claims::expire(connection, now, 2 * group.len())?;
    }
    execute(connection, "COMMIT")
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}
