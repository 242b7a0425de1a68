//! `send-and-wait-for-reply`: sends a message and waits for the next one of this person.
//!
//! ```json
//! {"name": "ask", "type": "send-and-wait-for-reply",
//!  "transitions": [{"event": "incomingMessage", "next": "thanks"}, {"event": "timeout"},
//!    {"event": "deliveryFailure"}],
//!  "properties": {"from": "{{flow.channel.address}}", "body": "What is your name?",
//!    "timeout": "3600"}}
//! ```

use serde_json::Value;

use super::send_message::{Outbound, outbound};
use super::{Needs, Next, Type};
use crate::flow::failure::Failure;
use crate::flow::properties::{Holds, Property};
use crate::flow::step::Event;
use crate::flow::turn::Turn;
use crate::limits::REPLY_WITHIN;

pub(super) const TYPE: Type = Type {
    name: "send-and-wait-for-reply",
    events: &["incomingMessage", "timeout", "deliveryFailure"],
    failure: Some("deliveryFailure"),
    properties: &[
        Property::new("from", Holds::Text),
        Property::new("body", Holds::Text),
        Property::new("media_url", Holds::Text),
        Property::new("timeout", Holds::Integer(0, 2_592_000)),
        Property::new("save_response_as", Holds::Text),
        Property::new("service", Holds::Ignored),
        Property::new("channel", Holds::Ignored),
        Property::new("attributes", Holds::Ignored),
        Property::new("message_type", Holds::Ignored),
        Property::new("content_sid", Holds::Text),
        Property::new("content_variables", Holds::Pairs),
        Property::new("content_template_sid", Holds::Text),
        Property::new("shorten_urls", Holds::Flag),
    ],
    needs: Needs::CarrierOutsideOfMessages,
    enter,
    resume,
};

fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    let outbound = Outbound::of(turn)?;
    let at = turn.at;
    // What became of it is asked for only where the flow goes somewhere with it.
    let status = turn.widget().next("deliveryFailure").map(|_| at.action.as_str());
    match outbound.say(turn, status) {
        true => wait(turn),
        false => Ok(Next::Send(outbound.send())),
    }
}

fn resume(turn: &mut Turn<'_>, event: Event) -> Result<Next, Failure> {
    let params = match event {
        Event::Webhook(params) | Event::Returned(params) => params,
        Event::Sent(result) => {
            outbound(turn, result)?;
            return wait(turn);
        }
        _ => return Ok(Next::event("timeout")),
    };
    if matches!(params.get("MessageStatus"), Some("failed" | "undelivered")) {
        return Ok(Next::event("deliveryFailure"));
    }
    let inbound = params.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    turn.set("inbound", Value::Object(inbound));
    if let Some(name) = turn.text("save_response_as")? {
        let body = params.get("Body").unwrap_or_default().into();
        turn.execution.frame_mut().variables.insert(name, body);
    }
    Ok(Next::event("incomingMessage"))
}

fn wait(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    let seconds = turn.number("timeout")?.map_or(REPLY_WITHIN.as_secs(), u64::from);
    Ok(turn.wait(Some(seconds)))
}
