//! The table of pending calls: the calls that are running, and the outcomes of those that have
//! ended.
//!
//! One table serves the process, because a call may be begun by one worker and asked for by
//! another. A call that is not in it (there were too many, it is too old, another process began it)
//! is made again under the same `Idempotency-Key`: a dropped entry costs a call, and never a step.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};

use crate::clock;
use crate::function::Outcome;
use crate::limits::{HELD_CALLS_MAX, HELD_OUTCOME_KEPT, HELD_OUTCOMES_BYTES_MAX};

/// The key of a call: the execution's sid, and the number of the step that makes the call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PendingKey {
    /// The execution's sid.
    pub execution: String,
    /// The number of widgets entered so far, which differs for any two calls of an execution.
    pub step: u32,
}

/// The calls of this process. A clone is the same table.
#[derive(Clone, Debug)]
pub struct PendingCalls(Arc<PendingInner>);

/// The permission to make a call. If it is dropped without an outcome (its thread ended, or the
/// call panicked), the table has no entry for the call.
#[derive(Debug)]
pub struct CallPermit {
    table: PendingCalls,
    key: PendingKey,
    sender: watch::Sender<Option<Outcome>>,
}

/// The outcome of a call, once there is one.
#[derive(Debug)]
pub struct PendingOutcome(watch::Receiver<Option<Outcome>>);

/// The result of a wait for an outcome.
#[derive(Debug, PartialEq)]
pub enum CallPoll {
    /// The outcome.
    Ready(Outcome),
    /// The call is still running.
    Pending,
    /// The task that made the call has ended without an outcome.
    Lost,
}

#[derive(Debug)]
struct PendingInner {
    calls: Mutex<PendingTable>,
    running: Gauge,
    ready: Notify,
}

#[derive(Debug, Default)]
struct PendingTable {
    entries: HashMap<PendingKey, PendingEntry>,
    running: usize,
    /// The calls that have ended, oldest first, with the time of their end and their bytes.
    ended: VecDeque<(PendingKey, Instant, usize)>,
    bytes: usize,
    /// Executions that can continue without a webhook, because their outcome is there.
    ready: Vec<String>,
}

#[derive(Debug)]
struct PendingEntry {
    outcome: watch::Receiver<Option<Outcome>>,
    /// Whether its outcome wakes the timer, because no webhook will ask for it.
    announced: bool,
}

/// The approximate size of an outcome without its body.
const OUTCOME_BYTES: usize = 512;

// === impl PendingCalls ===

impl PendingCalls {
    /// An empty table. The gauge shows the number of running calls.
    pub fn new(running: Gauge) -> PendingCalls {
        PendingCalls(Arc::new(PendingInner {
            calls: Mutex::default(),
            running,
            ready: Notify::new(),
        }))
    }

    /// The call of a key, if the table has it.
    pub fn find(&self, key: &PendingKey) -> Option<PendingOutcome> {
        let calls = self.lock();
        calls.entries.get(key).map(|entry| PendingOutcome(entry.outcome.clone()))
    }

    /// Permits a call; `None` if [`HELD_CALLS_MAX`] calls are running.
    pub fn begin(&self, key: &PendingKey) -> Option<(CallPermit, PendingOutcome)> {
        let mut calls = self.lock();
        if calls.running >= HELD_CALLS_MAX {
            return None;
        }
        calls.running += 1;
        self.0.running.inc();
        let (sender, outcome) = watch::channel(None);
        let waiting = PendingOutcome(outcome.clone());
        calls.entries.insert(key.clone(), PendingEntry { outcome, announced: false });
        drop(calls);
        Some((CallPermit { table: self.clone(), key: key.clone(), sender }, waiting))
    }

    /// Says that no webhook will ask for an outcome: [`PendingCalls::announcement`] ends when it is
    /// there.
    pub fn announce(&self, key: &PendingKey) {
        let mut calls = self.lock();
        let Some(entry) = calls.entries.get_mut(key) else { return };
        entry.announced = true;
        let has_ended = entry.outcome.borrow().is_some();
        if has_ended {
            calls.ready.push(key.execution.clone());
            self.0.ready.notify_one();
        }
    }

    /// Drops the outcome of a call that no stored execution refers to.
    pub(crate) fn forget(&self, key: &PendingKey) {
        self.lock().remove(key);
    }

    /// Waits until [`PendingCalls::take_announced`] may return something.
    pub async fn announcement(&self) {
        self.0.ready.notified().await;
    }

    /// Takes the executions whose announced outcomes are there, each once.
    pub fn take_announced(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().ready)
    }

    fn lock(&self) -> MutexGuard<'_, PendingTable> {
        self.0.calls.lock()
    }
}

// === impl CallPermit ===

impl CallPermit {
    /// Sets the outcome of the call.
    pub fn complete(self, outcome: Outcome) {
        let body = outcome.response.as_ref().map_or(0, |response| response.body.len());
        let now = clock::now();
        let mut calls = self.table.lock();
        calls.forget(now);
        if calls.entries.contains_key(&self.key) {
            // The variables parsed from a body need about as many bytes as the body.
            let bytes = OUTCOME_BYTES + 2 * body;
            calls.bytes += bytes;
            calls.ended.push_back((self.key.clone(), now, bytes));
        }
        let announced = calls.entries.get(&self.key).is_some_and(|entry| entry.announced);
        if announced {
            calls.ready.push(self.key.execution.clone());
        }
        // Under the lock, so that `announce` either sees this outcome or is seen by this function.
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
        calls.running -= 1;
        self.table.0.running.dec();
        if self.sender.borrow().is_none() {
            calls.entries.remove(&self.key);
        }
    }
}

// === impl PendingOutcome ===

impl PendingOutcome {
    /// Waits for the outcome until a time.
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
    /// Drops outcomes that are too old, or for which there is no room.
    fn forget(&mut self, now: Instant) {
        let old = |at: Instant| now.duration_since(at) >= HELD_OUTCOME_KEPT;
        while let Some((key, _, bytes)) =
            self.ended.pop_front_if(|(_, at, _)| self.bytes > HELD_OUTCOMES_BYTES_MAX || old(*at))
        {
            self.entries.remove(&key);
            self.bytes -= bytes;
        }
    }

    fn remove(&mut self, key: &PendingKey) {
        self.entries.remove(key);
        // From the end: most often it is the latest, a call that ended before its hold document.
        if let Some(at) = self.ended.iter().rposition(|(over, ..)| over == key)
            && let Some((_, _, bytes)) = self.ended.remove(at)
        {
            self.bytes -= bytes;
        }
    }
}
