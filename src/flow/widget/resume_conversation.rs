//! `resume-conversation`: takes a conversation up again over the carrier's API: its messages come
//! to the flow from then on.
//!
//! ```json
//! {"name": "resume", "type": "resume-conversation",
//!  "transitions": [{"event": "resumed", "next": "ask"}, {"event": "failed"}],
//!  "properties": {"conversation_sid": "{{flow.data.conversation}}"}}
//! ```

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
    name: "resume-conversation",
    events: &["resumed", "failed"],
    failure: Some("failed"),
    properties: &[
        Property::new("conversation_service_sid", Holds::Text),
        Property::required("conversation_sid", Holds::Text),
        Property::new("webhook_filters", Holds::Json),
    ],
    needs: Needs::Carrier,
    enter,
    resume,
};

fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    let conversation = turn.required("conversation_sid")?;
    let service = turn.text("conversation_service_sid")?.filter(|sid| sid.starts_with("IS"));
    let mut form = Params::default();
    form.push("Target", "webhook");
    let url = turn.at.url(Channel::Message).or_else(|| turn.at.url(Channel::Voice));
    if let Some(url) = url {
        form.push("Configuration.Url", &url);
    }
    let filters = turn.text("webhook_filters")?;
    let filters = filters.and_then(|json| serde_json::from_str::<Vec<String>>(&json).ok());
    for filter in filters.unwrap_or_else(|| vec!["onMessageAdded".to_owned()]) {
        form.push("Configuration.Filters", &filter);
    }
    let below = format!("Conversations/{}/Webhooks", conversation.trim());
    let path = match service {
        Some(service) => format!("/v1/Services/{service}/{below}"),
        None => format!("/v1/{below}"),
    };
    Ok(Next::Send(Send { service: Service::Conversations, path, form }))
}

fn resume(turn: &mut Turn<'_>, event: Event) -> Result<Next, Failure> {
    let Event::Sent(result) = event else { return Ok(Next::End) };
    let webhook = sent(turn, result)?;
    turn.set_resource(webhook);
    Ok(Next::event("resumed"))
}
