//! `record-call`: starts or stops a recording of the whole call, over the carrier's API.
//!
//! ```json
//! {"name": "record", "type": "record-call",
//!  "transitions": [{"event": "success", "next": "menu"}, {"event": "failed", "next": "menu"}],
//!  "properties": {"record_call": true, "trim": "do-not-trim", "recording_channels": "dual"}}
//! ```

use super::send_message::sent;
use super::{Needs, Next, Type};
use crate::flow::failure::Failure;
use crate::flow::properties::{Holds, Property};
use crate::flow::step::Event;
use crate::flow::turn::Turn;
use crate::flow::{Send, Service};
use crate::webhook::Params;

pub(super) const TYPE: Type = Type {
    name: "record-call",
    events: &["success", "failed"],
    failure: Some("failed"),
    properties: &[
        Property::required("record_call", Holds::Flag),
        Property::new("trim", Holds::Text),
        Property::new("recording_status_callback", Holds::Text),
        Property::new("recording_status_callback_method", Holds::Text),
        Property::new("recording_status_callback_events", Holds::Text),
        Property::new("recording_channels", Holds::Text),
    ],
    needs: Needs::Carrier,
    enter,
    resume,
};

/// Our names of the properties, and the API's.
const NAMES: [(&str, &str); 5] = [
    ("trim", "Trim"),
    ("recording_status_callback", "RecordingStatusCallback"),
    ("recording_status_callback_method", "RecordingStatusCallbackMethod"),
    ("recording_status_callback_events", "RecordingStatusCallbackEvent"),
    ("recording_channels", "RecordingChannels"),
];

fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    turn.voice_only()?;
    let call = turn.execution.call_sid.clone().unwrap_or_default();
    let recordings = format!("/2010-04-01/Accounts/{{account}}/Calls/{call}/Recordings");
    let mut form = Params::default();
    let path = if turn.flag("record_call")?.unwrap_or_default() {
        for (property, name) in NAMES {
            if let Some(text) = turn.text(property)? {
                form.push(name, &text);
            }
        }
        format!("{recordings}.json")
    } else {
        form.push("Status", "stopped");
        format!("{recordings}/Twilio.CURRENT.json")
    };
    Ok(Next::Send(Send { service: Service::Api, path, form }))
}

fn resume(turn: &mut Turn<'_>, event: Event) -> Result<Next, Failure> {
    let Event::Sent(result) = event else { return Ok(Next::End) };
    let resource = sent(turn, result)?;
    turn.set_resource(resource);
    Ok(Next::event("success"))
}
