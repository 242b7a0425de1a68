//! `record-voicemail`: records the caller.
//!
//! ```json
//! {"name": "voicemail", "type": "record-voicemail",
//!  "transitions": [{"event": "recordingComplete", "next": "bye"}, {"event": "noAudio"},
//!    {"event": "hangup"}],
//!  "properties": {"timeout": 5, "finish_on_key": "#", "max_length": 120, "play_beep": "true",
//!    "trim": "trim-silence", "transcribe": false}}
//! ```

use super::{Needs, Next, Type};
use crate::flow::failure::Failure;
use crate::flow::properties::{Holds, Property};
use crate::flow::step::Event;
use crate::flow::turn::Turn;
use crate::twiml::verb::Record;

pub(super) const TYPE: Type = Type {
    name: "record-voicemail",
    events: &["recordingComplete", "noAudio", "hangup"],
    failure: None,
    properties: &[
        Property::new("timeout", Holds::Integer(0, 600)),
        Property::new("finish_on_key", Holds::Text),
        Property::new("max_length", Holds::Integer(1, 14_400)),
        Property::new("transcribe", Holds::Flag),
        Property::new("transcription_callback_url", Holds::Text),
        Property::new("recording_status_callback_url", Holds::Text),
        Property::new("trim", Holds::Text),
        Property::new("play_beep", Holds::Flag),
    ],
    needs: Needs::Nothing,
    enter,
    resume,
};

fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    turn.voice_only()?;
    let (key, trim) = (turn.text("finish_on_key")?, turn.text("trim")?);
    let transcribed = turn.text("transcription_callback_url")?;
    let recorded = turn.text("recording_status_callback_url")?;
    let at = turn.at;
    let record = Record {
        action: Some(&at.action),
        method: Some("POST"),
        timeout_seconds: turn.number("timeout")?,
        finish_on_key: key.as_deref(),
        max_length_seconds: turn.number("max_length")?,
        play_beep: turn.flag("play_beep")?,
        trim: trim.as_deref(),
        transcribe: turn.flag("transcribe")?.filter(|transcribe| *transcribe),
        transcribe_callback: transcribed.as_deref(),
        recording_status_callback: recorded.as_deref(),
        ..Record::default()
    };
    turn.document().add(&record);
    // Nothing was recorded: the carrier goes on behind the Record.
    turn.come_back();
    Ok(turn.wait(None))
}

fn resume(turn: &mut Turn<'_>, event: Event) -> Result<Next, Failure> {
    let Event::Webhook(params) = event else { return Ok(Next::event("noAudio")) };
    turn.set_all(&params);
    let recorded = params.get("RecordingUrl").is_some_and(|url| !url.is_empty());
    // Most callers end their message by hanging up; only a flow that wants to know is told apart.
    let hung_up = params.get("Digits") == Some("hangup") && turn.widget().next("hangup").is_some();
    Ok(Next::event(match (recorded, hung_up) {
        (false, _) => "noAudio",
        (true, true) => "hangup",
        (true, false) => "recordingComplete",
    }))
}
