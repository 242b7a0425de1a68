//! `postgres://…`, the store that several gateways share.
//!
//! All nodes know the database and nothing of each other. Two calls of a function of its schema
//! make a turn: `turn_open` takes the session among all nodes, looks for the claim, and reads the
//! execution; `turn_commit` writes everything, and gives the session back. A thread with a runtime
//! of its own runs them in groups.
//!
//! Who may work on a session is a row of table `lock`, and a matter of order only. What may be
//! written is decided by the version of the execution and the primary key of the claim, so a wrong
//! assumption about which node lives does no harm. A commit whose result is lost is sent again: the
//! claim, or the version, says that it was written.
//!
//! The claim table and the session locks of this process stay in front: a repeat within the process
//! costs nothing, and of one process only one task asks for a session.

mod connect;
mod statement_error;
mod shared_lock;
mod request;
mod rows;
mod schema;
mod thread;
mod tls;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::web::Bytes;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::claim_key::TokenDigest;
use super::key_digest::{KeyDigest, session_digest};
use super::shutdown::{ShutdownSignal, ShutdownWaiter};
use super::{Commit, ExecutionQuery, StepQuery, StepRecord, StoreError, StoredExecution};
use crate::clock;
use crate::config::PostgresUrl;
use crate::limits::{
    CLAIM_KEPT, EXECUTION_KEPT, EXPIRED_ROWS_MAX, REPLAY_REFUSED, STORE_QUEUE_MAX, STORE_RIDE_OUT,
    STORE_SENT_WITHIN, STORE_STATEMENT_WITHIN,
};
use crate::random;
use connect::Target;
use request::{
    CommitRequest, OpenRequest, OpenResult, Parameter, QueryRequest, bytes, count, number, text,
};
use rows::{DigestColumn, EXECUTION, column, nanoseconds};
pub(super) use shared_lock::SharedLockGuard;
use shared_lock::{SharedLock, Waiter, Waiters};
use thread::{LinkState, Request, StoreThread};

/// How often a task in the queue of a session asks again, in case a notification was lost.
const QUEUE_POLLED_EVERY: Duration = Duration::from_millis(250);

/// How often the start looks whether the first connection is open.
const FIRST_POLLED_EVERY: Duration = Duration::from_millis(5);

/// An open store. Dropped, it waits for its thread.
pub(super) struct PostgresStore {
    name: String,
    schema: Arc<str>,
    /// `None` only while it is dropped: a queue without a sender ends the thread.
    requests: Option<mpsc::Sender<Request>>,
    /// Where locks are given back.
    leave: mpsc::UnboundedSender<SharedLock>,
    state: watch::Receiver<LinkState>,
    waiters: Waiters,
    thread: Option<JoinHandle<()>>,
    /// Last, as fields are dropped in their order.
    shutdown: ShutdownSignal,
}

/// A request for a session among all nodes.
#[derive(Clone, Copy, Debug)]
pub(super) struct SharedRequest {
    /// The claim of the webhook, if it has one.
    pub(super) claim: Option<KeyDigest>,
    pub(super) session: KeyDigest,
    /// Whether to read the active execution.
    pub(super) reads: bool,
    /// Until when to wait while others have the session.
    pub(super) deadline: Instant,
    /// How long this node has it, where it hangs.
    pub(super) lease: Duration,
}

/// A session among all nodes, for a webhook or without one.
#[derive(Debug)]
pub(super) enum SharedTurn {
    /// The webhook was answered with these bytes, by any node.
    Answered(Bytes, Option<TokenDigest>),
    /// It is ours, with its active execution.
    Taken(SharedLockGuard, Option<StoredExecution>),
    /// Others had it until the deadline.
    Locked,
}

// === impl PostgresStore ===

impl PostgresStore {
    /// Starts the thread of a store, and waits a moment for the first connection. A database that
    /// does not answer is no error: webhooks get their fallback until it does.
    pub(super) fn open(url: &PostgresUrl) -> Result<PostgresStore, StoreError> {
        let error = |reason: String| StoreError::Open {
            file: url.to_string().into(),
            reason,
            advice: "see that `[store] url` is right and that its user may use the database",
        };
        let target = Target::new(url).map_err(error)?;
        let (requests, from_store) = mpsc::channel(STORE_QUEUE_MAX);
        let (leave, leaves) = mpsc::unbounded_channel();
        let down = LinkState { node: None, since: clock::now(), problem: None, is_final: false };
        let (state, seen) = watch::channel(down);
        let waiters = Waiters::default();
        let thread = StoreThread {
            target: target.clone(),
            requests: from_store,
            leaves,
            state,
            waiters: waiters.clone(),
        };
        let builder = std::thread::Builder::new().name("store".to_owned());
        let thread = builder.spawn(|| thread.run()).map_err(|cause| error(cause.to_string()))?;
        let store = PostgresStore {
            name: url.to_string(),
            schema: target.schema,
            requests: Some(requests),
            leave,
            state: seen,
            waiters,
            thread: Some(thread),
            shutdown: ShutdownSignal::default(),
        };
        for _ in 0..STORE_RIDE_OUT.as_millis() / FIRST_POLLED_EVERY.as_millis() {
            let state = store.state.borrow().clone();
            match state.problem {
                _ if state.node.is_some() => break,
                Some(problem) if state.is_final => return Err(error(problem)),
                _ => std::thread::sleep(FIRST_POLLED_EVERY),
            }
        }
        Ok(store)
    }

