//! What a widget asks for follows from its wiring and its switches, as in Studio: detections,
//! transcriptions and callbacks that the flow does not use are not requested. The carrier bills
//! some of them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use twimlgate::channel::Channel;
use twimlgate::config::Config;
use twimlgate::diagnostics::problem::{Problems, Source};
use twimlgate::flow::{
    Event, Execution, ExecutionState, Flow, FlowUrls, Step, TurnContext, advance,
};
use twimlgate::gateway::Gateway;
use twimlgate::metrics::Metrics;
use twimlgate::template::TemplateFolder;
use twimlgate::webhook::{Params, StepToken};

const URL: &str = "https://phone.example.com/route";

/// A flow whose trigger leads to one widget. Each event of `wired` leads to a message.
fn flow(name: &str, kind: &str, properties: Value, wired: &[&str]) -> Arc<Flow> {
    let wire = |event: &&str| json!({"event": event, "next": "after"});
    let flow = json!({"initial_state": "Trigger", "states": [
        {"name": "Trigger", "type": "trigger", "transitions": [
            {"event": "incomingCall", "next": "w"}, {"event": "incomingMessage", "next": "w"},
            {"event": "incomingRequest", "next": "w"}]},
        {"name": "w", "type": kind, "properties": properties,
         "transitions": wired.iter().map(wire).collect::<Vec<_>>()},
        {"name": "after", "type": "send-message", "properties": {"body": "after"},
         "transitions": [{"event": "sent"}]}]});
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wiring");
    std::fs::create_dir_all(&folder).unwrap();
    let file = format!("{name}.json");
    std::fs::write(folder.join(&file), flow.to_string()).unwrap();
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\ntemplates = \"\"\npublic_url = \"{URL}\"\n\
         [[account]]\nsid = \"AC00000000000000000000000000000000\"\nauth_tokens = [\"1\"]\n\
         [route.\"/voice\"]\nchannel = \"voice\"\nflow = \"{file}\"\n\
         [route.\"/sms\"]\nchannel = \"message\"\nflow = \"{file}\"\n"
    );
    let source = Source::new("wiring.toml", &text);
    let (config, mut problems) = Config::parse(&source, &folder, &|_| None);
    let config = config.unwrap_or_else(|| panic!("{problems}"));
    let zone = config.server.time_zone.clone();
    let templates = TemplateFolder::compile(Path::new(""), Vec::new(), zone, &mut problems);
    let mut found = Problems::default();
    let gateway = Gateway::build(config, &templates, &Metrics::new(), &mut found);
    let gateway = gateway.unwrap_or_else(|| panic!("{found}"));
    Arc::clone(gateway.flows.iter().next().expect("a flow"))
}

/// The first turn of a flow, and what the execution is after it.
fn begin(flow: &Flow, channel: Channel, answering: bool) -> (Step, Execution) {
    let sid = if channel == Channel::Voice { "CallSid" } else { "MessageSid" };
    let params = [("From", "+15550100"), ("To", "+15550111"), (sid, "X1"), ("Body", "hi")];
    let params: Params = params.into_iter().collect();
    let mut execution = Execution::begin("FN1".to_owned(), channel, Arc::new(params));
    let turn = TurnContext {
        now: Duration::from_secs(1_790_000_000),
        token: StepToken::new("0".repeat(32)),
        action: "?step=1".to_owned(),
        urls: FlowUrls { voice: Some(URL.into()), message: Some(URL.into()) },
        answering,
        records_transitions: true,
    };
    (advance(flow, &mut execution, Event::Trigger, &turn), execution)
}

/// The form of the request that the first turn sends over the carrier's API.
fn sent(flow: &Flow, channel: Channel, answering: bool) -> Vec<(String, String)> {
    let (Step::SendRequest(request), _) = begin(flow, channel, answering) else {
        panic!("no request");
    };
    request.form.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn value<'a>(form: &'a [(String, String)], wanted: &str) -> Option<&'a str> {
    form.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
}

/// The document of the first turn of a call.
fn document(flow: &Flow) -> String {
    let (Step::Reply(document), _) = begin(flow, Channel::Voice, true) else { panic!("no reply") };
    String::from_utf8(document.to_vec()).unwrap()
}

fn call(more: Value) -> Value {
    let mut properties = json!({"from": "+15550111", "to": "+15550100"});
    properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    properties
}

