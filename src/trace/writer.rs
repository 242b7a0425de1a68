//! The queue of traces, and the thread that writes them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::budget::TraceBudget;
use super::entry::{ConversationOutcome, TraceEntry};
use super::file::{TraceFile, TraceWrite};
use super::privacy::TracePrivacy;
use crate::catch_panic::catch;
use crate::clock;
use crate::config::TraceSection;
use crate::limits::{TRACE_EXPIRE_EVERY, TRACE_QUEUE_MAX, TRACE_RETRY_EVERY};
use crate::secret::Secret;

/// The time in which entries are collected for one transaction.
const GATHER: Duration = Duration::from_millis(50);
/// How often the budget looks at the rate of the exchanges.
const UPDATE_EVERY: Duration = Duration::from_secs(1);

/// Hands entries to the thread that writes them. A clone uses the same thread; one without a file
/// stores nothing.
#[derive(Clone, Debug, Default)]
pub struct TraceWriter(Option<Arc<TraceQueue>>);

#[derive(Debug)]
struct TraceQueue {
    section: TraceSection,
    privacy: TracePrivacy,
    budget: TraceBudget,
    waiting: Mutex<WaitingWrites>,
    /// Wakes the thread for entries, and [`TraceWriter::close`] for its end.
    wake: Condvar,
    dropped: AtomicU64,
    /// Why nothing is written at present.
    failure: Mutex<Option<String>>,
    report: FailureReport,
}

/// Gets the reason when the file cannot be written any more.
struct FailureReport(Box<dyn Fn(&str) + Send + Sync>);

#[derive(Debug, Default)]
struct WaitingWrites {
    writes: Vec<TraceWrite>,
    /// No more entries are accepted.
    is_closed: bool,
    /// The thread has ended.
    is_done: bool,
}

impl TraceWriter {
    /// Begins to write to the file of a configuration. `secrets` are never stored. `report` gets
    /// the reason when the file cannot be written any more.
    pub fn start(
        section: &TraceSection,
        secrets: Vec<Secret>,
        report: impl Fn(&str) + Send + Sync + 'static,
    ) -> TraceWriter {
        if section.file.is_none() {
            return TraceWriter::default();
        }
        let privacy = TracePrivacy { never: section.never.clone(), secrets };
        let queue = Arc::new(TraceQueue {
            privacy,
            budget: TraceBudget::new(section.per_second),
            waiting: Mutex::default(),
            wake: Condvar::new(),
            dropped: AtomicU64::new(0),
            failure: Mutex::default(),
            report: FailureReport(Box::new(report)),
            section: section.clone(),
        });
        let writer = Arc::clone(&queue);
        let thread = std::thread::Builder::new().name("trace".to_owned());
        let run = move || {
            // A defect in a trace must not be seen by a caller.
            if catch(|| writer.run()).is_err() {
                writer.abort("a panic ended the thread");
            }
        };
        if let Err(error) = thread.spawn(run) {
            queue.abort(&format!("the thread cannot be started: {error}"));
        }
        TraceWriter(Some(queue))
    }

    /// Whether the exchanges of a conversation are stored. `identity` is the same in all of them.
    pub(crate) fn selects(&self, identity: &[&str]) -> bool {
        self.0.as_ref().is_some_and(|queue| queue.budget.selects(identity))
    }

    /// Whether traces are stored at all.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Writes an entry, or counts it as dropped. Never waits for the file.
    pub(crate) fn write(&self, entry: TraceEntry) {
        self.push(TraceWrite::Entry(Box::new(entry)));
    }

    /// Records the end of an execution that had no exchange.
    pub(crate) fn end(&self, execution: &str, outcome: ConversationOutcome) {
        self.push(TraceWrite::End(execution.to_owned(), outcome));
    }

    fn push(&self, write: TraceWrite) {
        let Some(queue) = &self.0 else { return };
        let mut waiting = queue.waiting.lock();
        if waiting.is_closed || waiting.writes.len() >= TRACE_QUEUE_MAX {
            drop(waiting);
            queue.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.writes.push(write);
        // Only the first one: the thread takes all that wait.
        if waiting.writes.len() == 1 {
            queue.wake.notify_all();
        }
    }

    /// The number of entries that were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.0.as_ref().map_or(0, |queue| queue.dropped.load(Ordering::Relaxed))
    }

