//! `send-message`: sends a message, as a `<Message>` if the turn answers a message, otherwise over
//! the carrier's API.
//!
//! ```json
//! {"name": "thanks", "type": "send-message",
//!  "transitions": [{"event": "sent", "next": "ask"}, {"event": "failed"}],
//!  "properties": {"from": "{{flow.channel.address}}", "to": "{{contact.channel.address}}",
//!    "body": "Thank you, {{widgets.ask.inbound.Body}}."}}
//! ```

use serde_json::{Map, Value, json};

use super::{Next, Requirement, WidgetType};
use crate::channel::Channel;
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::flow::step::Event;
use crate::flow::{CarrierRequest, CarrierRequestError, CarrierService};
use crate::limits::MESSAGES_PER_REPLY_MAX;
use crate::twiml::verb::{self, Body, Media};
use crate::webhook::Params;

pub(super) const TYPE: WidgetType = WidgetType {
    name: "send-message",
    events: &["sent", "failed"],
    failure: Some("failed"),
    properties: &[
        Property::new("from", PropertyKind::Text),
        Property::new("to", PropertyKind::Text),
        Property::new("body", PropertyKind::Text),
        Property::new("media_url", PropertyKind::Url),
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

/// The rendered properties of an outgoing message.
#[derive(Debug)]
pub(super) struct OutboundMessage {
    from: String,
    to: String,
    body: Option<String>,
    media: Option<String>,
    /// The sid of a content template, and its variables as JSON.
    content: Option<(String, String)>,
    shorten_urls: bool,
}

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    let outbound = OutboundMessage::render(context)?;
    if outbound.write_reply(context, None) {
        Ok(Next::event("sent"))
    } else {
        Ok(Next::SendRequest(outbound.to_request(None)))
    }
}

fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    let Event::CarrierReturned(result) = event else { return Ok(Next::End) };
    set_outbound(context, result)?;
    Ok(Next::event("sent"))
}

/// Sets `widgets.NAME.outbound` to the message that the carrier's API has created.
pub(super) fn set_outbound(
    context: &mut WidgetContext<'_>,
    result: Result<Map<String, Value>, CarrierRequestError>,
) -> Result<(), Failure> {
    let resource = read_resource(context, result)?;
    context.set("outbound", Value::Object(resource));
    Ok(())
}

/// The resource that the carrier's API has returned, with keys as Studio writes them:
/// `date_created` is `DateCreated`.
pub(super) fn read_resource(
    context: &WidgetContext<'_>,
    result: Result<Map<String, Value>, CarrierRequestError>,
) -> Result<Map<String, Value>, Failure> {
    let widget = || context.widget().name.clone();
    let resource = result.map_err(|error| Failure::Send { widget: widget(), error })?;
    Ok(resource.into_iter().map(|(name, value)| (studio_name(&name), value)).collect())
}

fn studio_name(name: &str) -> String {
    let capitalize = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or(String::new(), |first| {
            first.to_ascii_uppercase().to_string() + letters.as_str()
        })
    };
    name.split('_').map(capitalize).collect()
}

// === impl OutboundMessage ===

impl OutboundMessage {
    /// Renders the message of a widget.
    pub(super) fn render(context: &WidgetContext<'_>) -> Result<OutboundMessage, Failure> {
        let or = |name, other: &str| -> Result<String, Failure> {
            Ok(context.text(name)?.unwrap_or_else(|| other.to_owned()))
        };
        // Exports have the one name or the other.
        let content = match context.text("content_sid")? {
            Some(sid) => Some(sid),
            None => context.text("content_template_sid")?,
        };
        let pairs = context.pairs("content_variables")?;
        let content = content.map(|sid| {
            let variables: Map<String, Value> =
                pairs.iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
            (sid, Value::Object(variables).to_string())
        });
        let (body, media) = (context.text("body")?, context.url("media_url")?);
        if body.is_none() && media.is_none() && content.is_none() {
            // The carrier rejects an empty message (Twilio 21602).
            return Err(context.property_error("body", "empty", "a text, or `media_url`"));
        }
        Ok(OutboundMessage {
            from: or("from", &context.execution.address)?,
            to: or("to", &context.execution.contact)?,
            body,
            media,
            content,
            shorten_urls: context.flag("shorten_urls")?.unwrap_or_default(),
        })
    }

    /// Writes the message into the reply of this turn. `false` if that is not possible; then the
    /// message needs the carrier's API.
    pub(super) fn write_reply(
        &self,
        context: &mut WidgetContext<'_>,
        status: Option<&str>,
    ) -> bool {
        // TwiML has no content templates, and the carrier drops messages over its limit.
        let message = context.execution.channel == Channel::Message && context.turn.answering;
        if !message
            || self.content.is_some()
            || context.execution.messages_in_reply >= MESSAGES_PER_REPLY_MAX
        {
            return false;
        }
        context.execution.messages_in_reply += 1;
        // A `<Message>` goes to the contact by default.
        let other = |address: &str, usual: &str| (address != usual).then(|| address.to_owned());
        let to = other(&self.to, &context.execution.contact);
        let from = other(&self.from, &context.execution.address);
        let verb = verb::Message {
            text: "",
            to: to.as_deref(),
            from: from.as_deref(),
            status_callback: status,
            ..verb::Message::default()
        };
        context.document().nest(&verb, |inside| {
            if let Some(text) = &self.body {
                inside.add(&Body { text });
            }
            if let Some(url) = &self.media {
                inside.add(&Media { url });
            }
        });
        context.set(
            "outbound",
            json!({"From": self.from, "To": self.to, "Body": self.body, "Status": "queued"}),
        );
        true
    }

    /// The request that sends the message over the carrier's API.
    pub(super) fn to_request(&self, status: Option<&str>) -> CarrierRequest {
        let mut form = Params::default();
        // The sid of a messaging service is a sender too, in a parameter of its own.
        let service = self.from.starts_with("MG");
        form.push(if service { "MessagingServiceSid" } else { "From" }, &self.from);
        form.push("To", &self.to);
        for (name, value) in [("Body", &self.body), ("MediaUrl", &self.media)] {
            if let Some(value) = value {
                form.push(name, value);
            }
        }
        if let Some((sid, variables)) = &self.content {
            form.push("ContentSid", sid);
            form.push("ContentVariables", variables);
        }
        if self.shorten_urls {
            form.push("ShortenUrls", "true");
        }
        if let Some(url) = status {
            form.push("StatusCallback", url);
        }
        let path = "/2010-04-01/Accounts/{account}/Messages.json".to_owned();
        CarrierRequest { service: CarrierService::Api, path, form }
    }
}
