//! `make-outgoing-call-v2`: calls somebody over the carrier's API; the flow goes on in that call.
//!
//! ```json
//! {"name": "call", "type": "make-outgoing-call-v2",
//!  "transitions": [{"event": "answered", "next": "welcome"}, {"event": "busy"},
//!    {"event": "noAnswer"}, {"event": "failed"}],
//!  "properties": {"from": "{{flow.channel.address}}", "to": "{{contact.channel.address}}",
//!    "timeout": 60, "detect_answering_machine": false}}
//! ```

use super::send_message::read_resource;
use super::{Next, Requirement, WidgetType};
use crate::channel::Channel;
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::flow::step::Event;
use crate::flow::{CarrierRequest, CarrierService};
use crate::webhook::Params;

pub(super) const TYPE: WidgetType = WidgetType {
    name: "make-outgoing-call-v2",
    events: &["answered", "busy", "noAnswer", "failed"],
    failure: Some("failed"),
    properties: &[
        Property::required("from", PropertyKind::Text),
        Property::required("to", PropertyKind::Text),
        Property::new("record", PropertyKind::Flag),
        Property::new("recording_channels", PropertyKind::Text),
        Property::new("recording_status_callback", PropertyKind::Text),
        Property::new("trim", PropertyKind::Text),
        Property::new("detect_answering_machine", PropertyKind::Flag),
        Property::new("machine_detection", PropertyKind::Text),
        Property::new("machine_detection_timeout", PropertyKind::Text),
        Property::new("machine_detection_speech_threshold", PropertyKind::Text),
        Property::new("machine_detection_speech_end_threshold", PropertyKind::Text),
        Property::new("machine_detection_silence_timeout", PropertyKind::Text),
        Property::new("send_digits", PropertyKind::Text),
        Property::new("timeout", PropertyKind::Integer(1, 600)),
        Property::new("sip_auth_username", PropertyKind::Text),
        Property::new("sip_auth_password", PropertyKind::Text),
    ],
    exactly_one_of: &[],
    requirement: Requirement::Carrier,
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

pub(super) fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    // A message may have begun the flow, but only a voice route takes the webhooks of a call.
    let Some(url) = context.turn.callback_url(Channel::Voice) else {
        return Err(Failure::NoVoiceUrl { widget: context.widget().name.clone() });
    };
    context.required_text("to")?;
    let mut form = Params::default();
    for (property, name) in NAMES {
        if let Some(text) = context.text(property)? {
            form.push(name, &text);
        }
    }
    if context.flag("record")?.unwrap_or_default() {
        form.push("Record", "true");
    }
    if context.flag("detect_answering_machine")?.unwrap_or_default() {
        for (property, name) in MACHINE {
            if let Some(text) = context.text(property)? {
                form.push(name, &text);
            }
        }
    }
    form.push("Url", &url);
    form.push("StatusCallback", &url);
    let path = "/2010-04-01/Accounts/{account}/Calls.json".to_owned();
    Ok(Next::SendRequest(CarrierRequest { service: CarrierService::Api, path, form }))
}

pub(super) fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    let params = match event {
        Event::CarrierReturned(result) => {
            let call = read_resource(context, result)?;
            let sid = call.get("Sid").and_then(|sid| sid.as_str()).map(str::to_owned);
            if let Some(sid) = &sid {
                context.set("CallSid", sid.as_str());
            }
            context.execution.call_sid = sid;
            return Ok(context.wait(Some(NO_ANSWER_SECONDS)));
        }
        Event::Webhook(params) | Event::Returned(params) => params,
        _ => return Ok(Next::event("noAnswer")),
    };
    context.set_all(&params);
    context.execution.channel = Channel::Voice;
    let machine = params.get("AnsweredBy").is_some_and(|by| by.starts_with("machine"));
    let told = context.widget().next("answeredByMachine").is_some();
    Ok(Next::event(match params.get("CallStatus").unwrap_or_default() {
        "busy" => "busy",
        "no-answer" | "canceled" => "noAnswer",
        "failed" => "failed",
        _ if machine && told => "answeredByMachine",
        _ => "answered",
    }))
}