    /// Takes a session, after a look for the claim, and reads the active execution.
    pub(super) async fn take(&self, request: SharedRequest) -> Result<SharedTurn, StoreError> {
        let SharedRequest { claim, session, reads, deadline, lease } = request;
        let lock = SharedLock { session, token: new_token()? };
        let waiter = Waiter::begin(&self.waiters, lock.token);
        let mut guard = SharedLockGuard::new(lock, self.leave.clone());
        // Once at least, also where the deadline is over: then only a free session is taken.
        let until = deadline.max(clock::now() + STORE_STATEMENT_WITHIN);
        loop {
            let (sender, result) = oneshot::channel();
            let open = OpenRequest { claim, lock, guard, lease, reads, deadline: until, sender };
            self.send(Request::Open(Box::new(open)))?;
            match result.await.map_err(|_| ended_error())?? {
                OpenResult::Answered(reply, token) => {
                    return Ok(SharedTurn::Answered(reply, token));
                }
                OpenResult::Taken(guard, active) => {
                    return Ok(SharedTurn::Taken(guard, active.map(|active| *active)));
                }
                OpenResult::Queued(queued) => guard = queued,
            }
            let again = deadline.min(clock::now() + QUEUE_POLLED_EVERY);
            tokio::select! {
                () = waiter.notified() => {}
                () = sleep_until(again) => {}
            }
            if clock::now() >= deadline {
                return Ok(SharedTurn::Locked);
            }
        }
    }

    pub(super) async fn active(
        &self,
        session: &str,
    ) -> Result<Option<StoredExecution>, StoreError> {
        let sql = format!(
            "SELECT {EXECUTION} FROM {}.execution WHERE session = $1 AND active",
            self.schema
        );
        let session = DigestColumn(session_digest(session));
        let rows = self.query(sql, vec![(Box::new(session), Type::UUID)]).await?;
        rows.first().map(rows::read_whole).transpose()
    }

    pub(super) async fn execution(&self, sid: &str) -> Result<Option<StoredExecution>, StoreError> {
        let sql = format!("SELECT {EXECUTION} FROM {}.execution WHERE sid = $1", self.schema);
        let rows = self.query(sql, vec![text(sid)]).await?;
        rows.first().map(rows::read_whole).transpose()
    }

    pub(super) async fn executions(
        &self,
        query: ExecutionQuery,
    ) -> Result<Vec<StoredExecution>, StoreError> {
        let sql = format!(
            "SELECT {EXECUTION} FROM {}.execution WHERE flow = $1 AND created >= $2 \
             AND (created, sid) < ($3, $4) ORDER BY created DESC, sid DESC LIMIT $5",
            self.schema
        );
        let mut until = (nanoseconds(query.until.unwrap_or(Duration::MAX)), String::new());
        if let Some((at, sid)) = query.after {
            until = until.min((nanoseconds(at), sid));
        }
        let parameters = vec![
            bytes(&query.flow),
            number(nanoseconds(query.from.unwrap_or_default())),
            number(until.0),
            text(&until.1),
            count(query.limit),
        ];
        self.query(sql, parameters).await?.iter().map(rows::read_whole).collect()
    }

    pub(super) async fn steps(
        &self,
        execution: &str,
        query: StepQuery,
    ) -> Result<Vec<StepRecord>, StoreError> {
        let sql =
            format!("SELECT steps FROM {}.step WHERE execution = $1 ORDER BY version", self.schema);
        let rows = self.query(sql, vec![text(execution)]).await?;
        let mut steps = Vec::new();
        for row in &rows {
            steps.extend(rows::decode_steps(execution, column(row, 0)?));
        }
        // Stable: the steps of one time stay in the order of their commits.
        steps.sort_by_key(|step| step.at);
        let end = query.after.as_ref().map_or(steps.len(), |(at, sid)| {
            let last = steps.iter().position(|step| step.at == *at && step.sid == *sid);
            // A step that is gone: the page goes on before its time.
            last.unwrap_or_else(|| steps.partition_point(|step| step.at < *at))
        });
        steps.truncate(end);
        steps.reverse();
        steps.truncate(query.limit);
        Ok(steps)
    }

