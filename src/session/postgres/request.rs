//! The requests to the thread of the store, and the statements that run them.

use std::time::Duration;

use actix_web::web::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::rows::{self, DigestColumn, column, nanoseconds};
use super::shared_lock::{SharedLock, SharedLockGuard};
use crate::session::claim_key::TokenDigest;
use crate::session::key_digest::{KeyDigest, session_digest};
use crate::session::{ClaimGuard, SessionGuards, StoreError, StoredExecution};
use crate::twiml::EMPTY;

/// A parameter of a statement, with its type: so no statement has to be prepared first.
pub(super) type Parameter = (Box<dyn ToSql + Sync + Send>, Type);

/// Requests of one kind, which run together as one statement.
pub(super) trait GroupRequest: Sized {
    /// The statement for a group of any size.
    fn statement(schema: &str) -> String;
    /// Its parameters: a list of each column.
    fn parameters(group: &[Self], node: i32) -> Vec<Parameter>;
    /// All groups lock rows in this order, so that two of them do not wait for each other.
    fn order(&self) -> KeyDigest;
    /// When its caller has no use for a result any more.
    fn until(&self) -> Instant;
    /// Whether its caller has ended, and nothing has to be done for it.
    fn is_abandoned(&self) -> bool;
    /// Sends the result of its row.
    fn finish(self, row: &Row);
    /// Sends an error.
    fn fail(self, error: StoreError);
}

/// The beginning of a turn.
#[derive(Debug)]
pub(super) struct OpenRequest {
    pub(super) claim: Option<KeyDigest>,
    pub(super) lock: SharedLock,
    /// Gives the lock back, or the place in its queue, also where the request fails and nothing is
    /// known of either.
    pub(super) guard: SharedLockGuard,
    /// How long a node that hangs has the session.
    pub(super) lease: Duration,
    /// Whether to read the active execution of the session.
    pub(super) reads: bool,
    pub(super) deadline: Instant,
    pub(super) sender: oneshot::Sender<Result<OpenResult, StoreError>>,
}

/// The result of an [`OpenRequest`].
#[derive(Debug)]
pub(super) enum OpenResult {
    /// The webhook has been answered, with these bytes, to a delivery with this token.
    Answered(Bytes, Option<TokenDigest>),
    /// The session is taken; with its active execution.
    Taken(SharedLockGuard, Option<Box<StoredExecution>>),
    /// Others have it. This is the place in the queue.
    Queued(SharedLockGuard),
}

/// A commit. It is sent again until its fate is known.
#[derive(Debug)]
pub(super) struct CommitRequest {
    pub(super) claim: Option<ClaimGuard>,
    pub(super) reply: Bytes,
    pub(super) ended: Option<Box<StoredExecution>>,
    pub(super) execution: Option<StoredExecution>,
    pub(super) steps: Option<Vec<u8>>,
    pub(super) locks: SessionGuards,
    pub(super) until: Instant,
    pub(super) sender: oneshot::Sender<Result<(), StoreError>>,
}

/// Any other statement.
pub(super) struct QueryRequest {
    pub(super) sql: String,
    pub(super) parameters: Vec<Parameter>,
    pub(super) until: Instant,
    pub(super) sender: oneshot::Sender<Result<Vec<Row>, StoreError>>,
}

/// A list of one column.
fn list<T: ToSql + Sync + Send + 'static>(
    values: impl Iterator<Item = T>,
    kind: Type,
) -> Parameter {
    (Box::new(values.collect::<Vec<_>>()), kind)
}

/// Parameters of the types that statements use.
pub(super) fn text(text: &str) -> Parameter {
    (Box::new(text.to_owned()), Type::TEXT)
}

pub(super) fn bytes(text: &str) -> Parameter {
    (Box::new(text.as_bytes().to_vec()), Type::BYTEA)
}

pub(super) fn number(number: i64) -> Parameter {
    (Box::new(number), Type::INT8)
}

pub(super) fn count(count: usize) -> Parameter {
    number(i64::try_from(count).unwrap_or(i64::MAX))
}

// === impl OpenRequest ===

impl GroupRequest for OpenRequest {
    fn statement(schema: &str) -> String {
        format!(
            "SELECT o.* FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], \
             $5::boolean[]) WITH ORDINALITY AS u (digest, session, token, within, reads, number), \
             LATERAL {schema}.turn_open_1(u.digest, u.session, $6, u.token, \
             u.within * interval '1 ms', u.reads) AS o ORDER BY u.number"
        )
    }

