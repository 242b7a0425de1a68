//! `enqueue-call`: puts the call into a queue or into TaskRouter.
//!
//! ```json
//! {"name": "queue", "type": "enqueue-call",
//!  "transitions": [{"event": "callComplete"}, {"event": "failedToEnqueue", "next": "voicemail"},
//!    {"event": "callFailure"}],
//!  "properties": {"queue_name": "support", "wait_url": "https://example.com/wait.xml"}}
//! ```

use super::{Next, Requirement, WidgetType};
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::flow::step::Event;
use crate::twiml::verb::{Enqueue, Task};

pub(super) const TYPE: WidgetType = WidgetType {
    name: "enqueue-call",
    events: &["callComplete", "failedToEnqueue", "callFailure"],
    failure: Some("failedToEnqueue"),
    properties: &[
        Property::new("workflow_sid", PropertyKind::Sid("WW")),
        Property::new("queue_name", PropertyKind::Name),
        Property::new("priority", PropertyKind::Integer(0, i32::MAX as u32)),
        Property::new("timeout", PropertyKind::Integer(0, i32::MAX as u32)),
        Property::new("task_attributes", PropertyKind::Text),
        Property::new("wait_url", PropertyKind::Url),
        Property::new("wait_url_method", PropertyKind::Text),
    ],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume,
};

/// The rendered properties of an `Enqueue`. `send-to-flex` writes the same verb.
#[derive(Debug, Default)]
pub(super) struct EnqueueRequest {
    pub(super) workflow: Option<String>,
    pub(super) queue: Option<String>,
    pub(super) attributes: Option<String>,
    pub(super) priority: Option<u32>,
    pub(super) timeout_seconds: Option<u32>,
    pub(super) wait_url: Option<String>,
    pub(super) wait_method: Option<String>,
}

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    context.require_call()?;
    let request = EnqueueRequest {
        workflow: context.text("workflow_sid")?,
        queue: context.text("queue_name")?,
        attributes: context.text("task_attributes")?,
        priority: context.number("priority")?,
        timeout_seconds: context.number("timeout")?,
        wait_url: context.url("wait_url")?,
        wait_method: context.text("wait_url_method")?,
    };
    // Either of the two properties is enough, which the table of the type cannot express.
    if request.workflow.is_none() && request.queue.is_none() {
        return Err(context.property_error(
            "queue_name",
            "empty",
            "the name of a queue, or `workflow_sid`",
        ));
    }
    Ok(request.write(context))
}

/// Maps the carrier's `QueueResult` to an event.
pub(super) fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    let Event::Webhook(params) = event else { return Ok(Next::event("callComplete")) };
    context.set_all(&params);
    let result = params.get("QueueResult").unwrap_or_default();
    Ok(match result {
        // Flows rarely wire a hang-up in a queue: without a wire it ends the call as on any widget.
        "hangup" if context.widget().next("callFailure").is_none() => Next::event("hangup"),
        "queue-full" | "system-error" => Next::event("failedToEnqueue"),
        "error" | "hangup" => Next::event("callFailure"),
        _ => Next::event("callComplete"),
    })
}

// === impl EnqueueRequest ===

impl EnqueueRequest {
    /// Writes the verb, and waits for the end of the call's time in the queue.
    pub(super) fn write(&self, context: &mut WidgetContext<'_>) -> Next {
        let turn = context.turn;
        let enqueue = Enqueue {
            // With a workflow, TaskRouter chooses the queue.
            queue: self.queue.as_deref().filter(|_| self.workflow.is_none()).unwrap_or_default(),
            action: Some(&turn.action),
            method: Some("POST"),
            workflow_sid: self.workflow.as_deref(),
            wait_url: self.wait_url.as_deref(),
            wait_url_method: self.wait_method.as_deref(),
            max_queue_size: None,
        };
        context.document().nest(&enqueue, |inside| {
            if let (Some(_), Some(attributes)) = (&self.workflow, &self.attributes) {
                let (priority, timeout_seconds) = (self.priority, self.timeout_seconds);
                inside.add(&Task { attributes, priority, timeout_seconds });
            }
        });
        context.wait(None)
    }
}
