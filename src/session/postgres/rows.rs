//! Rows as records, and back.

use std::time::Duration;

use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::session::key_digest::KeyDigest;
use crate::session::{StepRecord, StoreError, StoredExecution};

/// A digest as PostgreSQL has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct DigestColumn(pub(super) KeyDigest);

type ColumnError = Box<dyn std::error::Error + Sync + Send>;

impl ToSql for DigestColumn {
    fn to_sql(&self, _: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, ColumnError> {
        out.extend_from_slice(&self.0.to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::UUID
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for DigestColumn {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<DigestColumn, ColumnError> {
        Ok(DigestColumn(KeyDigest::from_be_bytes(raw.try_into()?)))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::UUID
    }
}

/// A time as it is stored, up to the year 2262.
pub(super) fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

fn duration(nanoseconds: i64) -> Duration {
    Duration::from_nanos(nanoseconds.max(0) as u64)
}

/// The columns of an execution, in the order in which [`read_execution`] reads them.
pub(super) const EXECUTION: &str =
    "sid, version, created, updated, due, session_key, flow, revision, state, active";

/// A column of a row, or an error of the store: a schema that someone has changed.
pub(super) fn column<'a, T: FromSql<'a>>(row: &'a Row, index: usize) -> Result<T, StoreError> {
    row.try_get(index).map_err(|error| StoreError::Failed(error.to_string()))
}

/// The execution of a row from a column on; the columns are those of [`EXECUTION`].
pub(super) fn read_execution(
    row: &Row,
    first: usize,
    active: bool,
) -> Result<StoredExecution, StoreError> {
    let text = |index| {
        let bytes: &[u8] = column(row, first + index)?;
        String::from_utf8(bytes.to_vec()).map_err(|error| StoreError::Failed(error.to_string()))
    };
    let state: &[u8] = column(row, first + 8)?;
    Ok(StoredExecution {
        sid: column(row, first)?,
        version: column::<i64>(row, first + 1)?.max(1) as u64,
        created: duration(column(row, first + 2)?),
        updated: duration(column(row, first + 3)?),
        due: column::<Option<i64>>(row, first + 4)?.map(duration),
        session: text(5)?,
        flow: text(6)?,
        revision: text(7)?,
        active,
        state: state.to_vec(),
    })
}

/// The execution of a row of [`EXECUTION`].
pub(super) fn read_whole(row: &Row) -> Result<StoredExecution, StoreError> {
    read_execution(row, 0, column(row, 9)?)
}

/// All steps of a commit as one value: each field with its length in front.
pub(super) fn encode_steps(steps: &[StepRecord]) -> Vec<u8> {
    let mut encoded = vec![STEPS_VERSION];
    for step in steps {
        let at = nanoseconds(step.at).to_be_bytes();
        let fields: [&[u8]; 7] = [
            step.sid.as_bytes(),
            step.name.as_bytes(),
            step.from.as_bytes(),
            step.to.as_bytes(),
            step.kind.as_bytes(),
            &at,
            &step.context,
        ];
        for field in fields {
            encoded.extend((field.len() as u32).to_be_bytes());
            encoded.extend_from_slice(field);
        }
    }
    encoded
}

/// The form of [`encode_steps`].
const STEPS_VERSION: u8 = 1;

/// The steps of a commit. What cannot be read is left out, with all that follows it.
pub(super) fn decode_steps(execution: &str, encoded: &[u8]) -> Vec<StepRecord> {
    let mut steps = Vec::new();
    let Some((&STEPS_VERSION, mut rest)) = encoded.split_first() else { return steps };
    while let Some(step) = decode_step(execution, &mut rest) {
        steps.push(step);
    }
    steps
}

fn decode_step(execution: &str, rest: &mut &[u8]) -> Option<StepRecord> {
    let mut field = || {
        let (length, behind) = rest.split_first_chunk()?;
        let (field, behind) = behind.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        *rest = behind;
        Some(field)
    };
    let text = |field: &[u8]| String::from_utf8(field.to_vec()).ok();
    Some(StepRecord {
        execution: execution.to_owned(),
        sid: text(field()?)?,
        name: text(field()?)?,
        from: text(field()?)?,
        to: text(field()?)?,
        kind: text(field()?)?,
        at: duration(i64::from_be_bytes(field()?.try_into().ok()?)),
        context: field()?.to_vec(),
    })
}
