//! `memory:`, the store whose executions end with the process. The replies are in the claim table.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use parking_lot::Mutex;

use super::{Commit, ExecutionQuery, StepQuery, StepRecord, StoreError, StoredExecution};
use crate::limits::{CLAIM_KEPT, EXECUTION_KEPT, EXPIRED_ROWS_MAX, MEMORY_EXECUTIONS_MAX};

/// The executions of this process. Bounded: ended ones go first, the oldest of them before others.
#[derive(Debug, Default)]
pub(super) struct MemoryStore(Mutex<MemoryTables>);

/// Executions by their sid, with an index for each order in which they are asked for. An execution
/// is in all of them, or in none.
#[derive(Debug, Default)]
struct MemoryTables {
    executions: HashMap<String, MemoryExecution>,
    /// The sid of each session's active execution.
    active: HashMap<String, String>,
    /// Flow, creation, sid.
    by_flow: BTreeSet<(String, Duration, String)>,
    /// Time of the timer, sid.
    by_due: BTreeSet<(Duration, String)>,
    /// Whether active, update, sid: ended ones are first.
    by_update: BTreeSet<(bool, Duration, String)>,
    flows: HashMap<String, MemoryFlow>,
    /// The number of executions of each revision.
    revisions: HashMap<String, usize>,
}

#[derive(Debug)]
struct MemoryExecution {
    stored: StoredExecution,
    /// Oldest first.
    steps: Vec<StepRecord>,
}

#[derive(Debug)]
struct MemoryFlow {
    definition: String,
    /// When it was first seen without an execution and without a route, since 1970.
    unused_since: Option<Duration>,
}

// === impl MemoryStore ===

impl MemoryStore {
    pub(super) fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        let mut tables = self.0.lock();
        // All checks before the first change.
        let ended = commit.ended.as_deref();
        for execution in ended.into_iter().chain(&commit.execution) {
            tables.check_version(execution)?;
        }
        if let Some(execution) = &commit.execution
            && execution.active
            && let Some(other) = tables.active.get(&execution.session)
            && *other != execution.sid
            && ended.is_none_or(|ended| *other != ended.sid)
        {
            return Err(StoreError::Conflict(other.clone()));
        }
        // The former execution first: its session is free for the other one then.
        for execution in commit.ended.map(|ended| *ended).into_iter().chain(commit.execution) {
            tables.insert(execution);
        }
        for step in commit.steps {
            if let Some(execution) = tables.executions.get_mut(&step.execution) {
                let index = execution.steps.partition_point(|other| other.at <= step.at);
                execution.steps.insert(index, step);
            }
        }
        tables.evict();
        // The claim last: a repeat that gets the reply then finds the state of that reply.
        drop(tables);
        if let Some(claim) = commit.claim {
            claim.complete(&commit.reply);
        }
        Ok(())
    }

    pub(super) fn active(&self, session: &str) -> Option<StoredExecution> {
        let tables = self.0.lock();
        tables.active.get(session).and_then(|sid| tables.execution(sid))
    }

    pub(super) fn execution(&self, sid: &str) -> Option<StoredExecution> {
        self.0.lock().execution(sid)
    }

    pub(super) fn executions(&self, query: &ExecutionQuery) -> Vec<StoredExecution> {
        let tables = self.0.lock();
        let key = |at, sid: &str| (query.flow.clone(), at, sid.to_owned());
        let from = key(query.from.unwrap_or_default(), "");
        let mut until = key(query.until.unwrap_or(Duration::MAX), "");
        if let Some((at, sid)) = &query.after {
            until = until.min(key(*at, sid));
        }
        // `BTreeSet::range` panics on a range whose end is before its start.
        if from >= until {
            return Vec::new();
        }
        let newest_first = tables.by_flow.range(from..until).rev().take(query.limit);
        newest_first.filter_map(|(_, _, sid)| tables.execution(sid)).collect()
    }

    pub(super) fn steps(&self, execution: &str, query: &StepQuery) -> Vec<StepRecord> {
        let tables = self.0.lock();
        let steps = tables.executions.get(execution).map_or(&[][..], |found| &found.steps);
        let end = query.after.as_ref().map_or(steps.len(), |(at, sid)| {
            let last = steps.iter().position(|step| step.at == *at && step.sid == *sid);
            // A step that is gone: the page goes on before its time.
            last.unwrap_or_else(|| steps.partition_point(|step| step.at < *at))
        });
        steps[..end].iter().rev().take(query.limit).cloned().collect()
    }

    pub(super) fn delete(&self, sid: &str) -> bool {
        self.0.lock().remove(sid).is_some()
    }

    pub(super) fn due(&self, before: Duration, limit: usize) -> Vec<StoredExecution> {
        let tables = self.0.lock();
        let due = tables.by_due.range(..(before, String::new())).take(limit);
        due.filter_map(|(_, sid)| tables.execution(sid)).collect()
    }

    pub(super) fn store_flow(&self, revision: &str, definition: &str) {
        let mut tables = self.0.lock();
        // The first definition of a revision stays.
        if !tables.flows.contains_key(revision) {
            let flow = MemoryFlow { definition: definition.to_owned(), unused_since: None };
            tables.flows.insert(revision.to_owned(), flow);
        }
    }

    pub(super) fn flow(&self, revision: &str) -> Option<String> {
        self.0.lock().flows.get(revision).map(|flow| flow.definition.clone())
    }

    pub(super) fn expire(&self, now: Duration, current: &[String]) {
        let mut tables = self.0.lock();
        let oldest = now.saturating_sub(EXECUTION_KEPT);
        // The index has ended and active ones apart, so each is a range of its own.
        for active in [false, true] {
            let old = (active, Duration::ZERO, String::new())..(active, oldest, String::new());
            let old = tables.by_update.range(old).take(EXPIRED_ROWS_MAX);
            let old: Vec<String> = old.map(|(_, _, sid)| sid.clone()).collect();
            for sid in old {
                tables.remove(&sid);
            }
        }
        let MemoryTables { flows, revisions, .. } = &mut *tables;
        flows.retain(|revision, flow| {
            if current.contains(revision) || revisions.contains_key(revision) {
                flow.unused_since = None;
                return true;
            }
            now < flow.unused_since.get_or_insert(now).saturating_add(CLAIM_KEPT)
        });
    }
}

