//! `connect-virtual-agent`: connects the call to a virtual agent. Twilio has deprecated it in
//! favour of `connect-virtual-agent-v2`.
//!
//! ```json
//! {"name": "bot", "type": "connect-virtual-agent",
//!  "transitions": [{"event": "return", "next": "bye"}, {"event": "hangup"}],
//!  "properties": {"connector": "dialogflow", "language": "en-US", "sentiment_analysis": "true"}}
//! ```

use super::{Next, Requirement, WidgetType};
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::flow::step::Event;
use crate::twiml::verb::{Connect, VirtualAgent};

pub(super) const TYPE: WidgetType = WidgetType {
    name: "connect-virtual-agent",
    events: &["return", "hangup"],
    failure: None,
    properties: &[
        Property::required("connector", PropertyKind::Name),
        Property::new("language", PropertyKind::Text),
        Property::new("sentiment_analysis", PropertyKind::Text),
        Property::new("status_callback", PropertyKind::Url),
    ],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    context.require_call()?;
    let (connector, language) = (context.required_text("connector")?, context.text("language")?);
    let (sentiment, status) =
        (context.text("sentiment_analysis")?, context.url("status_callback")?);
    let turn = context.turn;
    let agent = VirtualAgent {
        connector_name: Some(&connector),
        language: language.as_deref(),
        sentiment_analysis: sentiment.as_deref().map(|text| text == "true"),
        status_callback: status.as_deref(),
        ..VirtualAgent::default()
    };
    let connect = Connect { action: Some(&turn.action), method: Some("POST") };
    context.document().nest(&connect, |inside| {
        inside.add(&agent);
    });
    Ok(context.wait(None))
}

fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    let Event::Webhook(params) = event else { return Ok(Next::event("return")) };
    context.set_all(&params);
    // The carrier requests the action URL after a hang-up of the caller as well.
    let gone = params.get("CallStatus") == Some("completed");
    Ok(Next::event(if gone { "hangup" } else { "return" }))
}
