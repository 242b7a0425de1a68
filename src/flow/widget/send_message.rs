//! `send-message`: sends a message: as `<Message>` where a message is being answered, else over
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
        Property::new("media_url", PropertyKind::Text),
        Property::new("service", PropertyKind::Ignored),
        Property::new("channel", PropertyKind::Ignored),
        Property::new("attributes", PropertyKind::Ignored),
        Property::new("message_type", PropertyKind::Ignored),
        Property::new("content_sid", PropertyKind::Text),
        Property::new("content_variables", PropertyKind::Pairs),
        Property::new("content_template_sid", PropertyKind::Text),
        Property::new("shorten_urls", PropertyKind::Flag),
    ],
    exactly_one_of: &[],
    requirement: Requirement::CarrierOutsideOfMessages,
    enter,
    resume,
};

/// A message, rendered.
#[derive(Debug)]
pub(super) struct OutboundMessage {
    from: String,
    to: String,
    body: Option<String>,
    media: Option<String>,
    content: Option<(String, String)>,
    shorten_urls: bool,
}

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    let outbound = OutboundMessage::render(context)?;
    match outbound.write_reply(context, None) {
        true => Ok(Next::event("sent")),
        false => Ok(Next::SendRequest(outbound.to_request())),
    }
}

fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    let Event::CarrierReturned(result) = event else { return Ok(Next::End) };
    set_outbound(context, result)?;
    Ok(Next::event("sent"))
}

/// Notes `widgets.NAME.outbound` from what the carrier's API answered.
pub(super) fn set_outbound(
    context: &mut WidgetContext<'_>,
    result: Result<Map<String, Value>, CarrierRequestError>,
) -> Result<(), Failure> {
    let resource = read_resource(context, result)?;
    context.set("outbound", Value::Object(resource));
    Ok(())
}

/// What the carrier's API answered, its keys in the spelling of Studio: `date_created` is
/// `DateCreated`.
pub(super) fn read_resource(
    context: &WidgetContext<'_>,
    result: Result<Map<String, Value>, CarrierRequestError>,
) -> Result<Map<String, Value>, Failure> {
    let widget = || context.widget().name.clone();
    let resource = result.map_err(|error| Failure::Send { widget: widget(), error })?;
    Ok(resource.into_iter().map(|(name, value)| (studio_name(&name), value)).collect())
}

fn studio_name(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or(String::new(), |first| {
            first.to_ascii_uppercase().to_string() + letters.as_str()
        })
    };
    name.split('_').map(capital).collect()
}

// === impl OutboundMessage ===

impl OutboundMessage {
    /// The message of a widget.
    pub(super) fn render(context: &WidgetContext<'_>) -> Result<OutboundMessage, Failure> {
        let or = |name, other: &str| -> Result<String, Failure> {
            Ok(context.text(name)?.unwrap_or_else(|| other.to_owned()))
        };
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
        let (body, media) = (context.text("body")?, context.text("media_url")?);
        if body.is_none() && media.is_none() && content.is_none() {
            // The carrier refuses a message without anything in it (Twilio 21602).
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

    /// Writes it into the answer to a message. `false` where none is being answered, the answer
    /// holds as many as it may, or TwiML has no word for it.
    pub(super) fn write_reply(
        &self,
        context: &mut WidgetContext<'_>,
        status: Option<&str>,
    ) -> bool {
        let message = context.execution.channel == Channel::Message && context.turn.answering;
        if !message
            || self.content.is_some()
            || context.execution.messages_in_reply >= MESSAGES_PER_REPLY_MAX
        {
            return false;
        }
        context.execution.messages_in_reply += 1;
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

    /// The same for the carrier's API.
    pub(super) fn to_request(&self) -> CarrierRequest {
        let mut form = Params::default();
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
        let path = "/2010-04-01/Accounts/{account}/Messages.json".to_owned();
        CarrierRequest { service: CarrierService::Api, path, form }
    }
}
