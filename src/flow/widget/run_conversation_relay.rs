//! `run-conversation-relay`: connects the call to a program that speaks and listens over a
//! WebSocket.
//!
//! ```json
//! {"name": "assistant", "type": "run-conversation-relay",
//!  "transitions": [{"event": "success", "next": "bye"}, {"event": "failed", "next": "sorry"}],
//!  "properties": {"url": "wss://example.com/relay", "welcome_greeting": "Hello!",
//!    "language": "en-US", "dtmf_detection": true}}
//! ```

use super::{Needs, Next, Type};
use crate::flow::failure::Failure;
use crate::flow::properties::{Holds, Property};
use crate::flow::step::Event;
use crate::flow::turn::Turn;
use crate::twiml::verb::{Connect, ConversationRelay, Parameter};

pub(super) const TYPE: Type = Type {
    name: "run-conversation-relay",
    events: &["success", "failed"],
    failure: Some("failed"),
    properties: &[
        Property::required("url", Holds::Text),
        Property::new("welcome_greeting", Holds::Text),
        Property::new("language", Holds::Text),
        Property::new("tts_language", Holds::Text),
        Property::new("tts_provider", Holds::Text),
        Property::new("voice", Holds::Text),
        Property::new("transcription_language", Holds::Text),
        Property::new("transcription_provider", Holds::Text),
        Property::new("speech_model", Holds::Text),
        Property::new("dtmf_detection", Holds::Flag),
        Property::new("interruptible", Holds::Text),
        Property::new("parameters", Holds::Pairs),
    ],
    needs: Needs::Nothing,
    enter,
    resume,
};

fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    turn.voice_only()?;
    let text = |name| turn.text(name);
    let (url, greeting) = (turn.required("url")?, text("welcome_greeting")?);
    let (language, tts_language) = (text("language")?, text("tts_language")?);
    let (tts_provider, voice) = (text("tts_provider")?, text("voice")?);
    let (heard_language, heard_by) =
        (text("transcription_language")?, text("transcription_provider")?);
    let (model, interruptible) = (text("speech_model")?, text("interruptible")?);
    let parameters = turn.pairs("parameters")?;
    let at = turn.at;
    let relay = ConversationRelay {
        url: Some(&url),
        welcome_greeting: greeting.as_deref(),
        language: language.as_deref(),
        tts_language: tts_language.as_deref(),
        tts_provider: tts_provider.as_deref(),
        voice: voice.as_deref(),
        transcription_language: heard_language.as_deref(),
        transcription_provider: heard_by.as_deref(),
        speech_model: model.as_deref(),
        dtmf_detection: turn.flag("dtmf_detection")?,
        interruptible: interruptible.as_deref(),
    };
    let connect = Connect { action: Some(&at.action), method: Some("POST") };
    turn.document().nest(&connect, |inside| {
        inside.nest(&relay, |inside| {
            for (name, value) in parameters.iter() {
                inside.add(&Parameter { name: Some(name), value: Some(value) });
            }
        });
    });
    Ok(turn.wait(None))
}

fn resume(turn: &mut Turn<'_>, event: Event) -> Result<Next, Failure> {
    let Event::Webhook(params) = event else { return Ok(Next::event("failed")) };
    turn.set_all(&params);
    let failed = matches!(params.get("SessionStatus"), Some("failed" | "error"));
    Ok(Next::event(if failed { "failed" } else { "success" }))
}