    fn parameters(group: &[OpenRequest], node: i32) -> Vec<Parameter> {
        vec![
            list(group.iter().map(|it| it.claim.map(DigestColumn)), Type::UUID_ARRAY),
            list(group.iter().map(|it| DigestColumn(it.lock.session)), Type::UUID_ARRAY),
            list(group.iter().map(|it| it.lock.token), Type::INT8_ARRAY),
            list(group.iter().map(|it| it.lease.as_millis() as i64), Type::INT8_ARRAY),
            list(group.iter().map(|it| it.reads), Type::BOOL_ARRAY),
            (Box::new(node), Type::INT4),
        ]
    }

    fn order(&self) -> KeyDigest {
        self.lock.session
    }

    fn until(&self) -> Instant {
        self.deadline
    }

    fn is_abandoned(&self) -> bool {
        self.sender.is_closed()
    }

    fn finish(self, row: &Row) {
        let OpenRequest { guard, sender, .. } = self;
        // A result that is not taken is dropped, and the guard with it.
        let _ = sender.send(open_result(row, guard));
    }

    fn fail(self, error: StoreError) {
        let _ = self.sender.send(Err(error));
    }
}

/// The result of a row of `turn_open`.
fn open_result(row: &Row, mut guard: SharedLockGuard) -> Result<OpenResult, StoreError> {
    if let Some(reply) = column::<Option<&[u8]>>(row, 0)? {
        let token = column::<Option<i64>>(row, 1)?.and_then(TokenDigest::from_number);
        let is_spent = column::<Option<&str>>(row, 3)?.is_some();
        let reply = if is_spent { EMPTY } else { Bytes::copy_from_slice(reply) };
        // The function has given it back.
        guard.release();
        return Ok(OpenResult::Answered(reply, token));
    }
    if column::<Option<bool>>(row, 2)? != Some(true) {
        return Ok(OpenResult::Queued(guard));
    }
    let has_execution = column::<Option<&str>>(row, 3)?.is_some();
    let active = has_execution.then(|| rows::read_execution(row, 3, true)).transpose()?;
    Ok(OpenResult::Taken(guard, active.map(Box::new)))
}

// === impl CommitRequest ===

impl CommitRequest {
    fn shared_locks(&self) -> [Option<SharedLock>; 2] {
        let of_claim = self.claim.as_ref().and_then(ClaimGuard::shared_lock);
        let of_locks = self.locks.iter().flatten().filter_map(|lock| lock.shared_lock());
        let mut shared_locks =
            of_claim.into_iter().chain(of_locks).map(SharedLockGuard::shared_lock);
        [shared_locks.next(), shared_locks.next()]
    }
}

impl GroupRequest for CommitRequest {
    fn statement(schema: &str) -> String {
        format!(
            "SELECT o.* FROM unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::text[], \
             $5::bigint[], $6::bigint[], $7::bytea[], $8::text[], $9::uuid[], $10::bigint[], \
             $11::boolean[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bytea[], \
             $16::bytea[], $17::bytea[], $18::bytea[], $19::bytea[], $20::uuid[], $21::bigint[], \
             $22::uuid[], $23::bigint[]) WITH ORDINALITY AS u (c1, c2, c3, c4, c5, c6, c7, c8, c9, \
             c10, c11, c12, c13, c14, c15, c16, c17, c18, c19, c20, c21, c22, c23, number), \
             LATERAL {schema}.turn_commit_1(c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, \
             c13, c14, c15, c16, c17, c18, c19, c20, c21, c22, c23) AS o ORDER BY u.number"
        )
    }

