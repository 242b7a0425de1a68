//! `connect-virtual-agent-v2`: connects the call to a bot.
//!
//! ```json
//! {"name": "bot", "type": "connect-virtual-agent-v2",
//!  "transitions": [{"event": "completed", "next": "bye"},
//!    {"event": "live-agent-handoff", "next": "agent"}, {"event": "hangup"},
//!    {"event": "failed", "next": "sorry"}],
//!  "properties": {"channel": "voice", "connector_name": "dialogflow-cx",
//!    "parameters": [{"key": "plan", "value": "gold"}]}}
//! ```

use super::{Needs, Next, Type};
use crate::flow::failure::Failure;
use crate::flow::properties::{Holds, Property};
use crate::flow::step::Event;
use crate::flow::turn::Turn;
use crate::twiml::verb::{Config, Connect, Parameter, VirtualAgent};

pub(super) const TYPE: Type = Type {
    name: "connect-virtual-agent-v2",
    events: &["completed", "live-agent-handoff", "hangup", "failed", "paused", "timeout"],
    failure: Some("failed"),
    properties: &[
        Property::new("channel", Holds::Text),
        Property::required("connector_name", Holds::Text),
        Property::new("connector_details", Holds::Ignored),
        Property::new("configurations", Holds::Pairs),
        Property::new("parameters", Holds::Pairs),
        Property::new("status_callback", Holds::Text),
        Property::new("status_callback_method", Holds::Text),
        Property::new("timeout", Holds::Ignored),
        Property::new("session_behavior", Holds::Ignored),
        Property::new("resume_session_event_name", Holds::Ignored),
        Property::new("resume_session_parameters", Holds::Ignored),
    ],
    needs: Needs::Nothing,
    enter,
    resume,
};

fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    turn.voice_only()?;
    let connector = turn.required("connector_name")?;
    let (status, method) = (turn.text("status_callback")?, turn.text("status_callback_method")?);
    let (configurations, parameters) = (turn.pairs("configurations")?, turn.pairs("parameters")?);
    let at = turn.at;
    let agent = VirtualAgent {
        connector_name: Some(&connector),
        status_callback: status.as_deref(),
        status_callback_method: method.as_deref(),
        ..VirtualAgent::default()
    };
    let connect = Connect { action: Some(&at.action), method: Some("POST") };
    turn.document().nest(&connect, |inside| {
        inside.nest(&agent, |inside| {
            for (name, value) in configurations.iter() {
                inside.add(&Config { name: Some(name), value: Some(value) });
            }
            for (name, value) in parameters.iter() {
                inside.add(&Parameter { name: Some(name), value: Some(value) });
            }
        });
    });
    Ok(turn.wait(None))
}

fn resume(turn: &mut Turn<'_>, event: Event) -> Result<Next, Failure> {
    let Event::Webhook(params) = event else { return Ok(Next::event("failed")) };
    turn.set_all(&params);
    Ok(Next::event(match params.get("VirtualAgentStatus").unwrap_or_default() {
        "live-agent-handoff" => "live-agent-handoff",
        "failed" => "failed",
        _ if params.get("CallStatus") == Some("completed") => "hangup",
        _ => "completed",
    }))
}
