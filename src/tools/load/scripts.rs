//! The scripts of a load: flow tests without the steps that only a gateway in this process can
//! check.

use crate::channel::Channel;
use crate::tools::flow_test::{Expectation, StepKind, TestCase};
use crate::tools::phone::PhoneAction;

/// Removes the expectations on functions and widgets, which cannot be observed over HTTP.
pub fn without_internal_steps(case: &TestCase) -> TestCase {
    let is_observable = |kind: &StepKind| match kind {
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
    // Actions stay in any case: without them the call would take another path.
    case.steps.retain(|step| is_observable(&step.kind));
    case
}

/// The channel of the scripts: messages, if one of them sends a message.
pub fn infer_channel(cases: &[TestCase]) -> Channel {
    let mut steps = cases.iter().flat_map(|case| &case.steps);
    if steps.any(|step| matches!(step.kind, StepKind::Act(PhoneAction::Text { .. }))) {
        Channel::Message
    } else {
        Channel::Voice
    }
}
