//! What can be written, one request at a time, inside the writer's transaction.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::known::Change;
use super::rows::{self, hour, nanoseconds};
use super::trouble::Trouble;
use super::{Answer, claims, save};
use crate::limits::{CLAIM_KEPT, EXECUTION_KEPT, EXPIRED_ROWS_MAX};
use crate::session::lanes::Held;
use crate::session::{Commit, Saved, StepRecord, StoreError, Ticket};

/// A request, and where its answer goes.
#[derive(Debug)]
pub(super) enum Write {
    Commit(Box<Sealed>, Answer<()>),
    Delete(String, Answer<bool>),
    KeepFlow(String, String, Answer<()>),
    Expire(Duration, Vec<String>, Answer<()>),
    /// A reader thinks that the file is damaged.
    Check,
    /// Whether the file can be written.
    Probe,
}

/// A commit as it is kept; the `context` of its steps is sealed.
#[derive(Debug)]
pub(super) struct Sealed {
    ticket: Option<Ticket>,
    reply: Bytes,
    sealed_reply: Vec<u8>,
    execution: Option<Arc<Saved>>,
    sealed_state: Vec<u8>,
    steps: Vec<StepRecord>,
    now: Duration,
    /// Whether what is too old by `now` may go.
    expires: bool,
    held: Option<Arc<Held>>,
}

// === impl Sealed ===

impl Sealed {
    pub(super) fn new(commit: Commit, expires: bool, held: Option<Arc<Held>>) -> Sealed {
        let Commit { ticket, reply, execution, mut steps, now } = commit;
        let seal = |ticket: &Ticket| claims::seal(ticket.digest(), &reply);
        let sealed_reply = ticket.as_ref().map(seal).unwrap_or_default();
        let sealed_state = execution.as_ref().map(rows::seal_saved).unwrap_or_default();
        for step in &mut steps {
            step.context = rows::seal_step(step);
        }
        let execution = execution.map(Arc::new);
        Sealed { ticket, reply, sealed_reply, execution, sealed_state, steps, now, expires, held }
    }

    fn write(&self, connection: &Connection, changes: &mut Vec<Change>) -> Result<(), Trouble> {
        if let Some(ticket) = &self.ticket {
            claims::write(connection, ticket.digest(), self.now, &self.sealed_reply)?;
        }
        if let Some(saved) = &self.execution {
            let row = save::execution(connection, saved, &self.sealed_state, changes)?;
            return Ok(save::steps(connection, &self.steps, Some((&saved.sid, row)))?);
        }
        Ok(save::steps(connection, &self.steps, None)?)
    }
}

// === impl Write ===

impl Write {
    /// Does it, and says what changed about sessions. What it gives is for [`Write::finish`], once
    /// the transaction has ended.
    pub(super) fn apply(
        &self,
        connection: &Connection,
        changes: &mut Vec<Change>,
    ) -> Result<bool, Trouble> {
        match self {
            Write::Commit(sealed, _) => sealed.write(connection, changes)?,
            Write::Delete(sid, _) => {
                let mut select =
                    connection.prepare_cached("SELECT id FROM execution WHERE sid = ?1")?;
                let id: Option<i64> = select.query_row([sid], |row| row.get(0)).optional()?;
                if let Some(id) = id {
                    remove(connection, id, changes)?;
                }
                return Ok(id.is_some());
            }
            Write::KeepFlow(revision, definition, _) => {
                let sql = "INSERT INTO flow (revision, definition) VALUES (?1, ?2)
                           ON CONFLICT (revision) DO NOTHING";
                connection.prepare_cached(sql)?.execute([revision, definition])?;
            }
            Write::Expire(now, current, _) => {
                expire(connection, *now, changes)?;
                expire_flows(connection, *now, current)?;
            }
            Write::Check => {}
            Write::Probe => {
                let sql = "UPDATE probe SET count = count + 1";
                connection.prepare_cached(sql)?.execute([])?;
            }
        }
        Ok(true)
    }

    /// The session that it may make an execution active for.
    pub(super) fn session(&self) -> Option<&str> {
        let Write::Commit(sealed, _) = self else { return None };
        let active = sealed.execution.as_ref().filter(|saved| saved.active);
        active.map(|saved| saved.session.as_str())
    }

    /// The wall clock of a commit, where it is believed.
    pub(super) fn now(&self) -> Option<Duration> {
        let Write::Commit(sealed, _) = self else { return None };
        sealed.expires.then_some(sealed.now)
    }

    /// Tells whoever asked, and those who wait for the reply. `Ok` only once it is on the disk.
    pub(super) fn finish(self, result: Result<bool, StoreError>) {
        // Whoever asked may have gone; its ticket and its turn come to their end here all the same.
        match self {
            Write::Commit(sealed, answer) => {
                let Sealed { ticket, reply, held, .. } = *sealed;
                if let (Some(ticket), Ok(_)) = (ticket, &result) {
                    ticket.answer(&reply);
                }
                drop(held);
                let _ = answer.send(result.map(drop));
            }
            Write::Delete(_, answer) => {
                let _ = answer.send(result);
            }
            Write::KeepFlow(_, _, answer) | Write::Expire(_, _, answer) => {
                let _ = answer.send(result.map(drop));
            }
            Write::Check | Write::Probe => {}
        }
    }
}

/// Removes an execution with its steps; gives how many rows that were.
fn remove(connection: &Connection, id: i64, changes: &mut Vec<Change>) -> rusqlite::Result<usize> {
    let steps =
        connection.prepare_cached("DELETE FROM step WHERE execution = ?1")?.execute([id])?;
    let mut session = connection.prepare_cached("SELECT session FROM execution WHERE id = ?1")?;
    let session = session.query_row([id], |row| save::session(row, 0)).optional()?.flatten();
    changes.extend(session.map(|session| Change::Left(session, id)));
    connection.prepare_cached("DELETE FROM execution WHERE id = ?1")?.execute([id])?;
    Ok(steps + 1)
}

fn expire(
    connection: &Connection,
    now: Duration,
    changes: &mut Vec<Change>,
) -> rusqlite::Result<()> {
    claims::expire(connection, now, EXPIRED_ROWS_MAX)?;
    let sql = "SELECT id FROM execution WHERE hour < ?1 ORDER BY hour LIMIT ?2";
    let mut select = connection.prepare_cached(sql)?;
    let oldest = hour(now.saturating_sub(EXECUTION_KEPT));
    let old = select.query_map(params![oldest, EXPIRED_ROWS_MAX as i64], |row| row.get(0))?;
    let old: Vec<i64> = old.collect::<Result<_, _>>()?;
    let mut removed = 0;
    for id in old {
        if removed >= EXPIRED_ROWS_MAX {
            break;
        }
        removed += remove(connection, id, changes)?;
    }
    Ok(())
}

fn expire_flows(
    connection: &Connection,
    now: Duration,
    current: &[String],
) -> rusqlite::Result<()> {
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