    pub(super) async fn due(
        &self,
        before: Duration,
        limit: usize,
    ) -> Result<Vec<StoredExecution>, StoreError> {
        let sql = format!(
            "SELECT {EXECUTION} FROM {}.execution WHERE due IS NOT NULL AND due < $1 \
             ORDER BY due, sid LIMIT $2",
            self.schema
        );
        let parameters = vec![number(nanoseconds(before)), count(limit)];
        self.query(sql, parameters).await?.iter().map(rows::read_whole).collect()
    }

    pub(super) async fn flow(&self, revision: &str) -> Result<Option<String>, StoreError> {
        let sql = format!("SELECT definition FROM {}.flow WHERE revision = $1", self.schema);
        let rows = self.query(sql, vec![bytes(revision)]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let definition = String::from_utf8(column(row, 0)?);
        definition.map(Some).map_err(|error| StoreError::Failed(error.to_string()))
    }

    pub(super) async fn store_flow(
        &self,
        revision: &str,
        definition: &str,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO {}.flow (revision, definition) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            self.schema
        );
        self.query(sql, vec![bytes(revision), bytes(definition)]).await.map(drop)
    }

    pub(super) async fn delete(&self, sid: &str) -> Result<bool, StoreError> {
        let schema = &self.schema;
        let sql = format!(
            "WITH steps AS (DELETE FROM {schema}.step WHERE execution = $1) \
             DELETE FROM {schema}.execution WHERE sid = $1 RETURNING true"
        );
        Ok(!self.query(sql, vec![text(sid)]).await?.is_empty())
    }

    pub(super) async fn expire(&self, now: Duration, current: &[String]) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT {}.expire_1($1 * interval '1 s', $2 * interval '1 s', $3, $4, $5, $6, $7)",
            self.schema
        );
        let current: Vec<Vec<u8>> = current.iter().map(|it| it.as_bytes().to_vec()).collect();
        let parameters: Vec<Parameter> = vec![
            number(CLAIM_KEPT.as_secs() as i64),
            number(REPLAY_REFUSED.as_secs() as i64),
            number(nanoseconds(now.saturating_sub(EXECUTION_KEPT))),
            number(nanoseconds(now)),
            number(nanoseconds(now.saturating_sub(CLAIM_KEPT))),
            (Box::new(current), Type::BYTEA_ARRAY),
            (Box::new(EXPIRED_ROWS_MAX as i32), Type::INT4),
        ];
        self.query(sql, parameters).await.map(drop)
    }

    pub(super) async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        let Commit { claim, reply, ended, execution, steps, now: _, locks } = commit;
        // The steps of another execution are dropped: no turn has any.
        let sid = execution.as_ref().map(|execution| execution.sid.clone());
        let own: Vec<StepRecord> =
            steps.into_iter().filter(|step| Some(&step.execution) == sid.as_ref()).collect();
        let steps = (!own.is_empty()).then(|| rows::encode_steps(&own));
        if claim.is_none() && ended.is_none() && execution.is_none() {
            return Ok(());
        }
        let until = clock::now() + STORE_SENT_WITHIN;
        let (sender, result) = oneshot::channel();
        let commit = CommitRequest { claim, reply, ended, execution, steps, locks, until, sender };
        self.send(Request::Commit(Box::new(commit)))?;
        result.await.unwrap_or_else(|_| Err(ended_error()))
    }

    pub(super) fn shutdown_waiter(&self) -> ShutdownWaiter {
        self.shutdown.waiter()
    }

    pub(super) fn health(&self) -> Result<(), String> {
        let state = self.state.borrow();
        match &state.problem {
            _ if state.node.is_some() => Ok(()),
            Some(problem) => Err(format!("the store `{}` failed: {problem}", self.name)),
            None => Err(format!("the store `{}` does not answer yet", self.name)),
        }
    }

    async fn query(&self, sql: String, parameters: Vec<Parameter>) -> Result<Vec<Row>, StoreError> {
        let (sender, result) = oneshot::channel();
        let until = clock::now() + STORE_SENT_WITHIN;
        self.send(Request::Query(Box::new(QueryRequest { sql, parameters, until, sender })))?;
        result.await.unwrap_or_else(|_| Err(ended_error()))
    }

    fn send(&self, request: Request) -> Result<(), StoreError> {
        let requests = self.requests.as_ref().ok_or_else(ended_error)?;
        requests.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => ended_error(),
        })
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // An error is a panic, which has been reported.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PostgresStore").field("name", &self.name).finish_non_exhaustive()
    }
}

fn ended_error() -> StoreError {
    StoreError::Failed("its thread ended".to_owned())
}

/// A new token of a turn.
fn new_token() -> Result<i64, StoreError> {
    let mut bytes = [0; 8];
    let drawn = random::fill(&mut bytes);
    drawn.map_err(|_| StoreError::Failed("the system has no random numbers".to_owned()))?;
    Ok(i64::from_be_bytes(bytes))
}
