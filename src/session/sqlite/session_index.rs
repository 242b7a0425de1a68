//! The session index: which sessions have an active execution, as far as it is known without a read
//! of the file.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use rusqlite::Connection;

use super::state_cache::StateCache;
use crate::limits::SESSIONS_KNOWN_MAX;
use crate::session::StoredExecution;
use crate::session::key_digest::{KeyDigest, session_digest};

/// What the file says of sessions. It may have an execution that ended as active, and never the
/// reverse: a commit is applied here before its task gets the result.
#[derive(Debug, Default)]
pub(super) struct SessionIndex(Mutex<IndexState>);

/// Index and cache under one mutex, so that a read sees both before a commit, or both after it.
#[derive(Debug, Default)]
struct IndexState {
    active: Option<ActiveRows>,
    cache: StateCache,
}

/// The row of the active execution of each session. It has all of them, or it does not exist: once
/// there are more than [`SESSIONS_KNOWN_MAX`], the file is asked each time, until it is opened
/// again.
type ActiveRows = HashMap<KeyDigest, i64>;

/// The row of an execution that may or may not exist. SQLite begins to count rows at 1.
const UNKNOWN_ROW: i64 = 0;

/// A session's active execution, as far as it is known.
#[derive(Debug, PartialEq)]
pub(super) enum ActiveExecution {
    /// There certainly is none.
    None,
    /// The execution as it was committed last.
    Cached(Arc<StoredExecution>),
    /// The file has to be asked.
    Unknown,
}

/// What a commit changes about a session.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SessionChange {
    /// The execution of this row is its active one, and this is its state.
    Activated(KeyDigest, i64, Arc<StoredExecution>),
    /// The execution of this row is not, or no longer, its active one.
    Deactivated(KeyDigest, i64),
}

// === impl SessionIndex ===

impl SessionIndex {
    /// The active execution of a session.
    pub(super) fn active(&self, session: &str) -> ActiveExecution {
        // The digest first: SHA-256 takes longer than all that is done under the mutex.
        let (session, index) = (session_digest(session), self.lock());
        if index.active.as_ref().is_some_and(|active| !active.contains_key(&session)) {
            return ActiveExecution::None;
        }
        index.cache.get(session).map_or(ActiveExecution::Unknown, ActiveExecution::Cached)
    }

    /// Loads what a file says, and forgets what another one said.
    pub(super) fn load(&self, connection: &Connection) -> rusqlite::Result<()> {
        // Of these columns and this condition, SQLite reads the index alone, and not the states.
        let sql = "SELECT session, id FROM execution WHERE active = 1 LIMIT ?1";
        let mut select = connection.prepare(sql)?;
        // One more than the limit, so that `limit_rows` sees that there are too many.
        let mut rows = select.query([SESSIONS_KNOWN_MAX as i64 + 1])?;
        let mut active = ActiveRows::new();
        while let Some(row) = rows.next()? {
            // A session key that is not a text is damaged, and no session has it.
            if let Ok(session) = row.get_ref(0)?.as_str() {
                active.insert(session_digest(session), row.get(1)?);
            }
        }
        *self.lock() = IndexState { active: limit_rows(active), cache: StateCache::default() };
        Ok(())
    }

    /// Applies what was committed, in this order.
    pub(super) fn apply(&self, changes: Vec<SessionChange>) {
        let mut index = self.lock();
        let mut active = index.active.take();
        for change in changes {
            match change {
                SessionChange::Activated(session, row, stored) => {
                    if let Some(active) = &mut active {
                        active.insert(session, row);
                    }
                    index.cache.insert(session, row, stored);
                }
                SessionChange::Deactivated(session, row) => {
                    // Another execution may be active for the session by now.
                    if let Some(active) = &mut active
                        && active.get(&session) == Some(&row)
                    {
                        active.remove(&session);
                    }
                    index.cache.remove(session, row);
                }
            }
        }
        index.active = active.and_then(limit_rows);
    }

