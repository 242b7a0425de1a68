//! An execution and its steps, written inside the writer's transaction.
//!
//! Each statement changes one row: for a statement that may change several, SQLite first copies
//! every page that it touches, so that it can undo that statement alone.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};

use super::request_error::RequestError;
use super::rows::{self, hour, nanoseconds, select_executions};
use super::session_index::SessionChange;
use crate::session::key_digest::{KeyDigest, session_digest};
use crate::session::{StepRecord, StoreError, StoredExecution};

/// The row of an execution, and whether it is new: then it has no steps yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExecutionRow {
    id: i64,
    is_new: bool,
}

/// The row of an execution as it was before the commit.
struct FormerRow {
    id: i64,
    /// `None` where it is damaged.
    session: Option<KeyDigest>,
    version: i64,
    /// Whether the commit changes its state only.
    is_same: bool,
}

/// Writes an execution, its state encoded, and adds what that changes about sessions.
pub(super) fn write_execution(
    connection: &Connection,
    execution: &Arc<StoredExecution>,
    encoded_state: &[u8],
    changes: &mut Vec<SessionChange>,
) -> Result<ExecutionRow, RequestError> {
    let stale = || RequestError::Refused(StoreError::Stale(execution.sid.clone()));
    // A new one is inserted without a look-up. Where there is one after all, a constraint says so.
    let former = match execution.version {
        1 => None,
        next => match find_former(connection, execution)? {
            Some(former) if former.version + 1 == version_column(next) => Some(former),
            _ => return Err(stale()),
        },
    };
    if let Some(FormerRow { id, session, is_same: true, .. }) = former {
        let sql = "UPDATE execution SET updated = ?1, sealed = ?2, version = ?3 WHERE id = ?4";
        let mut update = connection.prepare_cached(sql)?;
        let version = version_column(execution.version);
        update.execute(params![nanoseconds(execution.updated), encoded_state, version, id])?;
        let session = session.filter(|_| execution.active);
        let activated =
            session.map(|session| SessionChange::Activated(session, id, Arc::clone(execution)));
        changes.extend(activated);
        return Ok(ExecutionRow { id, is_new: false });
    }
    let id = match write_columns(connection, execution, encoded_state, former.as_ref()) {
        // Its sid exists, or its session has an active execution: which, is looked up only now.
        Err(error) if is_constraint(&error) => {
            if former.is_none() && find_former(connection, execution)?.is_some() {
                return Err(stale());
            }
            if execution.active {
                release_session(connection, execution)?;
            }
            write_columns(connection, execution, encoded_state, former.as_ref())?
        }
        written => written?,
    };
    // Deactivated before activated: both may be about the same session and row.
    let session = former.as_ref().and_then(|former| former.session);
    changes.extend(session.map(|session| SessionChange::Deactivated(session, id)));
    if execution.active {
        let session = session_digest(&execution.session);
        changes.push(SessionChange::Activated(session, id, Arc::clone(execution)));
    }
    Ok(ExecutionRow { id, is_new: former.is_none() })
}

/// The row of an execution that is stored already. Most often only the state is another. Then no
/// index has to change; each change would be a page to write, at random in the file.
fn find_former(
    connection: &Connection,
    execution: &StoredExecution,
) -> rusqlite::Result<Option<FormerRow>> {
    let sql = "SELECT id, session, flow, revision, active, created, hour, due, version \
               FROM execution WHERE sid = ?1";
    let mut select = connection.prepare_cached(sql)?;
    let former = select.query_row([&execution.sid], |row| {
        // Compared in place, without a copy of the columns.
        let text = |column, text: &str| row.get_ref(column).map(|found| found.as_str() == Ok(text));
        let number =
            |column, number: i64| row.get_ref(column).map(|found| found.as_i64() == Ok(number));
        let is_same = text(1, &execution.session)?
            && text(2, &execution.flow)?
            && text(3, &execution.revision)?
            && number(4, execution.active.into())?
            && number(5, nanoseconds(execution.created))?
            && number(6, hour(execution.updated))?
            && row.get_ref(7)?.as_i64_or_null() == Ok(execution.due.map(nanoseconds));
        let session = session_column(row, 1)?;
        Ok(FormerRow { id: row.get(0)?, session, version: row.get(8)?, is_same })
    });
    former.optional()
}

