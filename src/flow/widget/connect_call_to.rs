//! `connect-call-to`: connects the caller with somebody else.
//!
//! ```json
//! {"name": "agent", "type": "connect-call-to",
//!  "transitions": [{"event": "callCompleted", "next": "bye"}, {"event": "hangup"}],
//!  "properties": {"noun": "number", "to": "+15550123", "caller_id": "{{contact.channel.address}}",
//!    "timeout": 30, "record": false}}
//! ```

use super::{Needs, Next, Type};
use crate::flow::failure::Failure;
use crate::flow::properties::{Holds, Property};
use crate::flow::step::Event;
use crate::flow::turn::Turn;
use crate::limits::DIALLED_AT_ONCE_MAX;
use crate::twiml::TwimlWriter;
use crate::twiml::verb::{Client, Conference, Dial, Number, Sim, Sip};

pub(super) const TYPE: Type = Type {
    name: "connect-call-to",
    events: &["callCompleted", "hangup"],
    failure: None,
    properties: &[
        Property::required("noun", Holds::Choice(&NOUNS)),
        Property::new("to", Holds::Text),
        Property::new("caller_id", Holds::Text),
        Property::new("record", Holds::Flag),
        Property::new("timeout", Holds::Integer(1, 600)),
        Property::new("time_limit", Holds::Integer(1, 86_400)),
        Property::new("sip_endpoint", Holds::Text),
        Property::new("sip_username", Holds::Text),
        Property::new("sip_password", Holds::Text),
    ],
    needs: Needs::Nothing,
    enter,
    resume,
};

const NOUNS: [&str; 6] = ["number", "number-multi", "client", "conference", "sim", "sip"];

fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    turn.voice_only()?;
    let noun = turn.required("noun")?;
    let to = if noun == "sip" { turn.required("sip_endpoint")? } else { turn.required("to")? };
    let (user, password) = (turn.text("sip_username")?, turn.text("sip_password")?);
    let caller_id = turn.text("caller_id")?;
    let record = turn.flag("record")?.unwrap_or_default();
    let at = turn.at;
    let dial = Dial {
        action: Some(&at.action),
        method: Some("POST"),
        timeout_seconds: turn.number("timeout")?,
        time_limit_seconds: turn.number("time_limit")?,
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
            for number in numbers.take(DIALLED_AT_ONCE_MAX) {
                inside.add(&Number { number, ..Number::default() });
            }
        }
    };
    turn.document().nest(&dial, write);
    Ok(turn.wait(None))
}

fn resume(turn: &mut Turn<'_>, event: Event) -> Result<Next, Failure> {
    let Event::Webhook(params) = event else { return Ok(Next::event("callCompleted")) };
    turn.set_all(&params);
    // The carrier asks for the action also when it was the caller who hung up.
    let gone = params.get("CallStatus") == Some("completed");
    Ok(Next::event(if gone { "hangup" } else { "callCompleted" }))
}
