//! `run-conversation-relay`: connects the call to an assistant over a WebSocket. The carrier
//! converts speech to text and text to speech.
//!
//! ```json
//! {"name": "assistant", "type": "run-conversation-relay",
//!  "transitions": [{"event": "success", "next": "bye"}, {"event": "failed", "next": "sorry"}],
//!  "properties": {"url": "wss://example.com/relay", "welcome_greeting": "Hello!",
//!    "language": "en-US", "dtmf_detection": true}}
//! ```

use super::{Next, Requirement, WidgetType};
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::flow::step::Event;
use crate::twiml::verb::{Connect, ConversationRelay, Parameter};

pub(super) const TYPE: WidgetType = WidgetType {
    name: "run-conversation-relay",
    events: &["success", "failed"],
    failure: Some("failed"),
    properties: &[
        Property::required("url", PropertyKind::Url),
        Property::new("welcome_greeting", PropertyKind::Text),
        Property::new("language", PropertyKind::Text),
        Property::new("tts_language", PropertyKind::Text),
        Property::new("tts_provider", PropertyKind::Text),
        Property::new("voice", PropertyKind::Text),
        Property::new("transcription_language", PropertyKind::Text),
        Property::new("transcription_provider", PropertyKind::Text),
        Property::new("speech_model", PropertyKind::Text),
        Property::new("dtmf_detection", PropertyKind::Flag),
        Property::new("interruptible", PropertyKind::Text),
        Property::new("parameters", PropertyKind::Pairs),
    ],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    context.require_call()?;
    let text = |name| context.text(name);
    let (url, greeting) = (context.required_url("url")?, text("welcome_greeting")?);
    let (language, tts_language) = (text("language")?, text("tts_language")?);
    let (tts_provider, voice) = (text("tts_provider")?, text("voice")?);
    let (transcription_language, transcription_provider) =
        (text("transcription_language")?, text("transcription_provider")?);
    let (model, interruptible) = (text("speech_model")?, text("interruptible")?);
    let parameters = context.pairs("parameters")?;
    let turn = context.turn;
    let relay = ConversationRelay {
        url: Some(&url),
        welcome_greeting: greeting.as_deref(),
        language: language.as_deref(),
        tts_language: tts_language.as_deref(),
        tts_provider: tts_provider.as_deref(),
        voice: voice.as_deref(),
        transcription_language: transcription_language.as_deref(),
        transcription_provider: transcription_provider.as_deref(),
        speech_model: model.as_deref(),
        dtmf_detection: context.flag("dtmf_detection")?,
        interruptible: interruptible.as_deref(),
    };
    let connect = Connect { action: Some(&turn.action), method: Some("POST") };
    context.document().nest(&connect, |inside| {
        inside.nest(&relay, |inside| {
            for (name, value) in parameters.iter() {
                inside.add(&Parameter { name: Some(name), value: Some(value) });
            }
        });
    });
    Ok(context.wait(None))
}

fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    let Event::Webhook(params) = event else { return Ok(Next::event("failed")) };
    context.set_all(&params);
    // A session without a status, as after a hang-up, counts as a success.
    let failed = matches!(params.get("SessionStatus"), Some("failed" | "error"));
    Ok(Next::event(if failed { "failed" } else { "success" }))
}
