//! `start-conversation`: makes a conversation over the carrier's API.
//!
//! ```json
//! {"name": "start", "type": "start-conversation",
//!  "transitions": [{"event": "created", "next": "ask"}, {"event": "failed"}],
//!  "properties": {"conversation_service_sid": "default", "timers_closed": "PT10M",
//!    "participants": [{"type": "messaging",
//!      "messaging_binding_address": "{{contact.channel.address}}",
//!      "messaging_binding_proxy_address": "{{flow.channel.address}}"}]}}
//! ```

use serde_json::{Value, json};

use super::send_message::sent;
use super::{Needs, Next, Type};
use crate::flow::failure::Failure;
use crate::flow::properties::{Holds, Property};
use crate::flow::step::Event;
use crate::flow::turn::Turn;
use crate::flow::{Send, Service};
use crate::webhook::Params;

pub(super) const TYPE: Type = Type {
    name: "start-conversation",
    events: &["created", "failed"],
    failure: Some("failed"),
    properties: &[
        Property::new("conversation_service_sid", Holds::Text),
        Property::new("participants", Holds::Json),
        Property::new("timers_inactive", Holds::Text),
        Property::new("timers_closed", Holds::Text),
        Property::new("close_conversation_on_execution_end", Holds::Ignored),
        Property::new("friendly_name", Holds::Text),
        Property::new("attributes", Holds::Text),
    ],
    needs: Needs::Carrier,
    enter,
    resume,
};

/// Our names of the properties, and the API's.
const NAMES: [(&str, &str); 4] = [
    ("timers_inactive", "Timers.Inactive"),
    ("timers_closed", "Timers.Closed"),
    ("friendly_name", "FriendlyName"),
    ("attributes", "Attributes"),
];

fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    let mut form = Params::default();
    for (property, name) in NAMES {
        if let Some(text) = turn.text(property)? {
            form.push(name, &text);
        }
    }
    let participants = turn.text("participants")?;
    let participants = participants.and_then(|json| serde_json::from_str::<Vec<Value>>(&json).ok());
    for participant in participants.unwrap_or_default() {
        let binding = json!({"messaging_binding": {
            "address": participant["messaging_binding_address"],
            "proxy_address": participant["messaging_binding_proxy_address"],
        }});
        form.push("Participant", &binding.to_string());
    }
    let service = turn.text("conversation_service_sid")?.filter(|sid| sid.starts_with("IS"));
    let path = match service {
        Some(service) => format!("/v1/Services/{service}/ConversationWithParticipants"),
        None => "/v1/ConversationWithParticipants".to_owned(),
    };
    Ok(Next::Send(Send { service: Service::Conversations, path, form }))
}

fn resume(turn: &mut Turn<'_>, event: Event) -> Result<Next, Failure> {
    let Event::Sent(result) = event else { return Ok(Next::End) };
    let conversation = sent(turn, result)?;
    if let Some(sid) = conversation.get("Sid").cloned() {
        turn.set("ConversationSid", sid);
    }
    turn.set_resource(conversation);
    Ok(Next::event("created"))
}
