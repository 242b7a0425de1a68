//! Rows as they are kept, and back.

use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, Rows};

use super::seal::Seal;
use super::trouble::{Reach, Trouble, reach};
use crate::session::{Saved, StepRecord, StoreError};

/// The columns of an execution in the order in which [`saved`] reads them.
macro_rules! executions {
    ($rest:literal) => {
        concat!(
            "SELECT sid, session, flow, revision, active, created, updated, due, sealed \
             FROM execution ",
            $rest
        )
    };
}
pub(super) use executions;

/// A time as a number of the file.
pub(super) fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

/// The number under which executions that are idle for equally long are found.
pub(super) fn hour(time: Duration) -> i64 {
    (time.as_secs() / 3_600) as i64
}

/// An execution's state under the seal of all that is beside it.
pub fn seal_saved(saved: &Saved) -> Vec<u8> {
    saved_seal(saved).close(&saved.state)
}

fn saved_seal(saved: &Saved) -> Seal {
    let due = saved.due.map_or(-1, nanoseconds);
    Seal::new()
        .text(&saved.sid)
        .text(&saved.session)
        .text(&saved.flow)
        .text(&saved.revision)
        .number(i64::from(saved.active))
        .number(nanoseconds(saved.created))
        .number(nanoseconds(saved.updated))
        .number(due)
}

/// A step's context under the seal of all that is beside it.
pub fn seal_step(step: &StepRecord) -> Vec<u8> {
    step_seal(step).close(&step.context)
}

fn step_seal(step: &StepRecord) -> Seal {
    Seal::new()
        .text(&step.sid)
        .text(&step.name)
        .text(&step.from)
        .text(&step.to)
        .text(&step.kind)
        .number(nanoseconds(step.at))
}

/// An execution of a row of [`executions!`].
pub(super) fn saved(row: &Row<'_>) -> Result<Saved, Trouble> {
    intact(row, columns_of_saved(row).map(unseal_saved))
}

/// An execution whose state is still under its seal; `None` where anything of it has changed.
pub fn unseal_saved(mut saved: Saved) -> Option<Saved> {
    let sealed = std::mem::take(&mut saved.state);
    let state = saved_seal(&saved).open(&sealed)?.to_vec();
    Some(Saved { state, ..saved })
}

fn columns_of_saved(row: &Row<'_>) -> rusqlite::Result<Saved> {
    Ok(Saved {
        sid: row.get(0)?,
        session: row.get(1)?,
        flow: row.get(2)?,
        revision: row.get(3)?,
        active: row.get(4)?,
        created: time(row, 5)?,
        updated: time(row, 6)?,
        due: row.get::<_, Option<i64>>(7)?.map(|_| time(row, 7)).transpose()?,
        state: row.get(8)?,
    })
}

/// A step of an execution.
pub(super) fn step(row: &Row<'_>, execution: &str) -> Result<StepRecord, Trouble> {
    intact(row, columns_of_step(row, execution).map(unseal_step))
}

/// A step whose context is still under its seal; `None` where anything of it has changed.
pub fn unseal_step(mut step: StepRecord) -> Option<StepRecord> {
    let sealed = std::mem::take(&mut step.context);
    let context = step_seal(&step).open(&sealed)?.to_vec();
    Some(StepRecord { context, ..step })
}

fn columns_of_step(row: &Row<'_>, execution: &str) -> rusqlite::Result<StepRecord> {
    Ok(StepRecord {
        sid: row.get(0)?,
        execution: execution.to_owned(),
        name: row.get(1)?,
        from: row.get(2)?,
        to: row.get(3)?,
        kind: row.get(4)?,
        at: time(row, 5)?,
        context: row.get(6)?,
    })
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Duration> {
    // A time before 1970 is damage, and the seal says so.
    Ok(Duration::from_nanos(row.get::<_, i64>(column)?.max(0) as u64))
}

/// A record that could be read and is as it was written. What cannot be read as its type was
/// damaged too.
fn intact<T>(row: &Row<'_>, record: rusqlite::Result<Option<T>>) -> Result<T, Trouble> {
    match record {
        Ok(Some(record)) => Ok(record),
        Err(error) if reach(&error) != Reach::Request => Err(Trouble::Sql(error)),
        Ok(None) | Err(_) => {
            let sid = match row.get_ref(0) {
                Ok(ValueRef::Text(sid)) => String::from_utf8_lossy(sid).into_owned(),
                _ => "an execution".to_owned(),
            };
            Err(Trouble::Refused(StoreError::Corrupt(sid)))
        }
    }
}

/// The execution that a query finds.
pub(super) fn one(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Option<Saved>, Trouble> {
    let mut select = connection.prepare_cached(sql)?;
    let found = select.query_row(params, |row| Ok(saved(row))).optional()?;
    found.transpose()
}

/// The first `limit` records of a query that are intact.
pub(super) fn many<T>(
    mut rows: Rows<'_>,
    limit: usize,
    read: impl Fn(&Row<'_>) -> Result<T, Trouble>,
) -> Result<Vec<T>, Trouble> {
    let mut records = Vec::new();
    while records.len() < limit
        && let Some(row) = rows.next()?
    {
        match read(row) {
            Ok(record) => records.push(record),
            // One damaged record must not keep all others from being seen.
            Err(Trouble::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(records)
}
