//! The beginning of a turn: the claim of its webhook, the lock of its session, and the execution
//! that is active in it, in one call.

use actix_web::web::Bytes;
use tokio::time::{Instant, timeout_at};

use super::{
    ClaimGuard, ClaimKey, ClaimOutcome, PendingReply, SessionGuard, Sessions, StoreError,
    StoredExecution,
};

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
    /// It is new: work on it. `None` where it has no session.
    First(Option<OpenTurn>),
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
        Ok(turn.map_or(TurnOutcome::Locked, |turn| TurnOutcome::First(Some(turn))))
    }

    /// Locks a session and reads the execution that is active in it. `None` where others had the
    /// session until the deadline.
    pub async fn open_session(&self, session: &str, deadline: Instant) -> Option<OpenTurn> {
        let lock = timeout_at(deadline, self.lock(session)).await.ok()?;
        Some(OpenTurn { lock, active: self.active(session).await })
    }

    /// Locks the session of an execution, and reads the execution again: a turn that had the lock
    /// may have changed it. `None` where it is gone.
    ///
    /// # Errors
    /// If the store fails, or the record is damaged.
    pub async fn open_execution(
        &self,
        found: &StoredExecution,
    ) -> Result<Option<(StoredExecution, SessionGuard)>, StoreError> {
        let mut session = found.session.clone();
        loop {
            let lock = self.lock(&session).await;
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
