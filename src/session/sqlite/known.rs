//! The sessions with an active execution, so that a person who is new costs no look into the file.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use crate::limits::SESSIONS_KNOWN_MAX;
use crate::session::desk::{Digest, digest};

/// What the file says of sessions. It may take one that is over for active, never the reverse:
/// what is committed is told here before anybody hears that it is.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<Option<Active>>);

/// The row of the active execution of each session. All of them, or there is no such table: once
/// there are more than [`SESSIONS_KNOWN_MAX`], the file is asked each time, until it is opened
/// again.
type Active = HashMap<Digest, i64>;

/// A row that is of no execution: that of one that may be there.
const SOME_ROW: i64 = 0;

/// What a commit changes about a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The execution of this row is its active one.
    Begun(Digest, i64),
    /// The execution of this row is not, or not any more.
    Left(Digest, i64),
}

// === impl Known ===

impl Known {
    /// Whether a session certainly has no active execution.
    pub(super) fn has_none(&self, session: &str) -> bool {
        self.lock().as_ref().is_some_and(|active| !active.contains_key(&digest(session)))
    }

    /// Takes over what a file says, and forgets what was known of another.
    pub(super) fn load(&self, connection: &Connection) -> rusqlite::Result<()> {
        // Of the index alone.
        let sql = "SELECT session, id FROM execution WHERE active = 1 LIMIT ?1";
        let mut select = connection.prepare(sql)?;
        let mut rows = select.query([SESSIONS_KNOWN_MAX as i64 + 1])?;
        let mut active = Active::new();
        while let Some(row) = rows.next()? {
            // What is no text is damaged, and nobody's session.
            if let Ok(session) = row.get_ref(0)?.as_str() {
                active.insert(digest(session), row.get(1)?);
            }
        }
        *self.lock() = bounded(active);
        Ok(())
    }

    /// These were committed, in this order.
    pub(super) fn changed(&self, changes: &[Change]) {
        let mut known = self.lock();
        let Some(mut active) = known.take() else { return };
        for change in changes {
            match *change {
                Change::Begun(session, row) => {
                    active.insert(session, row);
                }
                Change::Left(session, row) => {
                    // Another one may have taken its place.
                    if active.get(&session) == Some(&row) {
                        active.remove(&session);
                    }
                }
            }
        }
        *known = bounded(active);
    }

    /// Whether this was committed is not certain: the session may have an active execution. It is,
    /// when the file has been opened again and [`Known::load`] has looked.
    pub(super) fn doubt(&self, session: &str) {
        let mut known = self.lock();
        let Some(mut active) = known.take() else { return };
        active.entry(digest(session)).or_insert(SOME_ROW);
        *known = bounded(active);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Active>> {
        // Nothing under the lock can panic half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bounded(active: Active) -> Option<Active> {
    (active.len() <= SESSIONS_KNOWN_MAX).then_some(active)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        Known(Mutex::new(Some(Active::new())))
    }

    #[test]
    fn a_session_is_known_until_its_own_execution_leaves() {
        let known = known();
        assert!(known.has_none("a"));
        known.changed(&[Change::Begun(digest("a"), 1)]);
        assert!(!known.has_none("a") && known.has_none("b"));
        // The one before is ended late.
        known.changed(&[Change::Begun(digest("a"), 2), Change::Left(digest("a"), 1)]);
        assert!(!known.has_none("a"));
        known.changed(&[Change::Left(digest("a"), 2)]);
        assert!(known.has_none("a"));
    }

    #[test]
    fn doubt_takes_a_session_for_active() {
        let known = known();
        known.changed(&[Change::Begun(digest("a"), 1)]);
        known.doubt("a");
        known.doubt("b");
        known.changed(&[Change::Left(digest("a"), 1), Change::Left(digest("b"), 7)]);
        assert!(known.has_none("a") && !known.has_none("b"));
        known.changed(&[Change::Begun(digest("b"), 7), Change::Left(digest("b"), 7)]);
        assert!(known.has_none("b"));
    }

    #[test]
    fn beyond_the_bound_nothing_is_known() {
        let known = known();
        let begun = |number: usize| Change::Begun(number as Digest, 1);
        let all: Vec<Change> = (0..SESSIONS_KNOWN_MAX).map(begun).collect();
        known.changed(&all);
        assert!(known.has_none("a"));
        known.changed(&[begun(SESSIONS_KNOWN_MAX)]);
        assert!(!known.has_none("a"));
        known.changed(&[Change::Left(0, 1)]);
        known.doubt("b");
        assert!(!known.has_none("a"));
        // Nor before anything was loaded.
        assert!(!Known::default().has_none("a"));
    }
}
