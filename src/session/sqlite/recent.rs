//! The latest states of executions that go on, so that a person's next turn costs no look into the
//! file.

use std::collections::HashMap;
use std::sync::Arc;

use crate::limits::STATES_BYTES_MAX;
use crate::session::Saved;
use crate::session::desk::Digest;

/// States by session, as they were committed last. There may be any of them or none.
///
/// Two generations: when the young one is half of what may be kept, it becomes the old one, and
/// what nobody wrote again since the last time is forgotten.
#[derive(Debug, Default)]
pub(super) struct Recent {
    young: Generation,
    old: Generation,
}

#[derive(Debug, Default)]
struct Generation {
    /// Each with its row.
    states: HashMap<Digest, (i64, Arc<Saved>)>,
    bytes: usize,
}

/// What an entry costs beside its texts and its state, about.
const ENTRY_BYTES: usize = 320;

// === impl Recent ===

impl Recent {
    /// The state of a session's active execution.
    pub(super) fn get(&self, session: Digest) -> Option<Arc<Saved>> {
        let found = self.young.states.get(&session).or_else(|| self.old.states.get(&session));
        found.map(|(_, saved)| Arc::clone(saved))
    }

    /// This is its state from now on.
    pub(super) fn keep(&mut self, session: Digest, row: i64, saved: Arc<Saved>) {
        self.young.remove(session);
        self.old.remove(session);
        self.young.bytes += bytes(&saved);
        self.young.states.insert(session, (row, saved));
        if self.young.bytes > STATES_BYTES_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
        }
    }

    /// The execution of this row is not, or not any more, the active one of the session.
    pub(super) fn leave(&mut self, session: Digest, row: i64) {
        for generation in [&mut self.young, &mut self.old] {
            if generation.states.get(&session).is_some_and(|(kept, _)| *kept == row) {
                generation.remove(session);
            }
        }
    }
}

// === impl Generation ===

impl Generation {
    fn remove(&mut self, session: Digest) {
        if let Some((_, saved)) = self.states.remove(&session) {
            self.bytes -= bytes(&saved);
        }
    }
}

fn bytes(saved: &Saved) -> usize {
    let texts = [&saved.sid, &saved.session, &saved.flow, &saved.revision];
    ENTRY_BYTES + saved.state.len() + texts.map(String::len).iter().sum::<usize>()
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;

    /// What is saved of an execution that goes on, its state so long.
    pub(in super::super) fn state(sid: &str, bytes: usize) -> Arc<Saved> {
        Arc::new(Saved {
            sid: sid.to_owned(),
            session: String::new(),
            flow: String::new(),
            revision: String::new(),
            active: true,
            created: Duration::ZERO,
            updated: Duration::ZERO,
            due: None,
            state: vec![0; bytes],
        })
    }

    fn sid(recent: &Recent, session: Digest) -> Option<String> {
        recent.get(session).map(|saved| saved.sid.clone())
    }

    #[test]
    fn the_last_state_counts_until_its_own_row_leaves() {
        let mut recent = Recent::default();
        recent.keep(1, 7, state("FN1", 0));
        recent.keep(1, 8, state("FN2", 0));
        recent.leave(1, 7);
        assert_eq!(sid(&recent, 1).as_deref(), Some("FN2"));
        recent.leave(1, 8);
        assert_eq!((sid(&recent, 1), recent.young.bytes), (None, 0));
    }

    #[test]
    fn memory_is_bounded_and_what_is_written_again_stays() {
        let mut recent = Recent::default();
        for number in 0..10_000 {
            recent.keep(number, 1, state("FN", 5_000));
            recent.keep(0, 1, state("FN0", number as usize));
            assert!(recent.young.bytes + recent.old.bytes <= STATES_BYTES_MAX + 10_000);
        }
        assert_eq!(sid(&recent, 0).as_deref(), Some("FN0"));
        assert_eq!(sid(&recent, 1), None);
        assert_eq!(sid(&recent, 9_999).as_deref(), Some("FN"));
        let kept = recent.young.states.len() + recent.old.states.len();
        assert!((500..2_000).contains(&kept), "{kept}");
    }
}
