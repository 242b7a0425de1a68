//! `trigger`: where an execution begins.
//!
//! ```json
//! {"name": "Trigger", "type": "trigger",
//!  "transitions": [{"event": "incomingMessage", "next": "lookup"}]}
//! ```

use super::{Next, Requirement, WidgetType, waits_for_nothing};
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};

pub(super) const TYPE: WidgetType = WidgetType {
    name: "trigger",
    events: &[
        "incomingMessage",
        "incomingCall",
        "incomingConversationMessage",
        "incomingRequest",
        "incomingParent",
    ],
    failure: None,
    properties: &[Property::new("flow_url", PropertyKind::Ignored)],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume: waits_for_nothing,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    Ok(Next::event(context.execution.frame().trigger.kind().event()))
}
