//! The beginning of a turn: the claim of its webhook, the lock of its session, and the execution
//! that is active in it, in one call.

use std::time::Duration;

use actix_web::web::Bytes;
use tokio::time::{Instant, timeout_at};

use super::claims::ClaimState;
use super::key_digest::{KeyDigest, claim_digest, session_digest};
use super::postgres::{PostgresStore, SharedRequest, SharedTurn};
use super::{
    ClaimGuard, ClaimKey, ClaimOutcome, PendingReply, SessionGuard, SessionStore, Sessions,
    StoreError, StoredExecution,
};
use crate::clock;
use crate::limits::{STORE_SENT_WITHIN, TIMER_TURN_WITHIN};

/// How long a process that hangs has a session for a turn without a webhook.
const TIMER_LEASE: Duration = TIMER_TURN_WITHIN.saturating_add(Duration::from_secs(5));

/// Takes a session among all processes, for a guard that has it in this one. Where the store fails,
/// the guard is without it: what is written under it is checked all the same.
pub(super) async fn lock_shared(postgres: &PostgresStore, session: &str, guard: &mut SessionGuard) {
    let session = session_digest(session);
    loop {
        let request = timer_request(session, STORE_SENT_WITHIN);
        match postgres.take(request).await {
            Ok(SharedTurn::Taken(shared_lock, _)) => return guard.set_shared_lock(shared_lock),
            Ok(SharedTurn::Locked) => {}
            Ok(SharedTurn::Answered(..)) | Err(_) => return,
        }
    }
}

/// The request for a session without a webhook.
fn timer_request(session: KeyDigest, wait: Duration) -> SharedRequest {
    let deadline = clock::now() + wait;
    SharedRequest { claim: None, session, reads: false, deadline, lease: TIMER_LEASE }
}

/// The request for a session of a webhook.
fn webhook_request(
    claim: Option<KeyDigest>,
    session: KeyDigest,
    reads: bool,
    deadline: Instant,
) -> SharedRequest {
    // The commit may come a moment after the deadline.
    let lease = deadline.saturating_duration_since(clock::now()) + Duration::from_secs(1);
    SharedRequest { claim, session, reads, deadline, lease }
}

/// What the turn of a webhook needs from the store.
#[derive(Clone, Copy, Debug)]
pub struct TurnRequest<'a> {
    /// The key of the webhook; `None` where nothing tells a repeat of it from a new event.
    pub key: Option<&'a ClaimKey>,
    /// The session that it belongs to; `None` where its flow stores nothing.
    pub session: Option<&'a str>,
    /// Until when to wait for the lock of the session.
    pub deadline: Instant,
}

/// The result of a [`TurnRequest`]: what to do with a webhook.
#[derive(Debug)]
pub enum TurnOutcome {
    /// It is new: work on it. `None` where it has no session. Boxed, because every future that this
    /// outcome passes through would have room for it.
    First(Option<Box<OpenTurn>>),
    /// It has been answered.
    Answered {
        /// The bytes to send again.
        reply: Bytes,
        /// Whether they went to a delivery with another idempotency token: the carrier asks with an
        /// equal request for the second time.
        is_other_delivery: bool,
    },
    /// Another delivery of it is being worked on: send the reply of that one.
    Running(PendingReply),
    /// Others had the session until the deadline.
    Locked,
}

/// A session that is locked for a turn, and its execution.
#[derive(Debug)]
pub struct OpenTurn {
    /// The lock. The commit of the turn takes it.
    pub lock: SessionGuard,
    /// The execution that is active for the session, or why it cannot be read.
    pub active: Result<Option<StoredExecution>, StoreError>,
}

// === impl Sessions ===

impl Sessions {
    /// Claims a webhook, once for all its deliveries; locks its session; and reads the execution
    /// that is active in it. `claim` gets the right to answer the webhook as soon as it is granted:
    /// the caller has it even where it is cancelled while it waits for the lock.
    ///
    /// # Errors
    /// If the store fails while it looks for the reply of an earlier delivery.
    pub async fn open_turn(
        &self,
        request: TurnRequest<'_>,
        claim: &mut Option<ClaimGuard>,
    ) -> Result<TurnOutcome, StoreError> {
        if let SessionStore::Postgres(postgres) = &self.store {
            return self.open_shared_turn(postgres, request, claim).await;
        }
        let TurnRequest { key, session, deadline } = request;
        // The claim first: a repeat must not wait behind its own first delivery.
        match self.claim(key).await? {
            ClaimOutcome::First(guard) => *claim = Some(guard),
            ClaimOutcome::Unclaimed => {}
            ClaimOutcome::Running(first) => return Ok(TurnOutcome::Running(first)),
            ClaimOutcome::Answered { reply, is_other_delivery } => {
                return Ok(TurnOutcome::Answered { reply, is_other_delivery });
            }
        }
        let Some(session) = session else { return Ok(TurnOutcome::First(None)) };
        let turn = self.open_session(session, deadline).await;
        Ok(turn.map_or(TurnOutcome::Locked, |turn| TurnOutcome::First(Some(Box::new(turn)))))
    }

