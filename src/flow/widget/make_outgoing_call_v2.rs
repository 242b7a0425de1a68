//! `make-outgoing-call-v2`: calls somebody over the carrier's API; the flow goes on in that call.
//!
//! ```json
//! {"name": "call", "type": "make-outgoing-call-v2",
//!  "transitions": [{"event": "answered", "next": "welcome"}, {"event": "busy"},
//!    {"event": "noAnswer"}, {"event": "failed"}],
//!  "properties": {"from": "{{flow.channel.address}}", "to": "{{contact.channel.address}}",
//!    "timeout": 60, "detect_answering_machine": false}}
//! ```

use super::send_message::sent;
use super::{Needs, Next, Type};
use crate::channel::Channel;
use crate::flow::failure::Failure;
use crate::flow::properties::{Holds, Property};
use crate::flow::step::Event;
use crate::flow::turn::Turn;
use crate::flow::{Send, Service};
use crate::webhook::Params;

pub(super) const TYPE: Type = Type {
    name: "make-outgoing-call-v2",
    events: &["answered", "busy", "noAnswer", "failed"],
    failure: Some("failed"),
    properties: &[
        Property::required("from", Holds::Text),
        Property::required("to", Holds::Text),
        Property::new("record", Holds::Flag),
        Property::new("recording_channels", Holds::Text),
        Property::new("recording_status_callback", Holds::Text),
        Property::new("trim", Holds::Text),
        Property::new("detect_answering_machine", Holds::Flag),
        Property::new("machine_detection", Holds::Text),
        Property::new("machine_detection_timeout", Holds::Text),
        Property::new("machine_detection_speech_threshold", Holds::Text),
        Property::new("machine_detection_speech_end_threshold", Holds::Text),
        Property::new("machine_detection_silence_timeout", Holds::Text),
        Property::new("send_digits", Holds::Text),
        Property::new("timeout", Holds::Integer(1, 600)),
        Property::new("sip_auth_username", Holds::Text),
        Property::new("sip_auth_password", Holds::Text),
    ],
    needs: Needs::Carrier,
    enter,
    resume,
};

/// Our names of the properties, and the API's.
const NAMES: [(&str, &str); 9] = [
    ("from", "From"),
    ("to", "To"),
    ("recording_channels", "RecordingChannels"),
    ("recording_status_callback", "RecordingStatusCallback"),
    ("trim", "Trim"),
    ("send_digits", "SendDigits"),
    ("timeout", "Timeout"),
    ("sip_auth_username", "SipAuthUsername"),
    ("sip_auth_password", "SipAuthPassword"),
];

/// Those that only count where a machine is looked for.
const MACHINE: [(&str, &str); 5] = [
    ("machine_detection", "MachineDetection"),
    ("machine_detection_timeout", "MachineDetectionTimeout"),
    ("machine_detection_speech_threshold", "MachineDetectionSpeechThreshold"),
    ("machine_detection_speech_end_threshold", "MachineDetectionSpeechEndThreshold"),
    ("machine_detection_silence_timeout", "MachineDetectionSilenceTimeout"),
];

/// A call that is neither answered nor refused is over by then, also where no callback tells us.
const NO_ANSWER_SECONDS: u64 = 900;

pub(super) fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    // A message may have begun the flow, but only a voice route takes the webhooks of a call.
    let Some(url) = turn.at.url(Channel::Voice) else {
        return Err(Failure::NoVoiceUrl { widget: turn.widget().name.clone() });
    };
    turn.required("to")?;
    let mut form = Params::default();
    for (property, name) in NAMES {
        if let Some(text) = turn.text(property)? {
            form.push(name, &text);
        }
    }
    if turn.flag("record")?.unwrap_or_default() {
        form.push("Record", "true");
    }
    if turn.flag("detect_answering_machine")?.unwrap_or_default() {
        for (property, name) in MACHINE {
            if let Some(text) = turn.text(property)? {
                form.push(name, &text);
            }
        }
    }
    form.push("Url", &url);
    form.push("StatusCallback", &url);
    let path = "/2010-04-01/Accounts/{account}/Calls.json".to_owned();
    Ok(Next::Send(Send { service: Service::Api, path, form }))
}

pub(super) fn resume(turn: &mut Turn<'_>, event: Event) -> Result<Next, Failure> {
    let params = match event {
        Event::Sent(result) => {
            let call = sent(turn, result)?;
            let sid = call.get("Sid").and_then(|sid| sid.as_str()).map(str::to_owned);
            if let Some(sid) = &sid {
                turn.set("CallSid", sid.as_str());
            }
            turn.execution.call_sid = sid;
            return Ok(turn.wait(Some(NO_ANSWER_SECONDS)));
        }
        Event::Webhook(params) | Event::Returned(params) => params,
        _ => return Ok(Next::event("noAnswer")),
    };
    turn.set_all(&params);
    turn.execution.channel = Channel::Voice;
    let machine = params.get("AnsweredBy").is_some_and(|by| by.starts_with("machine"));
    let told = turn.widget().next("answeredByMachine").is_some();
    Ok(Next::event(match params.get("CallStatus").unwrap_or_default() {
        "busy" => "busy",
        "no-answer" | "canceled" => "noAnswer",
        "failed" => "failed",
        _ if machine && told => "answeredByMachine",
        _ => "answered",
    }))
}
