//! The table of pending calls: which are under way, and the outcomes of those that have ended.
//!
//! One table for the process, whichever worker began a call and whichever asks for its outcome.
//! A call that is not in it, because there were too many, because it is too old, or because another
//! process began it, is made anew under the same `Idempotency-Key`: forgetting costs a call, and
//! never a step.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};

use crate::clock;
use crate::function::Outcome;
use crate::limits::{HELD_CALLS_MAX, HELD_OUTCOME_KEPT, HELD_OUTCOMES_BYTES_MAX};

/// One call of one execution: its sid, and the number of the step that calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PendingKey {
    /// The execution's sid.
    pub execution: String,
    /// Widgets entered so far, which no two calls of an execution have in common.
    pub step: u32,
}

/// The calls of this process. A clone is the same table.
#[derive(Clone, Debug)]
pub struct PendingCalls(Arc<PendingInner>);

/// The right to make a call. Dropped without an outcome (its thread ended, or it panicked), it
/// leaves the table as if there had been no call.
#[derive(Debug)]
pub struct CallPermit {
    table: PendingCalls,
    key: PendingKey,
    sender: watch::Sender<Option<Outcome>>,
}

/// What a call under way, or one that is over, gives.
#[derive(Debug)]
pub struct PendingOutcome(watch::Receiver<Option<Outcome>>);

/// What a wait for an outcome ended with.
#[derive(Debug, PartialEq)]
pub enum CallPoll {
    /// The outcome.
    Ready(Outcome),
    /// It is still under way.
    Pending,
    /// The task that made the call has ended without an outcome.
    Lost,
}

#[derive(Debug)]
struct PendingInner {
    calls: Mutex<PendingTable>,
    under_way: Gauge,
    ready: Notify,
}

#[derive(Debug, Default)]
struct PendingTable {
    entries: HashMap<PendingKey, PendingEntry>,
    under_way: usize,
    /// Those that are over, oldest first, with the time of their end and their bytes.
    over: VecDeque<(PendingKey, Instant, usize)>,
    bytes: usize,
    /// Executions that can go on without a webhook, as their outcome has come.
    ready: Vec<String>,
}

#[derive(Debug)]
struct PendingEntry {
    outcome: watch::Receiver<Option<Outcome>>,
    /// Its arrival is announced: no webhook comes to ask for it.
    announced: bool,
}

/// What an outcome needs beside its body, about.
const OUTCOME_BYTES: usize = 512;

// === impl PendingCalls ===

impl PendingCalls {
    /// An empty table. `under_way` counts the calls that are being made.
    pub fn new(under_way: Gauge) -> PendingCalls {
        PendingCalls(Arc::new(PendingInner {
            calls: Mutex::default(),
            under_way,
            ready: Notify::new(),
        }))
    }

    /// The call of a key, if it is known.
    pub fn find(&self, key: &PendingKey) -> Option<PendingOutcome> {
        let calls = self.lock();
        calls.entries.get(key).map(|entry| PendingOutcome(entry.outcome.clone()))
    }

    /// Takes the right to make a call; `None` where as many as may be are under way.
    pub fn begin(&self, key: &PendingKey) -> Option<(CallPermit, PendingOutcome)> {
        let mut calls = self.lock();
        if calls.under_way >= HELD_CALLS_MAX {
            return None;
        }
        calls.under_way += 1;
        self.0.under_way.inc();
        let (sender, outcome) = watch::channel(None);
        let waiting = PendingOutcome(outcome.clone());
        calls.entries.insert(key.clone(), PendingEntry { outcome, announced: false });
        drop(calls);
        Some((CallPermit { table: self.clone(), key: key.clone(), sender }, waiting))
    }

    /// Says that no webhook comes to ask for an outcome: its arrival is announced by [`PendingCalls::announcement`].
    pub fn announce(&self, key: &PendingKey) {
        let mut calls = self.lock();
        let Some(entry) = calls.entries.get_mut(key) else { return };
        entry.announced = true;
        let over = entry.outcome.borrow().is_some();
        if over {
            calls.ready.push(key.execution.clone());
            self.0.ready.notify_one();
        }
    }

    /// Drops the outcome of a call that no execution waits for.
    pub fn forget(&self, key: &PendingKey) {
        self.lock().remove(key);
    }

    /// Waits until there may be something to take by [`PendingCalls::take_announced`].
    pub async fn announcement(&self) {
        self.0.ready.notified().await;
    }

    /// The executions whose outcome has come and that no webhook asks for, each once.
    pub fn take_announced(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().ready)
    }

    fn lock(&self) -> MutexGuard<'_, PendingTable> {
        // Nothing under the lock can panic half-way through a change.
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl CallPermit ===

impl CallPermit {
    /// Hands in the outcome of the call.
    pub fn complete(self, outcome: Outcome) {
        let body = outcome.response.as_ref().map_or(0, |response| response.body.len());
        let now = clock::now();
        let mut calls = self.table.lock();
        calls.forget(now);
        if calls.entries.contains_key(&self.key) {
            // The variables that were parsed of a body take about as much as it.
            let bytes = OUTCOME_BYTES + 2 * body;
            calls.bytes += bytes;
            calls.over.push_back((self.key.clone(), now, bytes));
        }
        let announced = calls.entries.get(&self.key).is_some_and(|entry| entry.announced);
        if announced {
            calls.ready.push(self.key.execution.clone());
        }
        // Under the lock: `announce` sees either no outcome, or this one.
        self.sender.send_replace(Some(outcome));
        drop(calls);
        if announced {
            self.table.0.ready.notify_one();
        }
    }
}

impl Drop for CallPermit {
    fn drop(&mut self) {
        let mut calls = self.table.lock();
        calls.under_way -= 1;
        self.table.0.under_way.dec();
        if self.sender.borrow().is_none() {
            calls.entries.remove(&self.key);
        }
    }
}

// === impl PendingOutcome ===

impl PendingOutcome {
    /// Waits for the outcome, until `until`.
    pub async fn wait(mut self, until: Instant) -> CallPoll {
        match timeout_at(until, self.0.wait_for(Option::is_some)).await {
            Err(_) => CallPoll::Pending,
            Ok(Err(_)) => CallPoll::Lost,
            Ok(Ok(outcome)) => outcome.clone().map_or(CallPoll::Lost, CallPoll::Ready),
        }
    }
}

// === impl PendingTable ===

impl PendingTable {
    /// Drops what is too old or too much.
    fn forget(&mut self, now: Instant) {
        let old = |at: Instant| now.duration_since(at) >= HELD_OUTCOME_KEPT;
        while let Some((key, _, bytes)) =
            self.over.pop_front_if(|(_, at, _)| self.bytes > HELD_OUTCOMES_BYTES_MAX || old(*at))
        {
            self.entries.remove(&key);
            self.bytes -= bytes;
        }
    }

    fn remove(&mut self, key: &PendingKey) {
        self.entries.remove(key);
        // Most often it is the last one: a call that answered before its hold document was due.
        if let Some(at) = self.over.iter().rposition(|(over, ..)| over == key)
            && let Some((_, _, bytes)) = self.over.remove(at)
        {
            self.bytes -= bytes;
        }
    }
}
