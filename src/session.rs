//! Stage 4: which execution a webhook belongs to, and who works on it, once only.
//!
//! A webhook takes these steps, in this order:
//!
//! [`Sessions::open_turn`] does the first three in one call, because a store that several processes
//! share does them in one round trip.
//!
//! 1. The claim. Carriers retry, and callers press a key twice. The first delivery of a
//!    webhook gets the claim. Every other one gets the bytes of the first one's reply, also while
//!    the first is still being worked on. The claim comes before the lock, so that a repeat never
//!    waits in the queue of its session.
//! 2. The lock. Different webhooks of one session (a call, or two parties that exchange
//!    messages) are worked on one after the other, as they arrive.
//! 3. The execution. The one that is active for the session is read, and its flow runs.
//! 4. [`Sessions::commit`]. The reply, the new state, the steps to it and the end of an execution
//!    that it replaces are one transaction. Only when it is on the disk does the reply leave, do
//!    repeats get it, and does the lock pass on.
//!
//! The lock says who works on a session; the [`version`](StoredExecution::version) of an execution
//! proves it: a commit of a turn that has not read the latest record is refused.
//!
//! # What is remembered, and when it is uncertain
//!
//! Claims and locks are matters of this process (`claims`, `session_lock`). A store (`memory` or
//! `sqlite`) has data only. A file belongs to one process, which has it locked, so the process can
//! remember what the file says, and most webhooks are answered without a read. Three memories do
//! that, each of them bounded:
//!
//! * `ClaimTable` remembers the claims of [`CLAIM_KEPT`], as many of their replies as fit into
//!   [`CLAIMS_BYTES_MAX`], and the expired claims of [`REPLAY_REFUSED`]. It says without a read
//!   that a webhook is new, or its reply. It is uncertain about every claim after a write whose
//!   outcome is unknown, and where it dropped one for its bound: until such a claim is too old to
//!   matter.
//! * `SessionIndex` remembers the row of each session's active execution. It says without a read
//!   that a session has none. It is uncertain about the sessions of a write whose outcome is
//!   unknown, and about all when there are more than [`SESSIONS_KNOWN_MAX`]: until the file is
//!   opened again.
//! * `StateCache` remembers the last states, as many as fit into [`STATES_BYTES_MAX`]. It returns
//!   the active execution itself without a read. It is never uncertain: after a write whose outcome
//!   is unknown it forgets all.
//!
//! The invariant of all three: **a memory may know less than the file, and never something else.**
//! What it calls absent is absent, what it returns was committed last, and where it is uncertain it
//! says so and the file is asked. Three rules keep it:
//!
//! * The writer's thread changes index and cache when a transaction is on the disk, and before
//!   any task gets its result: after `Ok` there is no older answer.
//! * Where the outcome of a transaction is unknown (the sync failed, or the thread panicked in it),
//!   the memories are marked before the tasks get their errors, and so before a repeat comes.
//! * A file that is opened again may be another one: the index is loaded from it, and the cache
//!   begins empty. The claim table stays. Its replies went out, whatever became of the file.
//!
//! A claim is remembered for longer, without its reply, where the webhook can begin an execution,
//! because no step token identifies a replay of it. That fact is a bit of the claim's digest and
//! not a column beside it: see `key_digest`.
//!
//! This folder does not know what a flow or a document is: a state and a reply are bytes. The one
//! document it sends by itself is the empty one, to the replay of an expired claim.
//!
//! [`CLAIM_KEPT`]: crate::limits::CLAIM_KEPT
//! [`CLAIMS_BYTES_MAX`]: crate::limits::CLAIMS_BYTES_MAX
//! [`REPLAY_REFUSED`]: crate::limits::REPLAY_REFUSED
//! [`SESSIONS_KNOWN_MAX`]: crate::limits::SESSIONS_KNOWN_MAX
//! [`STATES_BYTES_MAX`]: crate::limits::STATES_BYTES_MAX

mod claim_key;
mod claims;
mod codec;
mod conversation_key;
mod error;
mod key_digest;
mod memory;
mod postgres;
mod record;
mod session_lock;
mod shutdown;
mod sqlite;
mod turn;

