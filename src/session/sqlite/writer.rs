//! The thread that writes: whatever waits is one group, one transaction, one sync of the disk.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::time::Instant;

use super::claims;
use super::file::File;
use super::trouble::{Reach, Trouble, describe, reach};
use super::write::Write;
use crate::clock;
use crate::limits::{STORE_GROUP_MAX, STORE_PROBE_EVERY};
use crate::session::StoreError;
use crate::session::desk::Desk;

/// However often readers think that the file is damaged, it is looked at once in this time: what
/// the check does not find now, it would not find again.
const CHECK_EVERY: Duration = Duration::from_secs(60);

/// The one who writes.
pub(super) struct Writer {
    file: Arc<File>,
    /// `None` where the last one could not be trusted any more.
    connection: Option<Connection>,
    queue: Receiver<Write>,
    desk: Desk,
    checked: Option<Instant>,
}

/// What each request of a group comes to, once the group is on the disk.
type Outcomes = Vec<Result<bool, StoreError>>;

/// Why a group failed, and whether the connection did.
struct Failed {
    what: String,
    reach: Reach,
}

// === impl Writer ===

impl Writer {
    pub(super) fn new(
        file: Arc<File>,
        connection: Connection,
        queue: Receiver<Write>,
        desk: Desk,
    ) -> Writer {
        Writer { file, connection: Some(connection), queue, desk, checked: None }
    }

    /// Writes until nobody can ask any more and all is done that was asked for.
    pub(super) fn run(mut self) {
        let mut group = Vec::with_capacity(STORE_GROUP_MAX);
        loop {
            // A store that fails finds out by itself when it works again: while it says that it is
            // not ready, perhaps nobody sends it anything.
            let first = match self.file.health() {
                Ok(()) => self.queue.recv().map_err(RecvTimeoutError::from),
                Err(_) => self.queue.recv_timeout(STORE_PROBE_EVERY),
            };
            match first {
                Ok(first) => group.push(first),
                Err(RecvTimeoutError::Timeout) => group.push(Write::Probe),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            group.extend(self.queue.try_iter().take(STORE_GROUP_MAX - 1));
            if group.iter().any(|write| matches!(write, Write::Check)) {
                self.check();
            }
            self.write(&mut group);
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
        match self.connected().and_then(|connection| transact(connection, group)) {
            Ok(outcomes) => {
                self.file.is_well();
                for (write, outcome) in group.drain(..).zip(outcomes) {
                    write.finish(outcome);
                }
            }
            Err(Failed { what, reach }) => {
                self.file.is_ill(what.clone());
                if reach == Reach::Connection {
                    self.connection = None;
                    // The last transaction may be on the disk in spite of the error, and then its
                    // claims are.
                    self.desk.doubt();
                }
                for write in group.drain(..) {
                    write.finish(Err(StoreError::Failed(what.clone())));
                }
            }
        }
    }

    fn connected(&mut self) -> Result<&Connection, Failed> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let failed = |what| Failed { what, reach: Reach::Group };
                self.file.reopen().map_err(failed)?
            }
        };
        Ok(self.connection.insert(connection))
    }
}

/// Does a group in one transaction. A request that is refused fails alone.
fn transact(connection: &Connection, group: &[Write]) -> Result<Outcomes, Failed> {
    all(connection, group).map_err(|error| {
        if !connection.is_autocommit() {
            // If even that fails, the connection is given up or the next group says so.
            let _ = execute(connection, "ROLLBACK");
        }
        Failed { what: describe(&error), reach: reach(&error) }
    })
}

fn all(connection: &Connection, group: &[Write]) -> rusqlite::Result<Outcomes> {
    execute(connection, "BEGIN IMMEDIATE")?;
    let mut outcomes = Vec::with_capacity(group.len());
    let mut now = None;
    for write in group {
        execute(connection, "SAVEPOINT one")?;
        let outcome = match write.apply(connection) {
            Ok(outcome) => Ok(outcome),
            Err(Trouble::Refused(error)) => Err(error),
            Err(Trouble::Sql(error)) if reach(&error) == Reach::Request => {
                Err(StoreError::Failed(describe(&error)))
            }
            Err(Trouble::Sql(error)) => return Err(error),
        };
        if outcome.is_err() {
            execute(connection, "ROLLBACK TO one")?;
        }
        execute(connection, "RELEASE one")?;
        if let Write::Commit(sealed, _) = write {
            now = now.max(Some(sealed.now));
        }
        outcomes.push(outcome);
    }
    if let Some(now) = now {
        // As many may go as come, and more, so that there are never more than are of use.
        claims::expire(connection, now, 2 * group.len())?;
    }
    execute(connection, "COMMIT")?;
    Ok(outcomes)
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}
