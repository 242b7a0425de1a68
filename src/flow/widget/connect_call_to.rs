//! `connect-call-to`: connects the call to a number, client, conference, SIM or SIP address.
//!
//! ```json
//! {"name": "agent", "type": "connect-call-to",
//!  "transitions": [{"event": "callCompleted", "next": "bye"}, {"event": "hangup"}],
//!  "properties": {"noun": "number", "to": "+15550123", "caller_id": "{{contact.channel.address}}",
//!    "timeout": 30, "record": false}}
//! ```

use super::{Next, Requirement, WidgetType};
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::flow::step::Event;
use crate::limits::DIALLED_AT_ONCE_MAX;
use crate::twiml::TwimlWriter;
use crate::twiml::verb::{Client, Conference, Dial, Number, Sim, Sip};

pub(super) const TYPE: WidgetType = WidgetType {
    name: "connect-call-to",
    events: &["callCompleted", "hangup"],
    failure: None,
    properties: &[
        Property::required("noun", PropertyKind::Choice(&NOUNS)),
        Property::new("to", PropertyKind::Text),
        Property::new("caller_id", PropertyKind::Text),
        Property::new("record", PropertyKind::Flag),
        Property::new("timeout", PropertyKind::Integer(1, 600)),
        Property::new("time_limit", PropertyKind::Integer(1, 86_400)),
        Property::new("sip_endpoint", PropertyKind::Text),
        Property::new("sip_username", PropertyKind::Text),
        Property::new("sip_password", PropertyKind::Text),
    ],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume,
};

const NOUNS: [&str; 6] = ["number", "number-multi", "client", "conference", "sim", "sip"];

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    context.require_call()?;
    let noun = context.required_text("noun")?;
    // The property `to` does not exist for this noun in Studio's editor.
    let to = if noun == "sip" {
        context.required_text("sip_endpoint")?
    } else {
        context.required_text("to")?
    };
    let (user, password) = (context.text("sip_username")?, context.text("sip_password")?);
    let caller_id = context.text("caller_id")?;
    let record = context.flag("record")?.unwrap_or_default();
    let turn = context.turn;
    let dial = Dial {
        action: Some(&turn.action),
        method: Some("POST"),
        timeout_seconds: context.number("timeout")?,
        time_limit_seconds: context.number("time_limit")?,
        caller_id: caller_id.as_deref(),
        record: record.then_some("record-from-answer"),
        ..Dial::default()
    };
    let to = to.trim();
    let write = |inside: &mut TwimlWriter| match noun.trim() {
        "client" => {
            inside.add(&Client { identity: to, url: None, method: None });
        }
        "conference" => {
            inside.add(&Conference { room: to, ..Conference::default() });
        }
        "sim" => {
            inside.add(&Sim { sid: to });
        }
        "sip" => {
            let (username, password) = (user.as_deref(), password.as_deref());
            inside.add(&Sip { uri: to, username, password, ..Sip::default() });
        }
        _ => {
            let numbers = to.split(',').map(str::trim).filter(|number| !number.is_empty());
            // The carrier rejects a `Dial` with more numbers; the first ones are dialled.
            for number in numbers.take(DIALLED_AT_ONCE_MAX) {
                inside.add(&Number { number, ..Number::default() });
            }
        }
    };
    context.document().nest(&dial, write);
    Ok(context.wait(None))
}

fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    let Event::Webhook(params) = event else { return Ok(Next::event("callCompleted")) };
    context.set_all(&params);
    // The carrier requests the action URL after a hang-up of the caller as well.
    let gone = params.get("CallStatus") == Some("completed");
    Ok(Next::event(if gone { "hangup" } else { "callCompleted" }))
}
