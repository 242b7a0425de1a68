//! `record-voicemail`: records a message of the caller.
//!
//! ```json
//! {"name": "voicemail", "type": "record-voicemail",
//!  "transitions": [{"event": "recordingComplete", "next": "bye"}, {"event": "noAudio"},
//!    {"event": "hangup"}],
//!  "properties": {"timeout": 5, "finish_on_key": "#", "max_length": 120, "play_beep": "true",
//!    "trim": "trim-silence", "transcribe": false}}
//! ```

use super::{Next, Requirement, WidgetType};
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::flow::step::Event;
use crate::twiml::verb::Record;

pub(super) const TYPE: WidgetType = WidgetType {
    name: "record-voicemail",
    events: &["recordingComplete", "noAudio", "hangup"],
    failure: None,
    properties: &[
        Property::new("timeout", PropertyKind::Integer(0, 600)),
        Property::new("finish_on_key", PropertyKind::Text),
        Property::new("max_length", PropertyKind::Integer(1, 14_400)),
        Property::new("transcribe", PropertyKind::Flag),
        Property::new("transcription_callback_url", PropertyKind::Url),
        Property::new("recording_status_callback_url", PropertyKind::Url),
        Property::new("trim", PropertyKind::Text),
        Property::new("play_beep", PropertyKind::Flag),
    ],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    context.require_call()?;
    let (key, trim) = (context.text("finish_on_key")?, context.text("trim")?);
    let transcribes = context.flag("transcribe")?;
    // Studio's editor keeps the URL when the transcription is switched off. The carrier bills
    // transcriptions, and the URL alone asks for one.
    let transcribed = match transcribes {
        Some(false) => None,
        Some(true) | None => context.url("transcription_callback_url")?,
    };
    let recorded = context.url("recording_status_callback_url")?;
    let turn = context.turn;
    let record = Record {
        action: Some(&turn.action),
        method: Some("POST"),
        timeout_seconds: context.number("timeout")?,
        finish_on_key: key.as_deref(),
        max_length_seconds: context.number("max_length")?,
        play_beep: context.flag("play_beep")?,
        trim: trim.as_deref(),
        // `false` is TwiML's default, and not written.
        transcribe: transcribes.filter(|transcribes| *transcribes),
        transcribe_callback: transcribed.as_deref(),
        recording_status_callback: recorded.as_deref(),
        ..Record::default()
    };
    context.document().add(&record);
    // Without audio the carrier does not request the action URL: it continues after the `Record`.
    context.add_redirect_back();
    Ok(context.wait(None))
}

fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    let Event::Webhook(params) = event else { return Ok(Next::event("noAudio")) };
    context.set_all(&params);
    let recorded = params.get("RecordingUrl").is_some_and(|url| !url.is_empty());
    // Most callers end a message with a hang-up, so it is a complete recording in a flow without a
    // transition for `hangup`.
    let hung_up =
        params.get("Digits") == Some("hangup") && context.widget().next("hangup").is_some();
    Ok(Next::event(match (recorded, hung_up) {
        (false, _) => "noAudio",
        (true, true) => "hangup",
        (true, false) => "recordingComplete",
    }))
}
