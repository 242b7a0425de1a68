//! `connect-virtual-agent`: connects the call to a bot. Deprecated at Twilio for
//! `connect-virtual-agent-v2`.
//!
//! ```json
//! {"name": "bot", "type": "connect-virtual-agent",
//!  "transitions": [{"event": "return", "next": "bye"}, {"event": "hangup"}],
//!  "properties": {"connector": "dialogflow", "language": "en-US", "sentiment_analysis": "true"}}
//! ```

use super::{Needs, Next, Type};
use crate::flow::failure::Failure;
use crate::flow::properties::{Holds, Property};
use crate::flow::step::Event;
use crate::flow::turn::Turn;
use crate::twiml::verb::{Connect, VirtualAgent};

pub(super) const TYPE: Type = Type {
    name: "connect-virtual-agent",
    events: &["return", "hangup"],
    failure: None,
    properties: &[
        Property::required("connector", Holds::Text),
        Property::new("language", Holds::Text),
        Property::new("sentiment_analysis", Holds::Text),
        Property::new("status_callback", Holds::Text),
    ],
    needs: Needs::Nothing,
    enter,
    resume,
};

fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    turn.voice_only()?;
    let (connector, language) = (turn.required("connector")?, turn.text("language")?);
    let (sentiment, status) = (turn.text("sentiment_analysis")?, turn.text("status_callback")?);
    let at = turn.at;
    let agent = VirtualAgent {
        connector_name: Some(&connector),
        language: language.as_deref(),
        sentiment_analysis: sentiment.as_deref().map(|text| text == "true"),
        status_callback: status.as_deref(),
        ..VirtualAgent::default()
    };
    let connect = Connect { action: Some(&at.action), method: Some("POST") };
    turn.document().nest(&connect, |inside| {
        inside.add(&agent);
    });
    Ok(turn.wait(None))
}

fn resume(turn: &mut Turn<'_>, event: Event) -> Result<Next, Failure> {
    let Event::Webhook(params) = event else { return Ok(Next::event("return")) };
    turn.set_all(&params);
    let gone = params.get("CallStatus") == Some("completed");
    Ok(Next::event(if gone { "hangup" } else { "return" }))
}
