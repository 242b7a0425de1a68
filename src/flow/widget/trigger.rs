//! `trigger`: where an execution begins.
//!
//! ```json
//! {"name": "Trigger", "type": "trigger",
//!  "transitions": [{"event": "incomingMessage", "next": "lookup"}]}
//! ```

use super::{Needs, Next, Type, waits_for_nothing};
use crate::flow::failure::Failure;
use crate::flow::properties::{Holds, Property};
use crate::flow::turn::Turn;

pub(super) const TYPE: Type = Type {
    name: "trigger",
    events: &[
        "incomingMessage",
        "incomingCall",
        "incomingConversationMessage",
        "incomingRequest",
        "incomingParent",
    ],
    failure: None,
    properties: &[Property::new("flow_url", Holds::Ignored)],
    needs: Needs::Nothing,
    enter,
    resume: waits_for_nothing,
};

fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    Ok(Next::event(turn.execution.frame().trigger.kind().event()))
}
