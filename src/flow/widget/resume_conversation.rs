//! `resume-conversation`: resumes a conversation over the carrier's API. The flow then receives the
//! conversation's messages.
//!
//! ```json
//! {"name": "resume", "type": "resume-conversation",
//!  "transitions": [{"event": "resumed", "next": "ask"}, {"event": "failed"}],
//!  "properties": {"conversation_sid": "{{flow.data.conversation}}"}}
//! ```

use super::send_message::read_resource;
use super::{Next, Requirement, WidgetType};
use crate::channel::Channel;
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::flow::step::Event;
use crate::flow::{CarrierRequest, CarrierService};
use crate::json::parse_texts;
use crate::webhook::Params;

pub(super) const TYPE: WidgetType = WidgetType {
    name: "resume-conversation",
    events: &["resumed", "failed"],
    failure: Some("failed"),
    properties: &[
        Property::new("conversation_service_sid", PropertyKind::Sid("IS")),
        Property::required("conversation_sid", PropertyKind::Sid("CH")),
        Property::new("webhook_filters", PropertyKind::Json),
    ],
    exactly_one_of: &[],
    requirement: Requirement::Carrier,
    enter,
    resume,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    let conversation = context.required_text("conversation_sid")?;
    // `default` and an unset property mean the account's default service, which has no sid.
    let service = context.text("conversation_service_sid")?.filter(|sid| sid.starts_with("IS"));
    let mut form = Params::default();
    form.push("Target", "webhook");
    // A flow with a voice route alone still receives the webhooks there.
    let url = context
        .turn
        .callback_url(Channel::Message)
        .or_else(|| context.turn.callback_url(Channel::Voice));
    if let Some(url) = url {
        form.push("Configuration.Url", &url);
    }
    let filters = context.text("webhook_filters")?;
    // Liquid may render as something else than a list: then the default applies, as when it is
    // unset.
    let filters = filters.and_then(|json| parse_texts(&json));
    for filter in filters.unwrap_or_else(|| vec!["onMessageAdded".to_owned()]) {
        form.push("Configuration.Filters", &filter);
    }
    let below = format!("Conversations/{}/Webhooks", conversation.trim());
    let path = match service {
        Some(service) => format!("/v1/Services/{service}/{below}"),
        None => format!("/v1/{below}"),
    };
    Ok(Next::SendRequest(CarrierRequest { service: CarrierService::Conversations, path, form }))
}

fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    let Event::CarrierReturned(result) = event else { return Ok(Next::End) };
    let webhook = read_resource(context, result)?;
    context.set_resource(webhook);
    Ok(Next::event("resumed"))
}
