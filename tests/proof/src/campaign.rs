//! What all campaigns are: a name, what they assert, an amount, and a run that gives violations.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One way to try to break a promise.
pub(crate) struct Campaign {
    /// As `--campaign` takes it.
    pub(crate) name: &'static str,
    /// What must hold, in one sentence.
    pub(crate) asserts: &'static str,
    /// What is counted.
    pub(crate) unit: &'static str,
    /// How many of these for each change.
    pub(crate) quick: u64,
    /// How many by hand.
    pub(crate) long: u64,
    /// Does it. What it finds goes to the findings; an error is a campaign that could not be run.
    pub(crate) run: fn(&Context, &Findings) -> Result<Ran, String>,
}

/// What a run works with.
pub(crate) struct Context {
    /// How many of the campaign's unit.
    pub(crate) amount: u64,
    /// What all that is random comes from.
    pub(crate) seed: u64,
    /// The gateway, as it is released.
    pub(crate) binary: PathBuf,
    /// A folder for this campaign alone.
    pub(crate) folder: PathBuf,
    /// Flows that the gateways run.
    pub(crate) flows: PathBuf,
}

/// How a run ended.
pub(crate) enum Ran {
    /// It was done: how often, in words, and what else is worth knowing.
    Done { amount: String, notes: Vec<String> },
    /// It cannot be done here, and why.
    Skipped(String),
}

/// Something that must not be.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    /// When: the cycle, the point, the pair.
    pub(crate) at: String,
    /// What was sent.
    pub(crate) sent: String,
    /// What should have come.
    pub(crate) expected: String,
    /// What came.
    pub(crate) came: String,
}

/// Violations, from all threads of a campaign.
#[derive(Default)]
pub(crate) struct Findings(Mutex<Vec<Violation>>);

impl Findings {
    pub(crate) fn add(&self, violation: Violation) {
        self.lock().push(violation);
    }

    pub(crate) fn extend(&self, violations: Vec<Violation>) {
        self.lock().extend(violations);
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Whether there is enough to look at: a gateway that is broken is broken at every cycle.
    pub(crate) fn enough(&self) -> bool {
        self.count() >= 20
    }

    pub(crate) fn all(&self) -> Vec<Violation> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Violation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ran {
    pub(crate) fn done(amount: String) -> Ran {
        Ran::Done { amount, notes: Vec::new() }
    }
}
