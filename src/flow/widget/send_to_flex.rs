//! `send-to-flex`: hands a caller to TaskRouter by `Enqueue`, and a message to an agent over the
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

use super::enqueue_call::{self, Queued};
use super::send_message::sent;
use super::{Needs, Next, Type};
use crate::channel::Channel;
use crate::flow::failure::Failure;
use crate::flow::properties::{Holds, Property};
use crate::flow::step::Event;
use crate::flow::turn::Turn;
use crate::flow::{Send, Service};
use crate::webhook::Params;

pub(super) const TYPE: Type = Type {
    name: "send-to-flex",
    events: &["callComplete", "failedToEnqueue", "callFailure", "composerStarted"],
    failure: Some("failedToEnqueue"),
    properties: &[
        Property::new("workflow", Holds::Text),
        Property::new("channel", Holds::Text),
        Property::new("attributes", Holds::Text),
        Property::new("priority", Holds::Integer(0, i32::MAX as u32)),
        Property::new("timeout", Holds::Integer(0, i32::MAX as u32)),
        Property::new("waitUrl", Holds::Text),
        Property::new("waitUrlMethod", Holds::Text),
    ],
    needs: Needs::CarrierOutsideOfCalls,
    enter,
    resume,
};

fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    let workflow = turn.required("workflow")?;
    let attributes = turn.text("attributes")?;
    let (priority, timeout_seconds) = (turn.number("priority")?, turn.number("timeout")?);
    if turn.execution.channel == Channel::Voice {
        turn.voice_only()?;
        let queued = Queued {
            workflow: Some(workflow),
            queue: None,
            attributes: Some(attributes.unwrap_or_else(|| "{}".to_owned())),
            priority,
            timeout_seconds,
            wait_url: turn.text("waitUrl")?,
            wait_method: turn.text("waitUrlMethod")?,
        };
        return Ok(queued.write(turn));
    }
    let mut form = Params::default();
    let execution = &turn.execution;
    let channel = json!({
        "type": kind_of(&execution.contact),
        "initiated_by": "customer",
        "participants": [{"address": execution.contact, "proxy_address": execution.address}],
    });
    form.push("Channel", &channel.to_string());
    let routing = json!({"properties": {
        "workflow_sid": workflow,
        "task_channel_sid": turn.text("channel")?,
        "attributes": attributes,
        "priority": priority,
        "timeout": timeout_seconds,
    }});
    form.push("Routing", &routing.to_string());
    let path = "/v1/Interactions".to_owned();
    Ok(Next::Send(Send { service: Service::Flex, path, form }))
}

fn resume(turn: &mut Turn<'_>, event: Event) -> Result<Next, Failure> {
    let Event::Sent(result) = event else { return enqueue_call::resume(turn, event) };
    let resource = sent(turn, result)?;
    turn.set_resource(resource);
    Ok(Next::event("callComplete"))
}

/// The API's word for the kind of an address.
fn kind_of(address: &str) -> &str {
    match address.split_once(':') {
        Some((kind @ ("whatsapp" | "messenger" | "rcs"), _)) => kind,
        _ => "sms",
    }
}
