//! `memory:`, executions that end with the process. The replies are on the desk.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use super::{Commit, Listing, Page, Saved, StepRecord, StoreError};
use crate::limits::{CLAIM_KEPT, EXECUTION_KEPT, EXPIRED_ROWS_MAX, MEMORY_EXECUTIONS_MAX};

/// The executions of this process. Bounded: those that ended go first, the oldest of them before.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Kept>);

/// Executions by their sid, and the same in the orders in which they are asked for.
#[derive(Debug, Default)]
struct Kept {
    executions: HashMap<String, Execution>,
    active: HashMap<String, String>,
    /// Flow, creation, sid.
    listed: BTreeSet<(String, Duration, String)>,
    due: BTreeSet<(Duration, String)>,
    /// Active, update, sid: those that ended are first.
    updated: BTreeSet<(bool, Duration, String)>,
    flows: HashMap<String, Definition>,
    /// Executions of each revision.
    used: HashMap<String, usize>,
}

#[derive(Debug)]
struct Execution {
    saved: Saved,
    /// Oldest first.
    steps: Vec<StepRecord>,
}

#[derive(Debug)]
struct Definition {
    text: String,
    unused_since: Option<Duration>,
}

// === impl Memory ===

impl Memory {
    pub(super) fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        let mut kept = self.lock();
        if let Some(saved) = commit.execution {
            if saved.active
                && let Some(other) = kept.active.get(&saved.session)
                && *other != saved.sid
            {
                return Err(StoreError::Conflict(other.clone()));
            }
            kept.save(saved);
        }
        for step in commit.steps {
            if let Some(execution) = kept.executions.get_mut(&step.execution) {
                let place = execution.steps.partition_point(|other| other.at <= step.at);
                execution.steps.insert(place, step);
            }
        }
        kept.shrink();
        drop(kept);
        if let Some(ticket) = commit.ticket {
            ticket.answer(&commit.reply);
        }
        Ok(())
    }

    pub(super) fn active(&self, session: &str) -> Option<Saved> {
        let kept = self.lock();
        kept.active.get(session).and_then(|sid| kept.saved(sid))
    }

    pub(super) fn execution(&self, sid: &str) -> Option<Saved> {
        self.lock().saved(sid)
    }

    pub(super) fn executions(&self, list: &Listing) -> Vec<Saved> {
        let kept = self.lock();
        let place = |at, sid: &str| (list.flow.clone(), at, sid.to_owned());
        let from = place(list.from.unwrap_or_default(), "");
        let mut until = place(list.until.unwrap_or(Duration::MAX), "");
        if let Some((at, sid)) = &list.after {
            until = until.min(place(*at, sid));
        }
        if from >= until {
            return Vec::new();
        }
        let newest_first = kept.listed.range(from..until).rev().take(list.limit);
        newest_first.filter_map(|(_, _, sid)| kept.saved(sid)).collect()
    }

    pub(super) fn steps(&self, execution: &str, page: &Page) -> Vec<StepRecord> {
        let kept = self.lock();
        let steps = kept.executions.get(execution).map_or(&[][..], |found| &found.steps);
        let end = page.after.as_ref().map_or(steps.len(), |(at, sid)| {
            let last = steps.iter().position(|step| step.at == *at && step.sid == *sid);
            last.unwrap_or_else(|| steps.partition_point(|step| step.at < *at))
        });
        steps[..end].iter().rev().take(page.limit).cloned().collect()
    }

    pub(super) fn delete(&self, sid: &str) -> bool {
        self.lock().remove(sid).is_some()
    }

    pub(super) fn due(&self, before: Duration, limit: usize) -> Vec<Saved> {
        let kept = self.lock();
        let due = kept.due.range(..(before, String::new())).take(limit);
        due.filter_map(|(_, sid)| kept.saved(sid)).collect()
    }

    pub(super) fn keep_flow(&self, revision: &str, definition: &str) {
        let mut kept = self.lock();
        if !kept.flows.contains_key(revision) {
            let definition = Definition { text: definition.to_owned(), unused_since: None };
            kept.flows.insert(revision.to_owned(), definition);
        }
    }

    pub(super) fn flow(&self, revision: &str) -> Option<String> {
        self.lock().flows.get(revision).map(|definition| definition.text.clone())
    }

    pub(super) fn expire(&self, now: Duration, current: &[String]) {
        let mut kept = self.lock();
        let oldest = now.saturating_sub(EXECUTION_KEPT);
        for active in [false, true] {
            let old = (active, Duration::ZERO, String::new())..(active, oldest, String::new());
            let old = kept.updated.range(old).take(EXPIRED_ROWS_MAX);
            let old: Vec<String> = old.map(|(_, _, sid)| sid.clone()).collect();
            for sid in old {
                kept.remove(&sid);
            }
        }
        let Kept { flows, used, .. } = &mut *kept;
        flows.retain(|revision, definition| {
            if current.contains(revision) || used.contains_key(revision) {
                definition.unused_since = None;
                return true;
            }
            now < definition.unused_since.get_or_insert(now).saturating_add(CLAIM_KEPT)
        });
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock()
    }
}

// === impl Kept ===

impl Kept {
    fn saved(&self, sid: &str) -> Option<Saved> {
        self.executions.get(sid).map(|execution| execution.saved.clone())
    }

    fn save(&mut self, saved: Saved) {
        let steps = self.remove(&saved.sid).map(|former| former.steps).unwrap_or_default();
        let sid = saved.sid.clone();
        if saved.active {
            self.active.insert(saved.session.clone(), sid.clone());
        }
        self.listed.insert((saved.flow.clone(), saved.created, sid.clone()));
        self.updated.insert((saved.active, saved.updated, sid.clone()));
        self.due.extend(saved.due.map(|due| (due, sid.clone())));
        *self.used.entry(saved.revision.clone()).or_default() += 1;
        self.executions.insert(sid, Execution { saved, steps });
    }

    fn remove(&mut self, sid: &str) -> Option<Execution> {
        let execution = self.executions.remove(sid)?;
        let saved = &execution.saved;
        if self.active.get(&saved.session).is_some_and(|active| active == sid) {
            self.active.remove(&saved.session);
        }
        self.listed.remove(&(saved.flow.clone(), saved.created, sid.to_owned()));
        self.updated.remove(&(saved.active, saved.updated, sid.to_owned()));
        if let Some(due) = saved.due {
            self.due.remove(&(due, sid.to_owned()));
        }
        if let Some(count) = self.used.get_mut(&saved.revision) {
            *count -= 1;
            if *count == 0 {
                self.used.remove(&saved.revision);
            }
        }
        Some(execution)
    }

    fn shrink(&mut self) {
        while self.executions.len() > MEMORY_EXECUTIONS_MAX {
            let Some((_, _, sid)) = self.updated.first().cloned() else { return };
            self.remove(&sid);
        }
    }
}