#[test]
fn answering_machines_are_detected_where_the_flow_distinguishes_them() {
    for (name, kind, properties, wired, detection) in [
        ("v1", "make-outgoing-call-v1", json!({}), vec!["answered"], None),
        (
            "v1-machine",
            "make-outgoing-call-v1",
            json!({}),
            vec!["answeredByMachine"],
            Some("Enable"),
        ),
        (
            "v1-off",
            "make-outgoing-call-v1",
            json!({"detect_answering_machine": false}),
            vec!["answeredByMachine"],
            None,
        ),
        ("v2", "make-outgoing-call-v2", json!({}), vec!["answered"], None),
        (
            "v2-off",
            "make-outgoing-call-v2",
            json!({"detect_answering_machine": false, "machine_detection": "Enable",
                   "machine_detection_timeout": "30"}),
            vec!["answered"],
            None,
        ),
        (
            "v2-on",
            "make-outgoing-call-v2",
            json!({"detect_answering_machine": true}),
            vec!["answered"],
            Some("Enable"),
        ),
        (
            "v2-end",
            "make-outgoing-call-v2",
            json!({"detect_answering_machine": true, "machine_detection": "DetectMessageEnd"}),
            vec!["answered"],
            Some("DetectMessageEnd"),
        ),
    ] {
        let form = sent(&flow(name, kind, call(properties), &wired), Channel::Message, true);
        assert_eq!(value(&form, "MachineDetection"), detection, "{name}");
        let timeout = value(&form, "MachineDetectionTimeout");
        assert!(timeout.is_none(), "{name}: {timeout:?}");
    }
}

#[test]
fn what_belongs_to_a_recording_is_sent_with_a_recording_alone() {
    for record in [false, true] {
        let properties = call(json!({"record": record, "recording_channels": "dual",
            "trim": "do-not-trim", "recording_status_callback": "https://example.com/r"}));
        let name = format!("record-{record}");
        let flow = flow(&name, "make-outgoing-call-v2", properties, &["answered"]);
        let form = sent(&flow, Channel::Message, true);
        for parameter in ["Record", "RecordingChannels", "Trim", "RecordingStatusCallback"] {
            assert_eq!(value(&form, parameter).is_some(), record, "{parameter}");
        }
    }
}

#[test]
fn a_transcription_that_is_switched_off_is_not_requested() {
    for (name, transcribe, expected) in [
        ("off", json!(false), (false, false)),
        ("on", json!(true), (true, true)),
        ("unset", Value::Null, (false, true)),
    ] {
        let properties = json!({"transcribe": transcribe,
            "transcription_callback_url": "https://example.com/t"});
        let flow = flow(name, "record-voicemail", properties, &["recordingComplete"]);
        let document = document(&flow);
        let found = (document.contains("transcribe="), document.contains("transcribeCallback="));
        assert_eq!(found, expected, "{name}: {document}");
    }
}

#[test]
fn the_status_of_a_message_is_requested_where_its_failure_is_wired() {
    let properties = json!({"body": "Hello?", "timeout": "60"});
    for (name, wired, channel, callback) in [
        ("unwired", vec!["incomingMessage"], Channel::Message, None),
        ("wired", vec!["deliveryFailure"], Channel::Message, Some(format!("{URL}?step=1"))),
        // The callback would come to the message route, where no call is known.
        ("in-a-call", vec!["deliveryFailure"], Channel::Voice, None),
    ] {
        let flow = flow(name, "send-and-wait-for-reply", properties.clone(), &wired);
        // A turn that answers no message reaches the contact over the carrier's API alone.
        let form = sent(&flow, channel, false);
        assert_eq!(value(&form, "StatusCallback"), callback.as_deref(), "{name}");
    }
}

#[test]
fn a_redirect_that_does_not_wait_ends_with_its_event() {
    let properties = json!({"url": "https://example.com/app", "timeout": "0"});
    let unwired = flow("redirect", "add-twiml-redirect", properties.clone(), &["return"]);
    let (step, execution) = begin(&unwired, Channel::Voice, true);
    assert!(matches!(step, Step::Reply(_)));
    assert_eq!(execution.state, ExecutionState::Ended);
    let last = execution.transitions.last().expect("a step");
    assert_eq!((last.from.as_str(), last.event.as_str(), last.to.as_ref()), ("w", "timeout", None));
    // With something wired, the event follows the reply at once.
    let wired = flow("redirect-wired", "add-twiml-redirect", properties, &["timeout"]);
    let (step, execution) = begin(&wired, Channel::Voice, true);
    let Step::Reply(document) = step else { panic!("no reply") };
    assert!(!String::from_utf8_lossy(&document).contains("after"));
    let ExecutionState::Waiting(wait) = &execution.state else { panic!("it does not wait") };
    assert_eq!(wait.due, Some(Duration::from_secs(1_790_000_000)));
}
