//! `trigger`: the widget where an execution begins. Its event is that of the trigger's kind.
//!
//! ```json
//! {"name": "Trigger", "type": "trigger",
//!  "transitions": [{"event": "incomingMessage", "next": "lookup"}]}
//! ```

use super::{Next, Requirement, WidgetType, never_resume};
use crate::flow::context::WidgetContext;
use crate::flow::execution::FlowWarning;
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
    let event = context.execution.frame().trigger.kind().event();
    // Then the execution ends at once. The carrier sees a good answer, so only the log can say it.
    if context.widget().next(event).is_none() {
        let flow = context.current_flow().name.clone();
        context.execution.warnings.push(FlowWarning::Unwired { flow, event });
    }
    Ok(Next::event(event))
}
