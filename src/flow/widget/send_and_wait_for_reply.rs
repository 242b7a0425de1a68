//! `send-and-wait-for-reply`: sends a message, and waits for the contact's next message.
//!
//! ```json
//! {"name": "ask", "type": "send-and-wait-for-reply",
//!  "transitions": [{"event": "incomingMessage", "next": "thanks"}, {"event": "timeout"},
//!    {"event": "deliveryFailure"}],
//!  "properties": {"from": "{{flow.channel.address}}", "body": "What is your name?",
//!    "timeout": "3600"}}
//! ```

use serde_json::Value;

use super::send_message::{OutboundMessage, set_outbound};
use super::{Next, Requirement, WidgetType};
use crate::channel::Channel;
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::flow::step::Event;
use crate::limits::REPLY_WITHIN;

pub(super) const TYPE: WidgetType = WidgetType {
    name: "send-and-wait-for-reply",
    events: &["incomingMessage", "timeout", "deliveryFailure"],
    failure: Some("deliveryFailure"),
    properties: &[
        Property::new("from", PropertyKind::Text),
        Property::new("body", PropertyKind::Text),
        Property::new("media_url", PropertyKind::Url),
        Property::new("timeout", PropertyKind::Integer(0, 2_592_000)),
        Property::new("save_response_as", PropertyKind::Text),
        Property::new("service", PropertyKind::Ignored),
        Property::new("channel", PropertyKind::Ignored),
        Property::new("attributes", PropertyKind::Ignored),
        Property::new("message_type", PropertyKind::Ignored),
        Property::new("content_sid", PropertyKind::Sid("HX")),
        Property::new("content_variables", PropertyKind::Pairs),
        Property::new("content_template_sid", PropertyKind::Sid("HX")),
        Property::new("shorten_urls", PropertyKind::Flag),
    ],
    exactly_one_of: &[],
    requirement: Requirement::CarrierOutsideOfMessages,
    enter,
    resume,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    let outbound = OutboundMessage::render(context)?;
    let turn = context.turn;
    // Status callbacks are webhooks too: the carrier sends them only if the flow uses their event.
    let is_wired = context.widget().next("deliveryFailure").is_some();
    if outbound.write_reply(context, is_wired.then_some(turn.action.as_str())) {
        return wait(context);
    }
    // The callback of a message finds an execution of messages alone, not that of a call.
    let is_chat = context.execution.channel == Channel::Message;
    let status = turn.callback_url(Channel::Message).filter(|_| is_wired && is_chat);
    Ok(Next::SendRequest(outbound.to_request(status.as_deref())))
}

fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    let params = match event {
        Event::Webhook(params) | Event::Returned(params) => params,
        Event::CarrierReturned(result) => {
            set_outbound(context, result)?;
            return wait(context);
        }
        _ => return Ok(Next::event("timeout")),
    };
    // The reply and the status callback arrive by the same token: this parameter distinguishes
    // them.
    if matches!(params.message_status(), Some("failed" | "undelivered")) {
        return Ok(Next::event("deliveryFailure"));
    }
    let inbound = params.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    context.set("inbound", Value::Object(inbound));
    if let Some(name) = context.text("save_response_as")? {
        let body = params.get("Body").unwrap_or_default().into();
        context.execution.frame_mut().variables.insert(name, body);
    }
    Ok(Next::event("incomingMessage"))
}

fn wait(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    let seconds = context.number("timeout")?.map_or(REPLY_WITHIN.as_secs(), u64::from);
    Ok(context.wait(Some(seconds)))
}
