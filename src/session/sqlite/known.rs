//! What is known of sessions and their active executions without a look into the file.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use rusqlite::Connection;

use super::recent::Recent;
use crate::limits::SESSIONS_KNOWN_MAX;
use crate::session::Saved;
use crate::session::desk::{Digest, digest};

/// What the file says of sessions. It may take one that is over for active, never the reverse:
/// what is committed is told here before anybody hears that it is.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    active: Option<Active>,
    recent: Recent,
}

/// The row of the active execution of each session. All of them, or there is no such table: once
/// there are more than [`SESSIONS_KNOWN_MAX`], the file is asked each time, until it is opened
/// again.
type Active = HashMap<Digest, i64>;

/// A row that is of no execution: that of one that may be there.
const SOME_ROW: i64 = 0;

/// A session's active execution, as far as it is known.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// There certainly is none.
    Nothing,
    /// As it was committed last.
    Saved(Arc<Saved>),
    /// The file has to be asked.
    Unknown,
}

/// What a commit changes about a session.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    /// The execution of this row is its active one, and this is what is saved of it.
    Active(Digest, i64, Arc<Saved>),
    /// The execution of this row is not, or not any more.
    Left(Digest, i64),
}

// === impl Known ===

impl Known {
    /// The active execution of a session.
    pub(super) fn active(&self, session: &str) -> Found {
        let (session, known) = (digest(session), self.lock());
        if known.active.as_ref().is_some_and(|active| !active.contains_key(&session)) {
            return Found::Nothing;
        }
        known.recent.get(session).map_or(Found::Unknown, Found::Saved)
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
        *self.lock() = Inner { active: bounded(active), recent: Recent::default() };
        Ok(())
    }

    /// These were committed, in this order.
    pub(super) fn changed(&self, changes: Vec<Change>) {
        let mut known = self.lock();
        let mut active = known.active.take();
        for change in changes {
            match change {
                Change::Active(session, row, saved) => {
                    if let Some(active) = &mut active {
                        active.insert(session, row);
                    }
                    known.recent.keep(session, row, saved);
                }
                Change::Left(session, row) => {
                    // Another one may have taken its place.
                    if let Some(active) = &mut active
                        && active.get(&session) == Some(&row)
                    {
                        active.remove(&session);
                    }
                    known.recent.leave(session, row);
                }
            }
        }
        known.active = active.and_then(bounded);
    }

    /// Whether a group was committed is not certain: these sessions may have an active execution,
    /// and what was the last state of any may be it no more. It is certain again when the file has
    /// been opened again and [`Known::load`] has looked.
    pub(super) fn doubt<'a>(&self, sessions: impl Iterator<Item = &'a str>) {
        let mut known = self.lock();
        known.recent = Recent::default();
        let Some(mut active) = known.active.take() else { return };
        for session in sessions {
            active.entry(digest(session)).or_insert(SOME_ROW);
        }
        known.active = bounded(active);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock()
    }
}

fn bounded(active: Active) -> Option<Active> {
    (active.len() <= SESSIONS_KNOWN_MAX).then_some(active)
}

#[cfg(test)]
mod tests {
    use super::super::recent::tests::state;
    use super::*;

    fn known() -> Known {
        Known(Mutex::new(Inner { active: Some(Active::new()), recent: Recent::default() }))
    }

    fn saved() -> Arc<Saved> {
        state("FN1", 0)
    }

    fn active(session: &str, row: i64) -> Change {
        Change::Active(digest(session), row, saved())
    }

    fn left(session: &str, row: i64) -> Change {
        Change::Left(digest(session), row)
    }

    #[test]
    fn a_session_is_known_until_its_own_execution_leaves() {
        let known = known();
        assert_eq!(known.active("a"), Found::Nothing);
        known.changed(vec![active("a", 1)]);
        assert_eq!((known.active("a"), known.active("b")), (Found::Saved(saved()), Found::Nothing));
        // The one before is ended late.
        known.changed(vec![active("a", 2), left("a", 1)]);
        assert_eq!(known.active("a"), Found::Saved(saved()));
        known.changed(vec![left("a", 2)]);
        assert_eq!(known.active("a"), Found::Nothing);
    }

    #[test]
    fn doubt_asks_the_file() {
        let known = known();
        known.changed(vec![active("a", 1), active("c", 2)]);
        known.doubt(["a", "b"].into_iter());
        assert_eq!(["a", "b", "c"].map(|at| known.active(at)), [const { Found::Unknown }; 3]);
        known.changed(vec![left("a", 1), left("b", 7)]);
        assert_eq!((known.active("a"), known.active("b")), (Found::Nothing, Found::Unknown));
        known.changed(vec![active("b", 7), left("b", 7)]);
        assert_eq!(known.active("b"), Found::Nothing);
    }

    #[test]
    fn beyond_the_bound_only_the_latest_are_known() {
        let known = known();
        let begun = |number: usize| Change::Active(number as Digest, 1, saved());
        known.changed((0..SESSIONS_KNOWN_MAX).map(begun).collect());
        assert_eq!(known.active("a"), Found::Nothing);
        known.changed(vec![begun(SESSIONS_KNOWN_MAX), active("b", 1)]);
        assert_eq!(known.active("a"), Found::Unknown);
        assert_eq!(known.active("b"), Found::Saved(saved()));
        known.changed(vec![left("b", 1)]);
        known.doubt(["b"].into_iter());
        assert_eq!(known.active("b"), Found::Unknown);
        // Nor before anything was loaded.
        assert_eq!(Known::default().active("a"), Found::Unknown);
    }
}
