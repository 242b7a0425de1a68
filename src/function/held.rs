//! Calls that go on while their callers are kept company: who is under way, and what came of it.
//!
//! One table for the process, whichever worker began a call and whichever asks for its outcome.
//! What is not in it, because it was too much, too old, or another process's, is asked anew under
//! the same `Idempotency-Key`: forgetting costs a call, and never a step.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};

use super::Outcome;
use crate::clock;
use crate::limits::{HELD_CALLS_MAX, HELD_OUTCOME_KEPT, HELD_OUTCOMES_BYTES_MAX};

/// One call of one execution: its sid, and the number of the step that calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The execution's sid.
    pub execution: String,
    /// Widgets entered so far, which no two calls of an execution have in common.
    pub step: u32,
}

/// The calls of this process. A clone is the same table.
#[derive(Clone, Debug)]
pub struct Held(Arc<Inner>);

/// The right to make a call. Dropped without an outcome (its thread ended, or it panicked), it
/// leaves the table as if there had been no call.
#[derive(Debug)]
pub struct Task {
    held: Held,
    place: Place,
    sender: watch::Sender<Option<Outcome>>,
}

/// What a call under way, or one that is over, gives.
#[derive(Debug)]
pub struct Waiting(watch::Receiver<Option<Outcome>>);

/// What a wait for an outcome ended with.
#[derive(Debug, PartialEq)]
pub enum Waited {
    /// The outcome.
    Done(Outcome),
    /// It is still under way.
    Late,
    /// Nobody makes the call any more.
    Lost,
}

#[derive(Debug)]
struct Inner {
    calls: Mutex<Calls>,
    under_way: Gauge,
    ready: Notify,
}

#[derive(Debug, Default)]
struct Calls {
    entries: HashMap<Place, Entry>,
    under_way: usize,
    /// Those that are over, oldest first, with the time of their end and their bytes.
    over: VecDeque<(Place, Instant, usize)>,
    bytes: usize,
    /// Executions that go on with nobody asking, as their outcome is there.
    ready: Vec<String>,
}

#[derive(Debug)]
struct Entry {
    outcome: watch::Receiver<Option<Outcome>>,
    /// Nobody comes to ask for it.
    unasked: bool,
}

/// What an outcome needs beside its body, about.
const OUTCOME_BYTES: usize = 512;

// === impl Held ===

impl Held {
    /// An empty table. `under_way` counts the calls that somebody makes.
    pub fn new(under_way: Gauge) -> Held {
        Held(Arc::new(Inner { calls: Mutex::default(), under_way, ready: Notify::new() }))
    }

    /// The call of a place, if it is known.
    pub fn wait(&self, place: &Place) -> Option<Waiting> {
        let calls = self.lock();
        calls.entries.get(place).map(|entry| Waiting(entry.outcome.clone()))
    }

    /// Takes the right to make a call; `None` where as many as may be are under way.
    pub fn begin(&self, place: &Place) -> Option<(Task, Waiting)> {
        let mut calls = self.lock();
        if calls.under_way >= HELD_CALLS_MAX {
            return None;
        }
        calls.under_way += 1;
        self.0.under_way.inc();
        let (sender, outcome) = watch::channel(None);
        let waiting = Waiting(outcome.clone());
        calls.entries.insert(place.clone(), Entry { outcome, unasked: false });
        drop(calls);
        Some((Task { held: self.clone(), place: place.clone(), sender }, waiting))
    }

    /// Says that nobody comes to ask for an outcome: it is to be told of by [`Held::ready`].
    pub fn unasked(&self, place: &Place) {
        let mut calls = self.lock();
        let Some(entry) = calls.entries.get_mut(place) else { return };
        entry.unasked = true;
        let over = entry.outcome.borrow().is_some();
        if over {
            calls.ready.push(place.execution.clone());
            self.0.ready.notify_one();
        }
    }

    /// Drops what came of a call that nobody was held for: no store knows of it.
    pub fn forget(&self, place: &Place) {
        self.lock().remove(place);
    }

    /// Waits until there may be something to take by [`Held::take_ready`].
    pub async fn ready(&self) {
        self.0.ready.notified().await;
    }

    /// The executions that nobody asks and whose outcome has come: each is told of once.
    pub fn take_ready(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().ready)
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        // Nothing under the lock can panic half-way through a change.
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Task ===

impl Task {
    /// Hands in what came of the call.
    pub fn done(self, outcome: Outcome) {
        let body = outcome.answer.as_ref().map_or(0, |answer| answer.body.len());
        let now = clock::now();
        let mut calls = self.held.lock();
        calls.forget(now);
        if calls.entries.contains_key(&self.place) {
            // The variables that were parsed of a body take about as much as it.
            let bytes = OUTCOME_BYTES + 2 * body;
            calls.bytes += bytes;
            calls.over.push_back((self.place.clone(), now, bytes));
        }
        let unasked = calls.entries.get(&self.place).is_some_and(|entry| entry.unasked);
        if unasked {
            calls.ready.push(self.place.execution.clone());
        }
        // Under the lock: who says `unasked` sees either no outcome, or this one.
        self.sender.send_replace(Some(outcome));
        drop(calls);
        if unasked {
            self.held.0.ready.notify_one();
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        let mut calls = self.held.lock();
        calls.under_way -= 1;
        self.held.0.under_way.dec();
        if self.sender.borrow().is_none() {
            calls.entries.remove(&self.place);
        }
    }
}

// === impl Waiting ===

impl Waiting {
    /// Waits for the outcome, until `until`.
    pub async fn outcome(mut self, until: Instant) -> Waited {
        match timeout_at(until, self.0.wait_for(Option::is_some)).await {
            Err(_) => Waited::Late,
            Ok(Err(_)) => Waited::Lost,
            Ok(Ok(outcome)) => outcome.clone().map_or(Waited::Lost, Waited::Done),
        }
    }
}

// === impl Calls ===

impl Calls {
    /// Drops what is too old or too much.
    fn forget(&mut self, now: Instant) {
        let old = |at: Instant| now.duration_since(at) >= HELD_OUTCOME_KEPT;
        while let Some((place, _, bytes)) =
            self.over.pop_front_if(|(_, at, _)| self.bytes > HELD_OUTCOMES_BYTES_MAX || old(*at))
        {
            self.entries.remove(&place);
            self.bytes -= bytes;
        }
    }

    fn remove(&mut self, place: &Place) {
        self.entries.remove(place);
        // Most often it is the last one: a call whose caller was not held after all.
        if let Some(at) = self.over.iter().rposition(|(over, ..)| over == place)
            && let Some((_, _, bytes)) = self.over.remove(at)
        {
            self.bytes -= bytes;
        }
    }
}