pub use claim_key::ClaimKey;
pub use claims::{ClaimGuard, PendingReply};
pub(crate) use codec::{
    ExecutionContext, end_execution, rename_flow, request_execution, take_steps,
};
pub use codec::{STATE_VERSION, decode_execution};
pub use conversation_key::contact_key;
pub(crate) use conversation_key::{call_key, calls_key, conversation_key};
pub use error::StoreError;
pub use record::{Commit, ExecutionQuery, StepQuery, StepRecord, StoredExecution};
pub use session_lock::{SessionGuard, SessionGuards};
pub(crate) use shutdown::ShutdownWaiter;
pub use turn::{OpenTurn, TurnOutcome, TurnRequest};

pub use crate::config::{PostgresUrl, StoreUrl};

/// Pure parts that only a fuzz target calls by themselves.
#[doc(hidden)]
pub mod parts {
    pub use super::sqlite::{decode_context, decode_state, encode_context, encode_state};
}

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;

use claim_key::TokenDigest;
use claims::{ClaimState, ClaimTable};
use key_digest::claim_digest;
use memory::MemoryStore;
use postgres::PostgresStore;
use session_lock::SessionLocks;
use shutdown::ShutdownSignal;
use sqlite::SqliteStore;

/// The claims, the locks and the store of a process. One for a process; a clone is the same.
///
/// The store is closed, and its file free for another process, when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Sessions {
    claims: ClaimTable,
    locks: SessionLocks,
    store: SessionStore,
}

#[derive(Clone, Debug)]
enum SessionStore {
    /// `memory:`. Executions end with the process.
    Memory(Arc<MemoryStore>),
    /// `sqlite:FILE`. They outlive it.
    Sqlite(Arc<SqliteStore>),
    /// `postgres://…`. Several processes share them.
    Postgres(Arc<PostgresStore>),
}

/// The result of a claim: what to do with a delivery.
#[derive(Debug)]
pub enum ClaimOutcome {
    /// It is the first: work on it, and commit the reply under this guard.
    First(ClaimGuard),
    /// Its webhook has been answered.
    Answered {
        /// The bytes to send again.
        reply: Bytes,
        /// Whether they went to a delivery with another idempotency token: the carrier asks with an
        /// equal request for the second time.
        is_other_delivery: bool,
    },
    /// Another delivery of its webhook is being worked on: send the reply of that one.
    Running(PendingReply),
    /// The webhook has no key that would tell a repeat from a new event: work on it.
    Unclaimed,
}

// === impl Sessions ===

impl Sessions {
    /// Opens the store of a configuration; `now` is the wall clock, since 1970. A store that is
    /// damaged as a whole is moved aside, and a fresh one begun.
    ///
    /// # Errors
    /// [`StoreError::Open`] where the file cannot be used, or another gateway has it locked.
    pub fn open(url: &StoreUrl, now: Duration) -> Result<Sessions, StoreError> {
        match url {
            StoreUrl::Memory => Ok(Sessions::memory()),
            StoreUrl::Sqlite(file) => {
                let claims = ClaimTable::new(true);
                let sqlite = SqliteStore::open(file, now, &claims)?;
                let store = SessionStore::Sqlite(Arc::new(sqlite));
                Ok(Sessions { claims, locks: SessionLocks::default(), store })
            }
            StoreUrl::Postgres(url) => {
                // What other processes have answered is in the store.
                let claims = ClaimTable::new(true);
                let store = SessionStore::Postgres(Arc::new(PostgresStore::open(url)?));
                Ok(Sessions { claims, locks: SessionLocks::default(), store })
            }
        }
    }

    /// An empty store that ends with the process.
    pub fn memory() -> Sessions {
        let store = SessionStore::Memory(Arc::new(MemoryStore::default()));
        Sessions { claims: ClaimTable::new(false), locks: SessionLocks::default(), store }
    }

