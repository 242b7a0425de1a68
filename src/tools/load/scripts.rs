//! What of a flow test can be followed from outside.

use crate::channel::Channel;
use crate::tools::flow_test::{Expectation, StepKind, TestCase};
use crate::tools::phone::PhoneAction;

/// A case without what only the gateway itself could tell: its functions and its widgets.
pub fn from_outside(case: &TestCase) -> TestCase {
    let seen = |what: &StepKind| match what {
        StepKind::Act(_) => true,
        StepKind::Expect(expect) => !matches!(
            expect,
            Expectation::Call(..)
                | Expectation::Sent(..)
                | Expectation::Took(_)
                | Expectation::At(_)
                | Expectation::Fallback(_)
        ),
    };
    let mut case = case.clone();
    case.steps.retain(|step| seen(&step.what));
    case
}

/// The channel of what is done: whoever writes is in no call.
pub fn channel(cases: &[TestCase]) -> Channel {
    let mut steps = cases.iter().flat_map(|case| &case.steps);
    match steps.any(|step| matches!(step.what, StepKind::Act(PhoneAction::Text { .. }))) {
        true => Channel::Message,
        false => Channel::Voice,
    }
}
