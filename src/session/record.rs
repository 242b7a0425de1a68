//! What a store keeps, and how it is asked for it.

use std::time::Duration;

use actix_web::web::Bytes;

use super::Ticket;

/// One execution as it is stored: what is looked for has a field, the rest is `state`.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// Its identifier, `FN…`.
    pub sid: String,
    /// Who talks with whom. No two active executions have the same.
    pub session: String,
    /// The flow that it runs.
    pub flow: String,
    /// The revision of that flow, under which [`keep_flow`](super::Sessions::keep_flow) has it.
    pub revision: String,
    /// Whether it goes on; an ended one is kept for its history.
    pub active: bool,
    /// When it began, since 1970. Times are kept to the nanosecond, up to the year 2262.
    pub created: Duration,
    /// When it last changed, since 1970.
    pub updated: Duration,
    /// When a timer of it fires, since 1970.
    pub due: Option<Duration>,
    /// All else, in the engine's own form. At most about a gigabyte.
    pub state: Vec<u8>,
}

/// One step of an execution, for its history.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRecord {
    /// Its identifier, `FT…`.
    pub sid: String,
    /// The execution that took it. The step of an execution that is not stored is not kept.
    pub execution: String,
    /// The event that led out of `from`.
    pub name: String,
    /// The widget that was left.
    pub from: String,
    /// The widget that was entered.
    pub to: String,
    /// The kind of the widget that was left.
    pub kind: String,
    /// When, since 1970.
    pub at: Duration,
    /// The variables at that time, in the engine's own form.
    pub context: Vec<u8>,
}

/// All that one webhook changes.
#[derive(Debug)]
pub struct Commit {
    /// The right to answer the webhook, where it can be told from a repeat.
    pub ticket: Option<Ticket>,
    /// What every repeat of the webhook gets. Kept only with a ticket.
    pub reply: Bytes,
    /// The execution's new state, whole.
    pub execution: Option<Saved>,
    /// The steps that led to it, oldest first.
    pub steps: Vec<StepRecord>,
    /// The wall clock, since 1970.
    pub now: Duration,
}

/// Which executions to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The flow that they run.
    pub flow: String,
    /// Begun then or later, since 1970.
    pub from: Option<Duration>,
    /// Begun before then, since 1970.
    pub until: Option<Duration>,
    /// `created` and `sid` of the last one of the page before.
    pub after: Option<(Duration, String)>,
    /// At most so many.
    pub limit: usize,
}

/// Which steps of an execution to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// `at` and `sid` of the last one of the page before.
    pub after: Option<(Duration, String)>,
    /// At most so many.
    pub limit: usize,
}

impl Commit {
    /// A new state that no webhook waits for.
    pub fn of(execution: Saved, steps: Vec<StepRecord>, now: Duration) -> Commit {
        Commit { ticket: None, reply: Bytes::new(), execution: Some(execution), steps, now }
    }

    /// Whether there is nothing in it to keep.
    pub(super) fn is_empty(&self) -> bool {
        self.ticket.is_none() && self.execution.is_none() && self.steps.is_empty()
    }
}
