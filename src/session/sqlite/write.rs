//! What can be written, one request at a time, inside the writer's transaction.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use rusqlite::{Connection, OptionalExtension as _, Statement, params};

use super::rows::{self, executions, hour, nanoseconds};
use super::trouble::Trouble;
use super::{Answer, claims};
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

/// A commit as it is kept: `state` and `context` are sealed.
#[derive(Debug)]
pub(super) struct Sealed {
    ticket: Option<Ticket>,
    reply: Bytes,
    sealed_reply: Vec<u8>,
    execution: Option<Saved>,
    steps: Vec<StepRecord>,
    pub now: Duration,
    held: Option<Arc<Held>>,
}

// === impl Sealed ===

impl Sealed {
    pub(super) fn new(commit: Commit, held: Option<Arc<Held>>) -> Sealed {
        let Commit { ticket, reply, mut execution, mut steps, now } = commit;
        let seal = |ticket: &Ticket| claims::seal(ticket.digest(), &reply);
        let sealed_reply = ticket.as_ref().map(seal).unwrap_or_default();
        if let Some(saved) = &mut execution {
            saved.state = rows::seal_saved(saved);
        }
        for step in &mut steps {
            step.context = rows::seal_step(step);
        }
        Sealed { ticket, reply, sealed_reply, execution, steps, now, held }
    }

    fn write(&self, connection: &Connection) -> Result<(), Trouble> {
        if let Some(ticket) = &self.ticket {
            claims::write(connection, ticket.digest(), self.now, &self.sealed_reply)?;
        }
        if let Some(saved) = &self.execution {
            save(connection, saved)?;
        }
        append(connection, &self.steps)
    }
}

// === impl Write ===

impl Write {
    /// Does it. What it gives is for [`Write::finish`], once the transaction has ended.
    pub(super) fn apply(&self, connection: &Connection) -> Result<bool, Trouble> {
        match self {
            Write::Commit(sealed, _) => sealed.write(connection)?,
            Write::Delete(sid, _) => {
                let mut select =
                    connection.prepare_cached("SELECT id FROM execution WHERE sid = ?1")?;
                let id: Option<i64> = select.query_row([sid], |row| row.get(0)).optional()?;
                if let Some(id) = id {
                    remove(connection, id)?;
                }
                return Ok(id.is_some());
            }
            Write::KeepFlow(revision, definition, _) => {
                let sql = "INSERT INTO flow (revision, definition) VALUES (?1, ?2)
                           ON CONFLICT (revision) DO NOTHING";
                connection.prepare_cached(sql)?.execute([revision, definition])?;
            }
            Write::Expire(now, current, _) => expire(connection, *now, current)?,
            Write::Check => {}
            Write::Probe => {
                let sql = "UPDATE probe SET count = count + 1";
                connection.prepare_cached(sql)?.execute([])?;
            }
        }
        Ok(true)
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

/// Writes an execution as it is now.
fn save(connection: &Connection, saved: &Saved) -> Result<(), Trouble> {
    let begins = saved.created == saved.updated;
    if !begins && update(connection, saved)? {
        return Ok(());
    }
    let inserted = insert(connection, saved);
    match inserted {
        // Another one is active for the session: whether that may stay is looked at only now.
        Err(error) if saved.active && is_constraint(&error) => {
            make_room(connection, saved)?;
            Ok(insert(connection, saved)?)
        }
        inserted => Ok(inserted?),
    }
}

fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
}

/// Most often only the state is another. Then no index has to change, and each of them would be a
/// page to write, somewhere else for each execution. Gives whether it was so.
fn update(connection: &Connection, saved: &Saved) -> rusqlite::Result<bool> {
    let mut update = connection.prepare_cached(
        "UPDATE execution SET updated = ?1, sealed = ?2
         WHERE sid = ?3 AND session = ?4 AND flow = ?5 AND revision = ?6 AND active = ?7
         AND created = ?8 AND hour = ?9 AND due IS ?10",
    )?;
    execute(&mut update, saved).map(|changed| changed == 1)
}

fn insert(connection: &Connection, saved: &Saved) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO execution (updated, sealed, sid, session, flow, revision, active, created,
         hour, due) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (sid) DO UPDATE SET updated = ?1, sealed = ?2, session = ?4, flow = ?5,
         revision = ?6, active = ?7, created = ?8, hour = ?9, due = ?10",
    )?;
    execute(&mut insert, saved).map(drop)
}

/// Executes a statement with the columns of an execution.
fn execute(statement: &mut Statement<'_>, saved: &Saved) -> rusqlite::Result<usize> {
    statement.execute(params![
        nanoseconds(saved.updated),
        saved.state,
        saved.sid,
        saved.session,
        saved.flow,
        saved.revision,
        saved.active,
        nanoseconds(saved.created),
        hour(saved.updated),
        saved.due.map(nanoseconds),
    ])
}

/// Sees that no other execution is active for this session. A damaged one cannot go on: it gives
/// its place to the new one.
fn make_room(connection: &Connection, saved: &Saved) -> Result<(), Trouble> {
    let sql = executions!("WHERE session = ?1 AND active = 1 AND sid <> ?2");
    match rows::one(connection, sql, [&saved.session, &saved.sid]) {
        Ok(None) => Ok(()),
        Ok(Some(other)) => Err(Trouble::Refused(StoreError::Conflict(other.sid))),
        Err(Trouble::Refused(_)) => {
            let sql = "UPDATE execution SET active = 0 WHERE session = ?1 AND active = 1";
            connection.prepare_cached(sql)?.execute([&saved.session])?;
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Adds steps behind those that are there. Those of a turn are of one execution and one time, so
/// where they belong is looked up once.
fn append(connection: &Connection, steps: &[StepRecord]) -> Result<(), Trouble> {
    let same = |one: &StepRecord, other: &StepRecord| {
        one.execution == other.execution && one.at == other.at
    };
    for steps in steps.chunk_by(same) {
        let at = nanoseconds(steps[0].at);
        let sql = "SELECT id, (SELECT ifnull(max(number), 0) FROM step
                   WHERE execution = execution.id AND at = ?2) FROM execution WHERE sid = ?1";
        let mut select = connection.prepare_cached(sql)?;
        let place = select.query_row(params![steps[0].execution, at], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        });
        let Some((id, last)) = place.optional()? else { continue };
        let mut insert = connection.prepare_cached(
            r#"INSERT INTO step (execution, at, number, sid, name, "from", "to", kind, sealed)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"#,
        )?;
        for (number, step) in (last + 1..).zip(steps) {
            insert.execute(params![
                id,
                at,
                number,
                step.sid,
                step.name,
                step.from,
                step.to,
                step.kind,
                step.context,
            ])?;
        }
    }
    Ok(())
}

/// Removes an execution with its steps; gives how many rows that were.
fn remove(connection: &Connection, id: i64) -> rusqlite::Result<usize> {
    let steps =
        connection.prepare_cached("DELETE FROM step WHERE execution = ?1")?.execute([id])?;
    connection.prepare_cached("DELETE FROM execution WHERE id = ?1")?.execute([id])?;
    Ok(steps + 1)
}

fn expire(connection: &Connection, now: Duration, current: &[String]) -> Result<(), Trouble> {
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
        removed += remove(connection, id)?;
    }
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
