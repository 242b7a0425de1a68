//! What is left to try, taken in turn from the places of a flow: a widget with many ways out must
//! not make the others wait.

use std::collections::{BTreeMap, VecDeque};

use super::Branch;

/// Branches by the place that they go on from.
#[derive(Default)]
pub(super) struct BranchQueue {
    places: BTreeMap<String, Place>,
}

#[derive(Default)]
struct Place {
    /// The branches that were taken from here.
    taken: usize,
    branches: VecDeque<Branch>,
}

impl BranchQueue {
    pub(super) fn push(&mut self, place: &str, branch: Branch) {
        if let Some(known) = self.places.get_mut(place) {
            known.branches.push_back(branch);
            return;
        }
        let branches = VecDeque::from([branch]);
        self.places.insert(place.to_owned(), Place { taken: 0, branches });
    }

    /// A branch of the place that fewest were taken from.
    pub(super) fn pop(&mut self) -> Option<Branch> {
        let open = self.places.values_mut().filter(|place| !place.branches.is_empty());
        let place = open.min_by_key(|place| place.taken)?;
        place.taken += 1;
        place.branches.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.values().all(|place| place.branches.is_empty())
    }
}