// === impl MemoryTables ===

impl MemoryTables {
    fn execution(&self, sid: &str) -> Option<StoredExecution> {
        self.executions.get(sid).map(|execution| execution.stored.clone())
    }

    /// Checks that a record is the next one of its execution.
    fn check_version(&self, next: &StoredExecution) -> Result<(), StoreError> {
        let found = self.executions.get(&next.sid).map_or(0, |found| found.stored.version);
        if found + 1 == next.version { Ok(()) } else { Err(StoreError::Stale(next.sid.clone())) }
    }

    /// Inserts an execution, or replaces the one with its sid; its steps stay.
    fn insert(&mut self, stored: StoredExecution) {
        // Removed and inserted: any column, and so its key in any index, may be another now.
        let steps = self.remove(&stored.sid).map(|former| former.steps).unwrap_or_default();
        let sid = stored.sid.clone();
        if stored.active {
            self.active.insert(stored.session.clone(), sid.clone());
        }
        self.by_flow.insert((stored.flow.clone(), stored.created, sid.clone()));
        self.by_update.insert((stored.active, stored.updated, sid.clone()));
        self.by_due.extend(stored.due.map(|due| (due, sid.clone())));
        *self.revisions.entry(stored.revision.clone()).or_default() += 1;
        self.executions.insert(sid, MemoryExecution { stored, steps });
    }

    fn remove(&mut self, sid: &str) -> Option<MemoryExecution> {
        let execution = self.executions.remove(sid)?;
        let stored = &execution.stored;
        // An ended execution may be removed while a later one is active for its session.
        if self.active.get(&stored.session).is_some_and(|active| active == sid) {
            self.active.remove(&stored.session);
        }
        self.by_flow.remove(&(stored.flow.clone(), stored.created, sid.to_owned()));
        self.by_update.remove(&(stored.active, stored.updated, sid.to_owned()));
        if let Some(due) = stored.due {
            self.by_due.remove(&(due, sid.to_owned()));
        }
        if let Some(count) = self.revisions.get_mut(&stored.revision) {
            *count -= 1;
            if *count == 0 {
                self.revisions.remove(&stored.revision);
            }
        }
        Some(execution)
    }

    fn evict(&mut self) {
        while self.executions.len() > MEMORY_EXECUTIONS_MAX {
            let Some((_, _, sid)) = self.by_update.first().cloned() else { return };
            self.remove(&sid);
        }
    }
}
