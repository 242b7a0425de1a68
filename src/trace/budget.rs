//! The number of exchanges that are stored in a second.
//!
//! Beyond it, conversations are chosen by a hash of their identity, so that every process and every
//! turn chooses the same ones, and what is stored is stored whole. The share that is chosen follows
//! the rate of the last second.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The share of all conversations.
const ALL: u32 = 1 << 16;

/// How many exchanges are stored.
#[derive(Debug)]
pub(super) struct TraceBudget {
    per_second: u64,
    /// The exchanges since the last update.
    seen: AtomicU64,
    /// The share that is stored, of [`ALL`].
    share: AtomicU32,
}

impl TraceBudget {
    pub(super) fn new(per_second: u64) -> TraceBudget {
        TraceBudget { per_second, seen: AtomicU64::new(0), share: AtomicU32::new(ALL) }
    }

    /// Whether the exchanges of a conversation are stored. `identity` is the same in all of them.
    pub(super) fn selects(&self, identity: &[&str]) -> bool {
        self.seen.fetch_add(1, Ordering::Relaxed);
        let share = self.share.load(Ordering::Relaxed);
        if share == ALL {
            return true;
        }
        let mut hasher = DefaultHasher::new();
        identity.hash(&mut hasher);
        (hasher.finish() % u64::from(ALL)) < u64::from(share)
    }

    /// Sets the share by the rate of the time since the last update.
    pub(super) fn update(&self, seconds: f64) {
        let rate = self.seen.swap(0, Ordering::Relaxed) as f64 / seconds.max(0.001);
        let share = self.per_second as f64 / rate.max(1.0) * f64::from(ALL);
        self.share.store(share.min(f64::from(ALL)) as u32, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_stored_whole_or_not_at_all() {
        let budget = TraceBudget::new(100);
        assert!((0..1_000).all(|n| budget.selects(&[&n.to_string()])));
        budget.update(1.0);
        let selected: Vec<bool> = (0..1_000).map(|n| budget.selects(&[&n.to_string()])).collect();
        let again: Vec<bool> = (0..1_000).map(|n| budget.selects(&[&n.to_string()])).collect();
        assert_eq!(selected, again);
        let count = selected.iter().filter(|is_selected| **is_selected).count();
        assert!((50..200).contains(&count), "{count}");
        // A quiet second, and all are stored again.
        budget.update(1.0);
        budget.update(1.0);
        assert!((0..1_000).all(|n| budget.selects(&[&n.to_string()])));
    }
}
