//! What of a flow test can be followed from outside.

use crate::channel::Channel;
use crate::tools::flow_test::{Case, Expect, What};
use crate::tools::phone::Act;

/// A case without what only the gateway itself could tell: its functions and its widgets.
pub fn from_outside(case: &Case) -> Case {
    let seen = |what: &What| match what {
        What::Do(_) => true,
        What::Expect(expect) => !matches!(
            expect,
            Expect::Call(..)
                | Expect::Sent(..)
                | Expect::Took(_)
                | Expect::At(_)
                | Expect::Fallback(_)
        ),
    };
    let mut case = case.clone();
    case.steps.retain(|step| seen(&step.what));
    case
}

/// The channel of what is done: whoever writes is in no call.
pub fn channel(cases: &[Case]) -> Channel {
    let mut steps = cases.iter().flat_map(|case| &case.steps);
    match steps.any(|step| matches!(step.what, What::Do(Act::Text { .. }))) {
        true => Channel::Message,
        false => Channel::Voice,
    }
}