    fn parameters(group: &[CommitRequest], _: i32) -> Vec<Parameter> {
        let claims = || group.iter().map(|it| it.claim.as_ref());
        let ended = || group.iter().map(|it| it.ended.as_deref());
        let executions = || group.iter().map(|it| it.execution.as_ref());
        let number = |version: u64| i64::try_from(version).unwrap_or(i64::MAX);
        let bytes = |text: &str| text.as_bytes().to_vec();
        let reply = |it: &CommitRequest| it.claim.as_ref().map(|_| it.reply.to_vec());
        let session = |it: &StoredExecution| DigestColumn(session_digest(&it.session));
        let shared_lock = |index: usize| group.iter().map(move |it| it.shared_locks()[index]);
        let lock_session =
            |index| shared_lock(index).map(|it| it.map(|it| DigestColumn(it.session)));
        let lock_token = |index| shared_lock(index).map(|it| it.map(|it| it.token));
        let (ints, blobs) = (Type::INT8_ARRAY, Type::BYTEA_ARRAY);
        let digest = claims().map(|it| it.map(|it| DigestColumn(it.digest())));
        let token = claims().map(|it| it.and_then(ClaimGuard::token).map(TokenDigest::to_number));
        vec![
            list(digest, Type::UUID_ARRAY),
            list(token, ints.clone()),
            list(group.iter().map(reply), blobs.clone()),
            list(ended().map(|it| it.map(|it| it.sid.clone())), Type::TEXT_ARRAY),
            list(ended().map(|it| it.map(|it| number(it.version))), ints.clone()),
            list(ended().map(|it| it.map(|it| nanoseconds(it.updated))), ints.clone()),
            list(ended().map(|it| it.map(|it| it.state.clone())), blobs.clone()),
            list(executions().map(|it| it.map(|it| it.sid.clone())), Type::TEXT_ARRAY),
            list(executions().map(|it| it.map(session)), Type::UUID_ARRAY),
            list(executions().map(|it| it.map(|it| number(it.version))), ints.clone()),
            list(executions().map(|it| it.map(|it| it.active)), Type::BOOL_ARRAY),
            list(executions().map(|it| it.map(|it| nanoseconds(it.created))), ints.clone()),
            list(executions().map(|it| it.map(|it| nanoseconds(it.updated))), ints.clone()),
            list(executions().map(|it| it.and_then(|it| it.due).map(nanoseconds)), ints.clone()),
            list(executions().map(|it| it.map(|it| bytes(&it.session))), blobs.clone()),
            list(executions().map(|it| it.map(|it| bytes(&it.flow))), blobs.clone()),
            list(executions().map(|it| it.map(|it| bytes(&it.revision))), blobs.clone()),
            list(executions().map(|it| it.map(|it| it.state.clone())), blobs.clone()),
            list(group.iter().map(|it| it.steps.clone()), blobs),
            list(lock_session(0), Type::UUID_ARRAY),
            list(lock_token(0), ints.clone()),
            list(lock_session(1), Type::UUID_ARRAY),
            list(lock_token(1), ints),
        ]
    }

    fn order(&self) -> KeyDigest {
        self.shared_locks()[0].map_or(0, |shared_lock| shared_lock.session)
    }

    fn until(&self) -> Instant {
        self.until
    }

    fn is_abandoned(&self) -> bool {
        false
    }

    fn finish(mut self, row: &Row) {
        // The function has given them back, whatever it says.
        self.claim.iter_mut().for_each(ClaimGuard::release_shared_lock);
        self.locks.iter_mut().flatten().for_each(|lock| lock.release_shared_lock());
        let result = self.outcome(row);
        if let (Some(claim), Ok(())) = (self.claim.take(), &result) {
            claim.complete(&self.reply);
        }
        drop(self.locks);
        let _ = self.sender.send(result);
    }

    fn fail(self, error: StoreError) {
        let _ = self.sender.send(Err(error));
    }
}

impl CommitRequest {
    fn outcome(&mut self, row: &Row) -> Result<(), StoreError> {
        let sid = || column::<Option<String>>(row, 3).map(Option::unwrap_or_default);
        match column::<&str>(row, 0)? {
            "stored" | "repeated" => Ok(()),
            "answered" => {
                let reply: &[u8] = column(row, 1)?;
                // Our own commit, whose result was lost; or that of another process.
                if reply == self.reply {
                    return Ok(());
                }
                let reply = Bytes::copy_from_slice(reply);
                if let Some(claim) = self.claim.take() {
                    claim.complete_from_store(&reply);
                }
                Err(StoreError::Answered(reply))
            }
            "stale" => Err(StoreError::Stale(sid()?)),
            "conflict" => Err(StoreError::Conflict(sid()?)),
            other => Err(StoreError::Failed(format!("its function says `{other}`"))),
        }
    }
}
