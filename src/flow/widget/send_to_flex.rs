//! `send-to-flex`: transfers a call to TaskRouter by `Enqueue`, or a chat to an agent over the
//! carrier's API.
//!
//! ```json
//! {"name": "agent", "type": "send-to-flex",
//!  "transitions": [{"event": "callComplete"}, {"event": "failedToEnqueue", "next": "sorry"},
//!    {"event": "callFailure"}],
//!  "properties": {"workflow": "WWxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
//!    "channel": "TCxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "attributes": "{\"lang\": \"en\"}"}}
//! ```

use serde_json::json;

use super::enqueue_call::{self, EnqueueRequest};
use super::send_message::read_resource;
use super::{Next, Requirement, WidgetType};
use crate::channel::Channel;
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::flow::step::Event;
use crate::flow::{CarrierRequest, CarrierService};
use crate::webhook::Params;

pub(super) const TYPE: WidgetType = WidgetType {
    name: "send-to-flex",
    events: &["callComplete", "failedToEnqueue", "callFailure", "composerStarted"],
    failure: Some("failedToEnqueue"),
    properties: &[
        Property::new("workflow", PropertyKind::Sid("WW")),
        Property::new("channel", PropertyKind::Sid("TC")),
        Property::new("attributes", PropertyKind::Text),
        Property::new("priority", PropertyKind::Integer(0, i32::MAX as u32)),
        Property::new("timeout", PropertyKind::Integer(0, i32::MAX as u32)),
        Property::new("waitUrl", PropertyKind::Url),
        Property::new("waitUrlMethod", PropertyKind::Text),
    ],
    exactly_one_of: &[],
    requirement: Requirement::CarrierOutsideOfCalls,
    enter,
    resume,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    let workflow = context.required_text("workflow")?;
    let attributes = context.text("attributes")?;
    let (priority, timeout_seconds) = (context.number("priority")?, context.number("timeout")?);
    if context.execution.channel == Channel::Voice {
        context.require_call()?;
        let request = EnqueueRequest {
            workflow: Some(workflow),
            queue: None,
            // The attributes of a task are a JSON object, if only an empty one.
            attributes: Some(attributes.unwrap_or_else(|| "{}".to_owned())),
            priority,
            timeout_seconds,
            wait_url: context.url("waitUrl")?,
            wait_method: context.text("waitUrlMethod")?,
        };
        return Ok(request.write(context));
    }
    // An interaction invites an agent to the chat. The API takes both parts as JSON in a form.
    let mut form = Params::default();
    let execution = &context.execution;
    let channel = json!({
        "type": channel_type(&execution.contact),
        "initiated_by": "customer",
        "participants": [{"address": execution.contact, "proxy_address": execution.address}],
    });
    form.push("Channel", &channel.to_string());
    let routing = json!({"properties": {
        "workflow_sid": workflow,
        "task_channel_sid": context.text("channel")?,
        "attributes": attributes,
        "priority": priority,
        "timeout": timeout_seconds,
    }});
    form.push("Routing", &routing.to_string());
    let path = "/v1/Interactions".to_owned();
    Ok(Next::SendRequest(CarrierRequest { service: CarrierService::Flex, path, form }))
}

fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    // Every other event belongs to a call in the queue.
    let Event::CarrierReturned(result) = event else { return enqueue_call::resume(context, event) };
    let resource = read_resource(context, result)?;
    context.set_resource(resource);
    Ok(Next::event("callComplete"))
}

/// The API's channel type of an address, such as `whatsapp` of `whatsapp:+15550123`.
fn channel_type(address: &str) -> &str {
    // A plain number has no scheme, and an unknown scheme would be an error of the API anyway.
    match address.split_once(':') {
        Some((scheme @ ("whatsapp" | "messenger" | "rcs"), _)) => scheme,
        _ => "sms",
    }
}