    /// Locks a session and reads the execution that is active in it. `None` where others had the
    /// session until the deadline.
    pub async fn open_session(&self, session: &str, deadline: Instant) -> Option<OpenTurn> {
        let mut lock = timeout_at(deadline, self.locks.lock(session)).await.ok()?;
        let active = match &self.store {
            SessionStore::Memory(_) | SessionStore::Sqlite(_) => self.active(session).await,
            SessionStore::Postgres(postgres) => {
                let session = session_digest(session);
                let request = webhook_request(None, session, true, deadline);
                match postgres.take(request).await {
                    Ok(SharedTurn::Taken(shared_lock, active)) => {
                        lock.set_shared_lock(shared_lock);
                        Ok(active)
                    }
                    Ok(SharedTurn::Answered(..) | SharedTurn::Locked) => return None,
                    Err(error) => Err(error),
                }
            }
        };
        Some(OpenTurn { lock, active })
    }

    /// Opens a turn in a store that other processes use as well: in this process first, then in one
    /// round trip among all.
    async fn open_shared_turn(
        &self,
        postgres: &PostgresStore,
        request: TurnRequest<'_>,
        claim: &mut Option<ClaimGuard>,
    ) -> Result<TurnOutcome, StoreError> {
        let TurnRequest { key, session, deadline } = request;
        let is_other = |first| key.is_some_and(|key| key.is_other_delivery(first));
        // The caller gets it only with the session: until then another process may be answering the
        // webhook, and the fallback of this delivery must not become the stored reply.
        let mut own = None;
        if let Some(key) = key {
            match self.claims.claim(claim_digest(key), key.token()) {
                ClaimState::First(guard) | ClaimState::LookUp(guard) => own = Some(guard),
                ClaimState::Running(first) => return Ok(TurnOutcome::Running(first)),
                ClaimState::Answered(reply, first) => {
                    let is_other_delivery = is_other(first);
                    return Ok(TurnOutcome::Answered { reply, is_other_delivery });
                }
            }
        }
        let digest = own.as_ref().map(ClaimGuard::digest);
        let lock = match session {
            Some(session) => match timeout_at(deadline, self.locks.lock(session)).await {
                Ok(lock) => Some(lock),
                Err(_) => return Ok(TurnOutcome::Locked),
            },
            None => None,
        };
        // Without a session, the deliveries of the webhook are a session of their own.
        let Some(taken) = session.map(session_digest).or(digest) else {
            return Ok(TurnOutcome::First(None));
        };
        let request = webhook_request(digest, taken, session.is_some(), deadline);
        match postgres.take(request).await? {
            SharedTurn::Locked => Ok(TurnOutcome::Locked),
            SharedTurn::Answered(reply, first) => {
                if let Some(guard) = own {
                    guard.complete_from_store(&reply);
                }
                Ok(TurnOutcome::Answered { reply, is_other_delivery: is_other(first) })
            }
            SharedTurn::Taken(shared_lock, active) => {
                own.iter_mut().for_each(ClaimGuard::mark_missing);
                let turn = match lock {
                    Some(mut lock) => {
                        lock.set_shared_lock(shared_lock);
                        Some(OpenTurn { lock, active: Ok(active) })
                    }
                    None => {
                        if let Some(guard) = &mut own {
                            guard.set_shared_lock(shared_lock);
                        }
                        None
                    }
                };
                *claim = own;
                Ok(TurnOutcome::First(turn.map(Box::new)))
            }
        }
    }

    /// Claims a webhook without a session among all processes.
    pub(super) async fn claim_shared(
        &self,
        postgres: &PostgresStore,
        key: &ClaimKey,
    ) -> Result<ClaimOutcome, StoreError> {
        let deadline = clock::now() + STORE_SENT_WITHIN;
        let request = TurnRequest { key: Some(key), session: None, deadline };
        let mut claim = None;
        let outcome = self.open_shared_turn(postgres, request, &mut claim).await?;
        match (outcome, claim) {
            (TurnOutcome::Answered { reply, is_other_delivery }, _) => {
                Ok(ClaimOutcome::Answered { reply, is_other_delivery })
            }
            (TurnOutcome::Running(first), _) => Ok(ClaimOutcome::Running(first)),
            (TurnOutcome::First(_), Some(claim)) => Ok(ClaimOutcome::First(claim)),
            (TurnOutcome::First(_) | TurnOutcome::Locked, _) => Err(StoreError::Busy),
        }
    }

    /// Locks the session of an execution, and reads the execution again: a turn that had the lock
    /// may have changed it. `None` where it is gone, and where another process has the session: the
    /// execution is that one's then. With a time to `wait` for that process it is an error instead.
    ///
    /// # Errors
    /// If the store fails, or the record is damaged.
    pub async fn open_execution(
        &self,
        found: &StoredExecution,
        wait: Duration,
    ) -> Result<Option<(StoredExecution, SessionGuard)>, StoreError> {
        let mut session = found.session.clone();
        loop {
            let mut lock = self.locks.lock(&session).await;
            if let SessionStore::Postgres(postgres) = &self.store {
                let request = timer_request(session_digest(&session), wait);
                match postgres.take(request).await? {
                    SharedTurn::Taken(shared_lock, _) => lock.set_shared_lock(shared_lock),
                    _ if wait.is_zero() => return Ok(None),
                    _ => return Err(StoreError::Busy),
                }
            }
            let Some(stored) = self.execution(&found.sid).await? else { return Ok(None) };
            // An execution that makes a call continues in the session of that call, which has
            // another lock.
            if stored.session == session {
                return Ok(Some((stored, lock)));
            }
            session = stored.session;
        }
    }
}
