//! `connect-virtual-agent-v2`: connects the call to a virtual agent.
//!
//! ```json
//! {"name": "bot", "type": "connect-virtual-agent-v2",
//!  "transitions": [{"event": "completed", "next": "bye"},
//!    {"event": "live-agent-handoff", "next": "agent"}, {"event": "hangup"},
//!    {"event": "failed", "next": "sorry"}],
//!  "properties": {"channel": "voice", "connector_name": "dialogflow-cx",
//!    "parameters": [{"key": "plan", "value": "gold"}]}}
//! ```

use super::{Next, Requirement, WidgetType};
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::flow::step::Event;
use crate::twiml::verb::{Config, Connect, Parameter, VirtualAgent};

pub(super) const TYPE: WidgetType = WidgetType {
    name: "connect-virtual-agent-v2",
    events: &["completed", "live-agent-handoff", "hangup", "failed", "paused", "timeout"],
    failure: Some("failed"),
    properties: &[
        Property::new("channel", PropertyKind::Text),
        Property::required("connector_name", PropertyKind::Name),
        Property::new("connector_details", PropertyKind::Ignored),
        Property::new("configurations", PropertyKind::Pairs),
        Property::new("parameters", PropertyKind::Pairs),
        Property::new("status_callback", PropertyKind::Url),
        Property::new("status_callback_method", PropertyKind::Text),
        Property::new("timeout", PropertyKind::Ignored),
        Property::new("session_behavior", PropertyKind::Ignored),
        Property::new("resume_session_event_name", PropertyKind::Ignored),
        Property::new("resume_session_parameters", PropertyKind::Ignored),
    ],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    context.require_call()?;
    let connector = context.required_text("connector_name")?;
    let (status, method) =
        (context.url("status_callback")?, context.text("status_callback_method")?);
    let (configurations, parameters) =
        (context.pairs("configurations")?, context.pairs("parameters")?);
    let turn = context.turn;
    let agent = VirtualAgent {
        connector_name: Some(&connector),
        status_callback: status.as_deref(),
        status_callback_method: method.as_deref(),
        ..VirtualAgent::default()
    };
    let connect = Connect { action: Some(&turn.action), method: Some("POST") };
    context.document().nest(&connect, |inside| {
        inside.nest(&agent, |inside| {
            for (name, value) in configurations.iter() {
                inside.add(&Config { name: Some(name), value: Some(value) });
            }
            for (name, value) in parameters.iter() {
                inside.add(&Parameter { name: Some(name), value: Some(value) });
            }
        });
    });
    Ok(context.wait(None))
}

fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    let Event::Webhook(params) = event else { return Ok(Next::event("failed")) };
    context.set_all(&params);
    Ok(Next::event(match params.get("VirtualAgentStatus").unwrap_or_default() {
        // The agent's own result comes before the state of the call, which may have ended since.
        "live-agent-handoff" => "live-agent-handoff",
        "failed" => "failed",
        _ if params.get("CallStatus") == Some("completed") => "hangup",
        _ => "completed",
    }))
}