/// The session in a row. A value that is not a text is damaged, and no session has it.
pub(super) fn session_column(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<KeyDigest>> {
    Ok(row.get_ref(column)?.as_str().ok().map(session_digest))
}

/// Writes all columns of an execution. Returns its row.
fn write_columns(
    connection: &Connection,
    execution: &StoredExecution,
    encoded_state: &[u8],
    former: Option<&FormerRow>,
) -> rusqlite::Result<i64> {
    let (created, updated) = (nanoseconds(execution.created), nanoseconds(execution.updated));
    let (hour, due) = (hour(execution.updated), execution.due.map(nanoseconds));
    let version = version_column(execution.version);
    let columns: [&dyn ToSql; 11] = [
        &execution.sid,
        &execution.session,
        &execution.flow,
        &execution.revision,
        &execution.active,
        &created,
        &updated,
        &hour,
        &due,
        &encoded_state,
        &version,
    ];
    let Some(FormerRow { id, .. }) = former else {
        let sql = "INSERT INTO execution (sid, session, flow, revision, active, created, updated, \
                   hour, due, sealed, version) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        return connection.prepare_cached(sql)?.insert(columns);
    };
    let sql = "UPDATE execution SET sid = ?1, session = ?2, flow = ?3, revision = ?4, active = ?5, \
               created = ?6, updated = ?7, hour = ?8, due = ?9, sealed = ?10, version = ?11 \
               WHERE id = ?12";
    let mut update = connection.prepare_cached(sql)?;
    let with_id: Vec<&dyn ToSql> = columns.into_iter().chain([id as &dyn ToSql]).collect();
    update.execute(&*with_id)?;
    Ok(*id)
}

/// A version as it is stored.
fn version_column(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// Adds the column `version` to a file of a former version. That version can still use the file:
/// its rows get the default.
pub(super) fn complete_schema(connection: &Connection) -> rusqlite::Result<()> {
    let sql = "SELECT count(*) FROM pragma_table_info('execution') WHERE name = 'version'";
    let is_complete = connection.query_row(sql, [], |row| Ok(row.get::<_, i64>(0)? > 0))?;
    if is_complete {
        return Ok(());
    }
    let sql = "ALTER TABLE execution ADD COLUMN version INTEGER NOT NULL DEFAULT 1";
    connection.execute_batch(sql)
}

/// Whether a row that exists is in the way of another with the same key.
pub(super) fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
}

/// Checks that no other execution is active for this session. A damaged one cannot go on, so it is
/// ended, and the new one takes over the session.
fn release_session(
    connection: &Connection,
    execution: &StoredExecution,
) -> Result<(), RequestError> {
    let sql = select_executions!("WHERE session = ?1 AND active = 1 AND sid <> ?2");
    match rows::find_execution(connection, sql, [&execution.session, &execution.sid]) {
        Ok(None) => Ok(()),
        Ok(Some(other)) => Err(RequestError::Refused(StoreError::Conflict(other.sid))),
        Err(RequestError::Refused(_)) => {
            let sql = "UPDATE execution SET active = 0 WHERE session = ?1 AND active = 1";
            connection.prepare_cached(sql)?.execute([&execution.session])?;
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Adds steps behind those that are stored. The steps of one commit are most often of one execution
/// and one time, so their row and their last number are looked up once; for `written`, the sid and
/// the row of the execution that was just written, the row is known.
pub(super) fn write_steps(
    connection: &Connection,
    steps: &[StepRecord],
    written: Option<(&str, ExecutionRow)>,
) -> rusqlite::Result<()> {
    let is_same = |one: &StepRecord, other: &StepRecord| {
        one.execution == other.execution && one.at == other.at
    };
    for steps in steps.chunk_by(is_same) {
        let (sid, at) = (&steps[0].execution, nanoseconds(steps[0].at));
        let written = written.filter(|(written, _)| written == sid);
        let ExecutionRow { id, is_new } = match written {
            Some((_, row)) => row,
            None => match find_row(connection, sid)? {
                Some(row) => row,
                None => continue,
            },
        };
        let last = if is_new { 0 } else { last_number(connection, id, at)? };
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

fn find_row(connection: &Connection, sid: &str) -> rusqlite::Result<Option<ExecutionRow>> {
    let mut select = connection.prepare_cached("SELECT id FROM execution WHERE sid = ?1")?;
    let id = select.query_row([sid], |row| row.get(0)).optional()?;
    Ok(id.map(|id| ExecutionRow { id, is_new: false }))
}

/// The number of the last step of an execution at a time; 0 where it has none.
fn last_number(connection: &Connection, id: i64, at: i64) -> rusqlite::Result<i64> {
    let sql =
        "SELECT number FROM step WHERE execution = ?1 AND at = ?2 ORDER BY number DESC LIMIT 1";
    let mut select = connection.prepare_cached(sql)?;
    let last = select.query_row([id, at], |row| row.get(0)).optional()?;
    Ok(last.unwrap_or_default())
}
