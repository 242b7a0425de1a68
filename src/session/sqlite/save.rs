//! An execution and its steps, written inside the writer's transaction.
//!
//! Each statement changes one row: one that may change several makes SQLite copy every page that it
//! touches, so as to take it back alone.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};

use super::known::Change;
use super::rows::{self, executions, hour, nanoseconds};
use super::trouble::Trouble;
use crate::session::desk::{Digest, digest};
use crate::session::{Saved, StepRecord, StoreError};

/// Where an execution is, and whether that place is new: then nothing else is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    id: i64,
    fresh: bool,
}

/// An execution that is there already.
struct Former {
    id: i64,
    /// `None` where it is damaged.
    session: Option<Digest>,
    /// Whether only its state changes.
    same: bool,
}

/// Writes an execution as it is now, its state sealed, and says what that changes about sessions.
pub(super) fn execution(
    connection: &Connection,
    saved: &Arc<Saved>,
    sealed: &[u8],
    changes: &mut Vec<Change>,
) -> Result<Place, Trouble> {
    let begins = saved.created == saved.updated;
    let mut former = if begins { None } else { former(connection, saved)? };
    if let Some(Former { id, session, same: true }) = former {
        let sql = "UPDATE execution SET updated = ?1, sealed = ?2 WHERE id = ?3";
        let mut update = connection.prepare_cached(sql)?;
        update.execute(params![nanoseconds(saved.updated), sealed, id])?;
        let session = session.filter(|_| saved.active);
        changes.extend(session.map(|session| Change::Active(session, id, Arc::clone(saved))));
        return Ok(Place { id, fresh: false });
    }
    let id = match whole(connection, saved, sealed, former.as_ref()) {
        // Something is in its way: what, is looked at only now.
        Err(error) if is_constraint(&error) => {
            former = self::former(connection, saved)?;
            if saved.active {
                make_room(connection, saved)?;
            }
            whole(connection, saved, sealed, former.as_ref())?
        }
        written => written?,
    };
    let session = former.as_ref().and_then(|former| former.session);
    changes.extend(session.map(|session| Change::Left(session, id)));
    if saved.active {
        changes.push(Change::Active(digest(&saved.session), id, Arc::clone(saved)));
    }
    Ok(Place { id, fresh: former.is_none() })
}

/// Most often only the state is another. Then no index has to change, and each of them would be a
/// page to write, somewhere else for each execution.
fn former(connection: &Connection, saved: &Saved) -> rusqlite::Result<Option<Former>> {
    let sql = "SELECT id, session, flow, revision, active, created, hour, due FROM execution \
               WHERE sid = ?1";
    let mut select = connection.prepare_cached(sql)?;
    let former = select.query_row([&saved.sid], |row| {
        let text = |place, text: &str| row.get_ref(place).map(|found| found.as_str() == Ok(text));
        let number =
            |place, number: i64| row.get_ref(place).map(|found| found.as_i64() == Ok(number));
        let same = text(1, &saved.session)?
            && text(2, &saved.flow)?
            && text(3, &saved.revision)?
            && number(4, saved.active.into())?
            && number(5, nanoseconds(saved.created))?
            && number(6, hour(saved.updated))?
            && row.get_ref(7)?.as_i64_or_null() == Ok(saved.due.map(nanoseconds));
        Ok(Former { id: row.get(0)?, session: session(row, 1)?, same })
    });
    former.optional()
}

/// The session in a row. What is no text was damaged, and is nobody's session.
pub(super) fn session(row: &Row<'_>, place: usize) -> rusqlite::Result<Option<Digest>> {
    Ok(row.get_ref(place)?.as_str().ok().map(digest))
}

/// Writes all columns of an execution; gives its row.
fn whole(
    connection: &Connection,
    saved: &Saved,
    sealed: &[u8],
    former: Option<&Former>,
) -> rusqlite::Result<i64> {
    let (created, updated) = (nanoseconds(saved.created), nanoseconds(saved.updated));
    let (hour, due) = (hour(saved.updated), saved.due.map(nanoseconds));
    let columns: [&dyn ToSql; 10] = [
        &saved.sid,
        &saved.session,
        &saved.flow,
        &saved.revision,
        &saved.active,
        &created,
        &updated,
        &hour,
        &due,
        &sealed,
    ];
    let Some(Former { id, .. }) = former else {
        let sql = "INSERT INTO execution (sid, session, flow, revision, active, created, updated, \
                   hour, due, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        return connection.prepare_cached(sql)?.insert(columns);
    };
    let sql = "UPDATE execution SET sid = ?1, session = ?2, flow = ?3, revision = ?4, active = ?5, \
               created = ?6, updated = ?7, hour = ?8, due = ?9, sealed = ?10 WHERE id = ?11";
    let mut update = connection.prepare_cached(sql)?;
    let with_id: Vec<&dyn ToSql> = columns.into_iter().chain([id as &dyn ToSql]).collect();
    update.execute(&*with_id)?;
    Ok(*id)
}

pub(super) fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
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
/// where they belong is looked up once; not even that for the execution that was just written.
pub(super) fn steps(
    connection: &Connection,
    steps: &[StepRecord],
    written: Option<(&str, Place)>,
) -> rusqlite::Result<()> {
    let same = |one: &StepRecord, other: &StepRecord| {
        one.execution == other.execution && one.at == other.at
    };
    for steps in steps.chunk_by(same) {
        let (sid, at) = (&steps[0].execution, nanoseconds(steps[0].at));
        let written = written.filter(|(written, _)| written == sid);
        let Place { id, fresh } = match written {
            Some((_, place)) => place,
            None => match place(connection, sid)? {
                Some(place) => place,
                None => continue,
            },
        };
        let last = if fresh { 0 } else { last(connection, id, at)? };
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

fn place(connection: &Connection, sid: &str) -> rusqlite::Result<Option<Place>> {
    let mut select = connection.prepare_cached("SELECT id FROM execution WHERE sid = ?1")?;
    let id = select.query_row([sid], |row| row.get(0)).optional()?;
    Ok(id.map(|id| Place { id, fresh: false }))
}

/// The number of the last step of an execution at a time; 0 where there is none.
fn last(connection: &Connection, id: i64, at: i64) -> rusqlite::Result<i64> {
    let sql =
        "SELECT number FROM step WHERE execution = ?1 AND at = ?2 ORDER BY number DESC LIMIT 1";
    let mut select = connection.prepare_cached(sql)?;
    let last = select.query_row([id, at], |row| row.get(0)).optional()?;
    Ok(last.unwrap_or_default())
}
