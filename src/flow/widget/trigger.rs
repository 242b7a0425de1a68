//! `trigger`: the widget where an execution begins. Its event is that of the trigger's kind.
//!
//! ```json
//! {"name": "Trigger", "type": "trigger",
//!  "transitions": [{"event": "incomingMessage", "next": "lookup"}]}
//! ```

use super::{Next, Requirement, WidgetType, never_resume};
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
    resume: never_resume,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    // If the kind is not wired, the execution ends at once.
    Ok(Next::event(context.execution.frame().trigger.kind().event()))
}
