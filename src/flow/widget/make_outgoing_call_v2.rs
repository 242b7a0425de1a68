//! `make-outgoing-call-v2`: makes a call over the carrier's API. The flow continues in that call.
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
        Property::new("recording_status_callback", PropertyKind::Url),
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

/// The properties, and their names in the API.
const PARAMETERS: [(&str, &str); 6] = [
    ("from", "From"),
    ("to", "To"),
    ("send_digits", "SendDigits"),
    ("timeout", "Timeout"),
    ("sip_auth_username", "SipAuthUsername"),
    ("sip_auth_password", "SipAuthPassword"),
];

/// The properties that apply with `record` alone. Studio's editor writes them always.
const RECORDING_PARAMETERS: [(&str, &str); 3] = [
    ("recording_channels", "RecordingChannels"),
    ("recording_status_callback", "RecordingStatusCallback"),
    ("trim", "Trim"),
];

/// The properties that apply with `detect_answering_machine` alone.
const MACHINE_PARAMETERS: [(&str, &str); 4] = [
    ("machine_detection_timeout", "MachineDetectionTimeout"),
    ("machine_detection_speech_threshold", "MachineDetectionSpeechThreshold"),
    ("machine_detection_speech_end_threshold", "MachineDetectionSpeechEndThreshold"),
    ("machine_detection_silence_timeout", "MachineDetectionSilenceTimeout"),
];

/// The time after which a call without any webhook counts as not answered. The carrier's longest
/// ringing time is 600 s, and a status callback may be lost.
const NO_ANSWER_SECONDS: u64 = 900;

pub(super) fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    // A message may have begun the flow, but only a voice route accepts the webhooks of a call.
    let Some(url) = context.turn.callback_url(Channel::Voice) else {
        return Err(Failure::NoVoiceUrl { widget: context.widget().name.clone() });
    };
    context.required_text("to")?;
    let mut form = Params::default();
    push_texts(context, &mut form, &PARAMETERS)?;
    if context.flag("record")?.unwrap_or_default() {
        form.push("Record", "true");
        push_texts(context, &mut form, &RECORDING_PARAMETERS)?;
    }
    // The first version has no property for it: the detection, which the carrier bills, follows
    // from the wiring.
    let distinguishes = context.widget().next("answeredByMachine").is_some();
    if context.flag("detect_answering_machine")?.unwrap_or(distinguishes) {
        let kind = context.text("machine_detection")?;
        form.push("MachineDetection", kind.as_deref().unwrap_or("Enable"));
        push_texts(context, &mut form, &MACHINE_PARAMETERS)?;
    }
    // One URL for both: the callback reports a call that is not answered, and has the same token.
    form.push("Url", &url);
    form.push("StatusCallback", &url);
    let path = "/2010-04-01/Accounts/{account}/Calls.json".to_owned();
    Ok(Next::SendRequest(CarrierRequest { service: CarrierService::Api, path, form }))
}

/// Adds the properties that are set, by their names in the API.
fn push_texts(
    context: &WidgetContext<'_>,
    form: &mut Params,
    parameters: &[(&'static str, &str)],
) -> Result<(), Failure> {
    for (property, name) in parameters {
        if let Some(text) = context.text(property)? {
            form.push(name, &text);
        }
    }
    Ok(())
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
            // The API returns when the call is queued: the result comes as a webhook.
            return Ok(context.wait(Some(NO_ANSWER_SECONDS)));
        }
        Event::Webhook(params) | Event::Returned(params) => params,
        _ => return Ok(Next::event("noAnswer")),
    };
    context.set_all(&params);
    // From here on the widgets speak in the new call.
    context.execution.channel = Channel::Voice;
    let machine = params.get("AnsweredBy").is_some_and(|by| by.starts_with("machine"));
    // A machine counts as an answer in a flow that does not distinguish it.
    let is_wired = context.widget().next("answeredByMachine").is_some();
    Ok(Next::event(match params.get("CallStatus").unwrap_or_default() {
        "busy" => "busy",
        "no-answer" | "canceled" => "noAnswer",
        "failed" => "failed",
        _ if machine && is_wired => "answeredByMachine",
        _ => "answered",
    }))
}