    /// Claims a webhook, once for all its deliveries. Without a key every delivery is a new one.
    pub async fn claim(&self, key: Option<&ClaimKey>) -> Result<ClaimOutcome, StoreError> {
        let Some(key) = key else { return Ok(ClaimOutcome::Unclaimed) };
        if let SessionStore::Postgres(postgres) = &self.store {
            return self.claim_shared(postgres, key).await;
        }
        let answered = |reply, first| ClaimOutcome::Answered {
            reply,
            is_other_delivery: key.is_other_delivery(first),
        };
        match self.claims.claim(claim_digest(key), key.token()) {
            ClaimState::First(guard) => Ok(ClaimOutcome::First(guard)),
            ClaimState::Answered(reply, first) => Ok(answered(reply, first)),
            ClaimState::Running(reply) => Ok(ClaimOutcome::Running(reply)),
            // An error, or a cancelled look-up, drops the guard, and so frees the claim.
            ClaimState::LookUp(mut guard) => match self.reply(&guard).await? {
                Some((reply, first)) => {
                    guard.complete_from_store(&reply);
                    Ok(answered(reply, first))
                }
                None => {
                    guard.mark_missing();
                    Ok(ClaimOutcome::First(guard))
                }
            },
        }
    }

    /// The stored reply to a claim, and the token of the delivery that got it first.
    async fn reply(
        &self,
        guard: &ClaimGuard,
    ) -> Result<Option<(Bytes, Option<TokenDigest>)>, StoreError> {
        match &self.store {
            SessionStore::Memory(_) | SessionStore::Postgres(_) => Ok(None),
            SessionStore::Sqlite(sqlite) => sqlite.reply(guard.digest()).await,
        }
    }

    /// Waits for the lock of a session: one task at a time works on it, in the order of arrival.
    /// There is no limit to the wait, because the caller has a deadline; a call that is cancelled
    /// leaves the queue.
    pub async fn lock(&self, session: &str) -> SessionGuard {
        let mut guard = self.locks.lock(session).await;
        if let SessionStore::Postgres(postgres) = &self.store {
            turn::lock_shared(postgres, session, &mut guard).await;
        }
        guard
    }

    /// The execution that is active for a session key.
    pub async fn active(&self, session: &str) -> Result<Option<StoredExecution>, StoreError> {
        match &self.store {
            SessionStore::Memory(memory) => Ok(memory.active(session)),
            SessionStore::Sqlite(sqlite) => sqlite.active(session).await,
            SessionStore::Postgres(postgres) => postgres.active(session).await,
        }
    }

