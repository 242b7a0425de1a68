//! The records of a store, and the queries for them.

use std::time::Duration;

use actix_web::web::Bytes;

use super::{ClaimGuard, SessionGuard, SessionGuards};

/// One execution as it is stored: what is searched by has a field, the rest is `state`.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredExecution {
    /// The identifier, `FN…`.
    pub sid: String,
    /// The session key: which parties talk. No two active executions have the same.
    pub session: String,
    /// The flow that it runs.
    pub flow: String,
    /// The revision of that flow. [`store_flow`](super::Sessions::store_flow) stores the
    /// definition.
    pub revision: String,
    /// The number of its commits, with the one that writes this record: the first is 1. A commit is
    /// refused as [`Stale`](super::StoreError::Stale) unless the stored one is one less, so that a
    /// turn never overwrites what it has not read.
    pub version: u64,
    /// Whether it goes on. An ended one is stored for its history.
    pub active: bool,
    /// When it began, since 1970. Times are stored to the nanosecond, up to the year 2262.
    pub created: Duration,
    /// When it last changed, since 1970.
    pub updated: Duration,
    /// When its timer fires, since 1970; `None` where it has none.
    pub due: Option<Duration>,
    /// All else, in the engine's own form. At most about a gigabyte.
    pub state: Vec<u8>,
}

/// One step of an execution, for its history.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRecord {
    /// The identifier, `FT…`.
    pub sid: String,
    /// The execution that took it. The step of an execution that is not stored is dropped.
    pub execution: String,
    /// The event that led out of `from`.
    pub name: String,
    /// The widget that was left.
    pub from: String,
    /// The widget that was entered.
    pub to: String,
    /// The type of the widget that was left.
    pub kind: String,
    /// When, since 1970.
    pub at: Duration,
    /// The variables at that time, in the engine's own form.
    pub context: Vec<u8>,
}

/// All changes of one webhook, written as one transaction.
#[derive(Debug, Default)]
pub struct Commit {
    /// The right to answer the webhook; `None` where it has no claim key.
    pub claim: Option<ClaimGuard>,
    /// The reply that every repeat of the webhook gets. Stored only with a claim.
    pub reply: Bytes,
    /// The execution that `execution` replaces in its session, ended.
    // Boxed, because it is rare, and the future of every webhook is copied with its size.
    pub ended: Option<Box<StoredExecution>>,
    /// The execution's new state, whole.
    pub execution: Option<StoredExecution>,
    /// The steps that led to it, oldest first.
    pub steps: Vec<StepRecord>,
    /// The wall clock, since 1970.
    pub now: Duration,
    /// The locks of the turn, which pass on when the commit is written, and not before: the caller
    /// may be cancelled meanwhile.
    pub locks: SessionGuards,
}

/// A query for executions of a flow, newest first.
#[derive(Clone, Debug, Default)]
pub struct ExecutionQuery {
    /// The flow that they run.
    pub flow: String,
    /// Begun then or later, since 1970.
    pub from: Option<Duration>,
    /// Begun before then, since 1970.
    pub until: Option<Duration>,
    /// `created` and `sid` of the last one of the page before.
    pub after: Option<(Duration, String)>,
    /// The most records to return.
    pub limit: usize,
}

/// A query for the steps of an execution, newest first.
#[derive(Clone, Debug, Default)]
pub struct StepQuery {
    /// `at` and `sid` of the last one of the page before.
    pub after: Option<(Duration, String)>,
    /// The most records to return.
    pub limit: usize,
}

impl Commit {
    /// The commit of a new state without a webhook that waits for a reply.
    pub fn new(execution: StoredExecution, steps: Vec<StepRecord>, now: Duration) -> Commit {
        Commit { execution: Some(execution), steps, now, ..Commit::default() }
    }

    /// The same commit under the lock of a turn.
    pub fn under(self, lock: SessionGuard) -> Commit {
        Commit { locks: [Some(lock), None], ..self }
    }

    /// Whether it changes nothing.
    pub(super) fn is_empty(&self) -> bool {
        let has_execution = self.execution.is_some() || self.ended.is_some();
        self.claim.is_none() && !has_execution && self.steps.is_empty()
    }
}