    /// Writes what waits, and ends the thread; at most for a second.
    pub fn close(&self) {
        let Some(queue) = &self.0 else { return };
        let mut waiting = queue.waiting.lock();
        waiting.is_closed = true;
        queue.wake.notify_all();
        let until = clock::now() + Duration::from_secs(1);
        while !waiting.is_done {
            let left = until.saturating_duration_since(clock::now());
            if left.is_zero() || queue.wake.wait_for(&mut waiting, left).timed_out() {
                break;
            }
        }
    }
}

impl TraceQueue {
    fn run(&self) {
        let mut file: Option<TraceFile> = None;
        let mut open_at = clock::now();
        let mut updated = clock::now();
        let mut expire_at = clock::now() + TRACE_EXPIRE_EVERY;
        loop {
            let mut group = {
                let mut waiting = self.waiting.lock();
                if waiting.writes.is_empty() && !waiting.is_closed {
                    self.wake.wait_for(&mut waiting, UPDATE_EVERY);
                }
                std::mem::take(&mut waiting.writes)
            };
            let now = clock::now();
            if now.duration_since(updated) >= UPDATE_EVERY {
                self.budget.update(now.duration_since(updated).as_secs_f64());
                updated = now;
                file = file.filter(TraceFile::is_in_place);
            }
            if file.is_none() && (now >= open_at || self.is_closed()) {
                open_at = now + TRACE_RETRY_EVERY;
                file = self.open();
            }
            self.write(&mut file, &mut group);
            if now >= expire_at {
                expire_at = now + self.expire(&mut file);
            }
            if self.is_closed() {
                let mut waiting = self.waiting.lock();
                // Entries that came between are written in another round.
                if waiting.writes.is_empty() {
                    waiting.is_done = true;
                    self.wake.notify_all();
                    return;
                }
                continue;
            }
            std::thread::sleep(GATHER);
        }
    }

    fn is_closed(&self) -> bool {
        self.waiting.lock().is_closed
    }

    fn open(&self) -> Option<TraceFile> {
        let opened = TraceFile::open(self.section.file.as_deref()?);
        self.set_failure(opened.as_ref().err().cloned());
        opened.ok()
    }

    fn write(&self, file: &mut Option<TraceFile>, group: &mut [TraceWrite]) {
        if group.is_empty() {
            return;
        }
        for write in group.iter_mut() {
            if let TraceWrite::Entry(entry) = write {
                self.privacy.apply(entry);
            }
        }
        let written = match file {
            Some(open) => open.write(group).map_err(|error| error.to_string()),
            None => Err(self.failure.lock().clone().unwrap_or_default()),
        };
        if let Err(failure) = written {
            self.dropped.fetch_add(group.len() as u64, Ordering::Relaxed);
            self.set_failure(Some(failure));
            // It is opened again: a damaged file is moved aside then.
            *file = None;
        }
    }

    /// Deletes what is too old or too much. Returns the time until the next look.
    fn expire(&self, file: &mut Option<TraceFile>) -> Duration {
        let Some(open) = file else { return TRACE_EXPIRE_EVERY };
        let before = clock::wall().saturating_sub(self.section.max_age).as_micros();
        let before = i64::try_from(before).unwrap_or(i64::MAX);
        match open.expire(before, i64::try_from(self.section.bytes_max).unwrap_or(i64::MAX)) {
            Ok(true) => Duration::ZERO,
            Ok(false) => TRACE_EXPIRE_EVERY,
            Err(error) => {
                self.set_failure(Some(error.to_string()));
                *file = None;
                TRACE_EXPIRE_EVERY
            }
        }
    }

    /// Reports a failure once, until the file can be written again.
    fn set_failure(&self, failure: Option<String>) {
        let former = std::mem::replace(&mut *self.failure.lock(), failure.clone());
        if let Some(failure) = failure.filter(|_| former.is_none()) {
            (self.report.0)(&failure);
        }
    }

    /// Ends the acceptance of entries.
    fn abort(&self, failure: &str) {
        self.set_failure(Some(failure.to_owned()));
        let mut waiting = self.waiting.lock();
        waiting.is_closed = true;
        waiting.is_done = true;
        self.dropped.fetch_add(waiting.writes.len() as u64, Ordering::Relaxed);
        waiting.writes.clear();
        self.wake.notify_all();
    }
}

impl fmt::Debug for FailureReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}