    /// Marks sessions of a group whose commit is uncertain: they may have an active execution. Any
    /// state in the cache may be outdated. It is certain again when the file has been opened again,
    /// and [`SessionIndex::load`] has read it.
    pub(super) fn mark_unsure<'a>(&self, sessions: impl Iterator<Item = &'a str>) {
        let mut index = self.lock();
        index.cache = StateCache::default();
        let Some(mut active) = index.active.take() else { return };
        for session in sessions {
            // A row that is known stays, so that the end of its execution still clears the entry.
            active.entry(session_digest(session)).or_insert(UNKNOWN_ROW);
        }
        index.active = limit_rows(active);
    }

    fn lock(&self) -> MutexGuard<'_, IndexState> {
        self.0.lock()
    }
}

/// The rows, or `None` if they are more than the index may have: then it is uncertain about all.
fn limit_rows(active: ActiveRows) -> Option<ActiveRows> {
    (active.len() <= SESSIONS_KNOWN_MAX).then_some(active)
}

#[cfg(test)]
mod tests {
    use super::super::state_cache::tests::execution;
    use super::*;

    fn index() -> SessionIndex {
        SessionIndex(Mutex::new(IndexState {
            active: Some(ActiveRows::new()),
            cache: StateCache::default(),
        }))
    }

    fn stored() -> Arc<StoredExecution> {
        execution("FN1", 0)
    }

    fn activated(session: &str, row: i64) -> SessionChange {
        SessionChange::Activated(session_digest(session), row, stored())
    }

    fn deactivated(session: &str, row: i64) -> SessionChange {
        SessionChange::Deactivated(session_digest(session), row)
    }

    #[test]
    fn a_session_has_an_active_execution_until_its_own_row_is_deactivated() {
        let index = index();
        assert_eq!(index.active("a"), ActiveExecution::None);
        index.apply(vec![activated("a", 1)]);
        assert_eq!(
            (index.active("a"), index.active("b")),
            (ActiveExecution::Cached(stored()), ActiveExecution::None)
        );
        // The one before is ended late.
        index.apply(vec![activated("a", 2), deactivated("a", 1)]);
        assert_eq!(index.active("a"), ActiveExecution::Cached(stored()));
        index.apply(vec![deactivated("a", 2)]);
        assert_eq!(index.active("a"), ActiveExecution::None);
    }

    #[test]
    fn an_unsure_index_asks_the_file() {
        let index = index();
        index.apply(vec![activated("a", 1), activated("c", 2)]);
        index.mark_unsure(["a", "b"].into_iter());
        assert_eq!(
            ["a", "b", "c"].map(|at| index.active(at)),
            [const { ActiveExecution::Unknown }; 3]
        );
        index.apply(vec![deactivated("a", 1), deactivated("b", 7)]);
        assert_eq!(
            (index.active("a"), index.active("b")),
            (ActiveExecution::None, ActiveExecution::Unknown)
        );
        index.apply(vec![activated("b", 7), deactivated("b", 7)]);
        assert_eq!(index.active("b"), ActiveExecution::None);
    }

    #[test]
    fn beyond_the_limit_only_the_cache_answers() {
        let index = index();
        let begun = |number: usize| SessionChange::Activated(number as KeyDigest, 1, stored());
        index.apply((0..SESSIONS_KNOWN_MAX).map(begun).collect());
        assert_eq!(index.active("a"), ActiveExecution::None);
        index.apply(vec![begun(SESSIONS_KNOWN_MAX), activated("b", 1)]);
        assert_eq!(index.active("a"), ActiveExecution::Unknown);
        assert_eq!(index.active("b"), ActiveExecution::Cached(stored()));
        index.apply(vec![deactivated("b", 1)]);
        index.mark_unsure(["b"].into_iter());
        assert_eq!(index.active("b"), ActiveExecution::Unknown);
        // Nor before anything was loaded.
        assert_eq!(SessionIndex::default().active("a"), ActiveExecution::Unknown);
    }
}
