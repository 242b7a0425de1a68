//! `start-conversation`: creates a conversation over the carrier's API.
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

use super::send_message::read_resource;
use super::{Next, Requirement, WidgetType};
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::flow::step::Event;
use crate::flow::{CarrierRequest, CarrierService};
use crate::json::parse_json;
use crate::webhook::Params;

pub(super) const TYPE: WidgetType = WidgetType {
    name: "start-conversation",
    events: &["created", "failed"],
    failure: Some("failed"),
    properties: &[
        Property::new("conversation_service_sid", PropertyKind::Sid("IS")),
        Property::new("participants", PropertyKind::Json),
        Property::new("timers_inactive", PropertyKind::Text),
        Property::new("timers_closed", PropertyKind::Text),
        Property::new("close_conversation_on_execution_end", PropertyKind::Ignored),
        Property::new("friendly_name", PropertyKind::Text),
        Property::new("attributes", PropertyKind::Text),
    ],
    exactly_one_of: &[],
    requirement: Requirement::Carrier,
    enter,
    resume,
};

/// The properties, and their names in the API.
const PARAMETERS: [(&str, &str); 4] = [
    ("timers_inactive", "Timers.Inactive"),
    ("timers_closed", "Timers.Closed"),
    ("friendly_name", "FriendlyName"),
    ("attributes", "Attributes"),
];

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    let mut form = Params::default();
    for (property, name) in PARAMETERS {
        if let Some(text) = context.text(property)? {
            form.push(name, &text);
        }
    }
    let participants = context.text("participants")?;
    // Liquid may render as something else than a list: a conversation can start without
    // participants.
    let participants = match participants.map(|json| parse_json(json.as_bytes())) {
        Some(Ok(Value::Array(participants))) => participants,
        _ => Vec::new(),
    };
    for participant in participants {
        let binding = json!({"messaging_binding": {
            "address": participant["messaging_binding_address"],
            "proxy_address": participant["messaging_binding_proxy_address"],
        }});
        form.push("Participant", &binding.to_string());
    }
    // `default` and an unset property mean the account's default service, which has no sid.
    let service = context.text("conversation_service_sid")?.filter(|sid| sid.starts_with("IS"));
    let path = match service {
        Some(service) => format!("/v1/Services/{service}/ConversationWithParticipants"),
        None => "/v1/ConversationWithParticipants".to_owned(),
    };
    Ok(Next::SendRequest(CarrierRequest { service: CarrierService::Conversations, path, form }))
}

fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    let Event::CarrierReturned(result) = event else { return Ok(Next::End) };
    let conversation = read_resource(context, result)?;
    if let Some(sid) = conversation.get("Sid").cloned() {
        context.set("ConversationSid", sid);
    }
    context.set_resource(conversation);
    Ok(Next::event("created"))
}
