//! The state cache: the last states of active executions, so that the next webhook of a call or a
//! chat reads nothing from the file.

use std::collections::HashMap;
use std::sync::Arc;

use crate::limits::STATES_BYTES_MAX;
use crate::session::StoredExecution;
use crate::session::key_digest::KeyDigest;

/// States by session, as they were committed last. Any of them may be missing.
///
/// There are two generations. When the young one has half of the bytes that are allowed, it becomes
/// the old one, and the old one is dropped: all that was not written again since the last time.
/// That is nearly a least-recently-used order, and costs no list.
#[derive(Debug, Default)]
pub(super) struct StateCache {
    young: CacheGeneration,
    old: CacheGeneration,
}

#[derive(Debug, Default)]
struct CacheGeneration {
    /// Each with its row.
    states: HashMap<KeyDigest, (i64, Arc<StoredExecution>)>,
    bytes: usize,
}

/// What an entry needs beside its texts and its state, about.
const CACHE_ENTRY_BYTES: usize = 320;

// === impl StateCache ===

impl StateCache {
    /// The state of a session's active execution.
    pub(super) fn get(&self, session: KeyDigest) -> Option<Arc<StoredExecution>> {
        let found = self.young.states.get(&session).or_else(|| self.old.states.get(&session));
        found.map(|(_, stored)| Arc::clone(stored))
    }

    /// Inserts the state of the session's active execution, instead of any other.
    pub(super) fn insert(&mut self, session: KeyDigest, row: i64, stored: Arc<StoredExecution>) {
        // From both, so that an older state cannot be found after a newer one is dropped.
        self.young.remove(session);
        self.old.remove(session);
        self.young.bytes += bytes(&stored);
        self.young.states.insert(session, (row, stored));
        if self.young.bytes > STATES_BYTES_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
        }
    }

    /// Removes the state of this row: its execution is not, or no longer, the session's active one.
    pub(super) fn remove(&mut self, session: KeyDigest, row: i64) {
        for generation in [&mut self.young, &mut self.old] {
            // Another execution may be active for the session by now.
            if generation.states.get(&session).is_some_and(|(own, _)| *own == row) {
                generation.remove(session);
            }
        }
    }
}

// === impl CacheGeneration ===

impl CacheGeneration {
    fn remove(&mut self, session: KeyDigest) {
        if let Some((_, stored)) = self.states.remove(&session) {
            self.bytes -= bytes(&stored);
        }
    }
}

fn bytes(stored: &StoredExecution) -> usize {
    let texts = [&stored.sid, &stored.session, &stored.flow, &stored.revision];
    CACHE_ENTRY_BYTES + stored.state.len() + texts.map(String::len).iter().sum::<usize>()
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;

    /// An active execution with a state of so many bytes.
    pub(in super::super) fn execution(sid: &str, bytes: usize) -> Arc<StoredExecution> {
        Arc::new(StoredExecution {
            sid: sid.to_owned(),
            session: String::new(),
            flow: String::new(),
            revision: String::new(),
            version: 1,
            active: true,
            created: Duration::ZERO,
            updated: Duration::ZERO,
            due: None,
            state: vec![0; bytes],
        })
    }

    fn sid(cache: &StateCache, session: KeyDigest) -> Option<String> {
        cache.get(session).map(|stored| stored.sid.clone())
    }

    #[test]
    fn the_last_state_counts_until_its_own_row_is_removed() {
        let mut cache = StateCache::default();
        cache.insert(1, 7, execution("FN1", 0));
        cache.insert(1, 8, execution("FN2", 0));
        cache.remove(1, 7);
        assert_eq!(sid(&cache, 1).as_deref(), Some("FN2"));
        cache.remove(1, 8);
        assert_eq!((sid(&cache, 1), cache.young.bytes), (None, 0));
    }

    #[test]
    fn memory_is_bounded_and_a_state_that_is_written_again_stays() {
        let mut cache = StateCache::default();
        for number in 0..10_000 {
            cache.insert(number, 1, execution("FN", 5_000));
            cache.insert(0, 1, execution("FN0", number as usize));
            assert!(cache.young.bytes + cache.old.bytes <= STATES_BYTES_MAX + 10_000);
        }
        assert_eq!(sid(&cache, 0).as_deref(), Some("FN0"));
        assert_eq!(sid(&cache, 1), None);
        assert_eq!(sid(&cache, 9_999).as_deref(), Some("FN"));
        let count = cache.young.states.len() + cache.old.states.len();
        assert!((500..2_000).contains(&count), "{count}");
    }
}
