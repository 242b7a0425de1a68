//! Rows of executions and of steps, and the records that they hold.

use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, Rows};

use super::checksum::Checksum;
use super::request_error::{ErrorScope, RequestError, error_scope};
use crate::session::{StepRecord, StoreError, StoredExecution};

/// A `SELECT` of executions, with their columns in the order in which [`read_execution`] reads
/// them.
macro_rules! select_executions {
    ($rest:literal) => {
        concat!(
            "SELECT sid, session, flow, revision, active, created, updated, due, sealed, \
             version FROM execution ",
            $rest
        )
    };
}
pub(super) use select_executions;

/// A time as it is stored, up to the year 2262.
pub(super) fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

/// The value of column `hour`, which expiry finds idle executions by.
pub(super) fn hour(time: Duration) -> i64 {
    (time.as_secs() / 3_600) as i64
}

/// An execution's state as it is stored: with a checksum that covers all other columns too.
pub fn encode_state(execution: &StoredExecution) -> Vec<u8> {
    execution_checksum(execution).wrap(&execution.state)
}

fn execution_checksum(execution: &StoredExecution) -> Checksum {
    let due = execution.due.map_or(-1, nanoseconds);
    Checksum::new()
        .text(&execution.sid)
        .text(&execution.session)
        .text(&execution.flow)
        .text(&execution.revision)
        .number(i64::from(execution.active))
        .number(nanoseconds(execution.created))
        .number(nanoseconds(execution.updated))
        .number(due)
}

/// A step's context as it is stored: with a checksum that covers all other columns too.
pub fn encode_context(step: &StepRecord) -> Vec<u8> {
    step_checksum(step).wrap(&step.context)
}

fn step_checksum(step: &StepRecord) -> Checksum {
    Checksum::new()
        .text(&step.sid)
        .text(&step.name)
        .text(&step.from)
        .text(&step.to)
        .text(&step.kind)
        .number(nanoseconds(step.at))
}

/// The execution of a row of [`select_executions!`].
pub(super) fn read_execution(row: &Row<'_>) -> Result<StoredExecution, RequestError> {
    check_intact(row, execution_columns(row).map(decode_state))
}

/// An execution with the state of a row decoded; `None` where any column has changed.
pub fn decode_state(mut execution: StoredExecution) -> Option<StoredExecution> {
    let encoded = std::mem::take(&mut execution.state);
    let state = execution_checksum(&execution).verify(&encoded)?.to_vec();
    Some(StoredExecution { state, ..execution })
}

fn execution_columns(row: &Row<'_>) -> rusqlite::Result<StoredExecution> {
    Ok(StoredExecution {
        sid: row.get(0)?,
        session: row.get(1)?,
        flow: row.get(2)?,
        revision: row.get(3)?,
        active: row.get(4)?,
        created: time(row, 5)?,
        updated: time(row, 6)?,
        due: row.get::<_, Option<i64>>(7)?.map(|_| time(row, 7)).transpose()?,
        state: row.get(8)?,
        version: row.get::<_, i64>(9)?.max(1) as u64,
    })
}

/// The step of a row, of an execution with this sid.
pub(super) fn read_step(row: &Row<'_>, execution: &str) -> Result<StepRecord, RequestError> {
    check_intact(row, step_columns(row, execution).map(decode_context))
}

/// A step with the context of a row decoded; `None` where any column has changed.
pub fn decode_context(mut step: StepRecord) -> Option<StepRecord> {
    let encoded = std::mem::take(&mut step.context);
    let context = step_checksum(&step).verify(&encoded)?.to_vec();
    Some(StepRecord { context, ..step })
}

fn step_columns(row: &Row<'_>, execution: &str) -> rusqlite::Result<StepRecord> {
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
    // A time before 1970 is damage, and the checksum detects it.
    Ok(Duration::from_nanos(row.get::<_, i64>(column)?.max(0) as u64))
}

/// The record, if it could be read and its checksum is right. A column that cannot be read as its
/// type is damaged too, so that is an error of the record and not of SQLite.
fn check_intact<T>(row: &Row<'_>, record: rusqlite::Result<Option<T>>) -> Result<T, RequestError> {
    match record {
        Ok(Some(record)) => Ok(record),
        Err(error) if error_scope(&error) != ErrorScope::Request => Err(RequestError::Sql(error)),
        Ok(None) | Err(_) => {
            let sid = match row.get_ref(0) {
                Ok(ValueRef::Text(sid)) => String::from_utf8_lossy(sid).into_owned(),
                _ => "an execution".to_owned(),
            };
            Err(RequestError::Refused(StoreError::Corrupt(sid)))
        }
    }
}

/// The execution that a query finds.
pub(super) fn find_execution(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Option<StoredExecution>, RequestError> {
    let mut select = connection.prepare_cached(sql)?;
    let found = select.query_row(params, |row| Ok(read_execution(row))).optional()?;
    found.transpose()
}

/// The first `limit` intact records of a query. The limit is not in the SQL, because damaged
/// records do not count.
pub(super) fn read_many<T>(
    mut rows: Rows<'_>,
    limit: usize,
    read: impl Fn(&Row<'_>) -> Result<T, RequestError>,
) -> Result<Vec<T>, RequestError> {
    let mut records = Vec::new();
    while records.len() < limit
        && let Some(row) = rows.next()?
    {
        match read(row) {
            Ok(record) => records.push(record),
            // One damaged record must not hide all others.
            Err(RequestError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files on disk hold these bytes: CRC-32 by another implementation.
    #[test]
    fn records_have_the_form_of_every_version_so_far() {
        let at = Duration::from_nanos;
        let execution = StoredExecution {
            sid: "FN1".to_owned(),
            session: "call".to_owned(),
            flow: "FW1".to_owned(),
            revision: "r1".to_owned(),
            version: 1,
            active: true,
            created: at(1),
            updated: at(2),
            due: Some(at(3)),
            state: b"state".to_vec(),
        };
        assert_eq!(encode_state(&execution), b"\x01\x9f\x143>state");
        let step = StepRecord {
            sid: "FT1".to_owned(),
            execution: "FN1".to_owned(),
            name: "match".to_owned(),
            from: "menu".to_owned(),
            to: "end".to_owned(),
            kind: "split-based-on".to_owned(),
            at: at(4),
            context: b"{}".to_vec(),
        };
        assert_eq!(encode_context(&step), b"\x01&2h3{}");
        let reply = super::super::claim_rows::encode_reply((1 << 64) | 2, None, b"<Response/>");
        assert_eq!(reply, b"\x01=\xea$\x83<Response/>");
    }
}