    /// Stores the reply to a claim, the new state and its steps, all or nothing, and sends the
    /// reply to the repeats that wait for it. After `Ok` it is on the disk. After an error the
    /// claim is free again, and the repeats get `None`.
    ///
    /// A caller that is cancelled does not stop the write, and the locks of the commit pass on only
    /// when the write is done.
    ///
    /// # Errors
    /// [`StoreError::Stale`] where an execution is not as the turn has read it, and
    /// [`StoreError::Conflict`] where another one is active for its session. Nothing is stored
    /// then.
    pub async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        // No transaction for nothing: it would cost a sync of the disk.
        if commit.is_empty() {
            return Ok(());
        }
        match &self.store {
            SessionStore::Memory(memory) => memory.commit(commit),
            SessionStore::Sqlite(sqlite) => sqlite.commit(commit).await,
            SessionStore::Postgres(postgres) => postgres.commit(commit).await,
        }
    }

    /// The execution with this sid.
    pub async fn execution(&self, sid: &str) -> Result<Option<StoredExecution>, StoreError> {
        match &self.store {
            SessionStore::Memory(memory) => Ok(memory.execution(sid)),
            SessionStore::Sqlite(sqlite) => sqlite.execution(sid).await,
            SessionStore::Postgres(postgres) => postgres.execution(sid).await,
        }
    }

    /// Executions of a flow, newest first. Damaged records are left out.
    pub async fn executions(
        &self,
        query: ExecutionQuery,
    ) -> Result<Vec<StoredExecution>, StoreError> {
        match &self.store {
            SessionStore::Memory(memory) => Ok(memory.executions(&query)),
            SessionStore::Sqlite(sqlite) => sqlite.executions(query).await,
            SessionStore::Postgres(postgres) => postgres.executions(query).await,
        }
    }

    /// The steps of an execution, newest first; of those at one time, the last one stored first.
    /// Damaged records are left out.
    pub async fn steps(
        &self,
        execution: &str,
        query: StepQuery,
    ) -> Result<Vec<StepRecord>, StoreError> {
        match &self.store {
            SessionStore::Memory(memory) => Ok(memory.steps(execution, &query)),
            SessionStore::Sqlite(sqlite) => sqlite.steps(execution, query).await,
            SessionStore::Postgres(postgres) => postgres.steps(execution, query).await,
        }
    }

    /// Removes an execution with its steps. Returns whether it existed.
    pub async fn delete(&self, sid: &str) -> Result<bool, StoreError> {
        match &self.store {
            SessionStore::Memory(memory) => Ok(memory.delete(sid)),
            SessionStore::Sqlite(sqlite) => sqlite.delete(sid).await,
            SessionStore::Postgres(postgres) => postgres.delete(sid).await,
        }
    }

    /// At most `limit` executions whose timer fires before `before` (since 1970), the one that is
    /// overdue longest first. Damaged records are left out.
    pub async fn due(
        &self,
        before: Duration,
        limit: usize,
    ) -> Result<Vec<StoredExecution>, StoreError> {
        match &self.store {
            SessionStore::Memory(memory) => Ok(memory.due(before, limit)),
            SessionStore::Sqlite(sqlite) => sqlite.due(before, limit).await,
            SessionStore::Postgres(postgres) => postgres.due(before, limit).await,
        }
    }

    /// Stores the definition of a flow's revision for the executions that run it. A revision keeps
    /// its first definition.
    pub async fn store_flow(&self, revision: &str, definition: &str) -> Result<(), StoreError> {
        match &self.store {
            SessionStore::Memory(memory) => memory.store_flow(revision, definition),
            SessionStore::Sqlite(sqlite) => return sqlite.store_flow(revision, definition).await,
            SessionStore::Postgres(postgres) => {
                return postgres.store_flow(revision, definition).await;
            }
        }
        Ok(())
    }

    /// The definition of a revision.
    pub async fn flow(&self, revision: &str) -> Result<Option<String>, StoreError> {
        match &self.store {
            SessionStore::Memory(memory) => Ok(memory.flow(revision)),
            SessionStore::Sqlite(sqlite) => sqlite.flow(revision).await,
            SessionStore::Postgres(postgres) => postgres.flow(revision).await,
        }
    }

    /// Removes claims that are older than [`CLAIM_KEPT`](crate::limits::CLAIM_KEPT) and executions
    /// that are older than [`EXECUTION_KEPT`](crate::limits::EXECUTION_KEPT), about
    /// [`EXPIRED_ROWS_MAX`](crate::limits::EXPIRED_ROWS_MAX) of each in one call. Of a claim that
    /// can begin something only the reply goes; the claim goes after
    /// [`REPLAY_REFUSED`](crate::limits::REPLAY_REFUSED).
    ///
    /// A definition goes when it is not among the revisions `current`, and no execution has used it
    /// for as long as a reply is stored: an execution that is being worked on while the
    /// configuration changes may still be stored with it.
    pub async fn expire(&self, now: Duration, current: &[String]) -> Result<(), StoreError> {
        match &self.store {
            SessionStore::Memory(memory) => memory.expire(now, current),
            SessionStore::Sqlite(sqlite) => return sqlite.expire(now, current).await,
            SessionStore::Postgres(postgres) => return postgres.expire(now, current).await,
        }
        Ok(())
    }

    /// A wait for the end of the store. One that ends with the process has nothing to close, and
    /// the wait is over at once.
    pub(crate) fn shutdown_waiter(&self) -> ShutdownWaiter {
        match &self.store {
            SessionStore::Memory(_) => ShutdownSignal::default().waiter(),
            SessionStore::Postgres(postgres) => postgres.shutdown_waiter(),
            SessionStore::Sqlite(sqlite) => sqlite.shutdown_waiter(),
        }
    }

    /// What is wrong, while the last write failed or the file is damaged. A store that fails tries
    /// by itself whether it works again, see
    /// [`STORE_PROBE_EVERY`](crate::limits::STORE_PROBE_EVERY).
    pub fn health(&self) -> Result<(), String> {
        match &self.store {
            SessionStore::Memory(_) => Ok(()),
            SessionStore::Sqlite(sqlite) => sqlite.health(),
            SessionStore::Postgres(postgres) => postgres.health(),
        }
    }
}
