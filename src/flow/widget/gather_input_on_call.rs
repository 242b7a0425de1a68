//! `gather-input-on-call`: asks for keys or speech.
//!
//! ```json
//! {"name": "menu", "type": "gather-input-on-call",
//!  "transitions": [{"event": "keypress", "next": "which"}, {"event": "speech", "next": "which"},
//!    {"event": "timeout", "next": "menu"}],
//!  "properties": {"say": "Press 1 for sales.", "timeout": 5, "number_of_digits": 1,
//!    "finish_on_key": "#", "stop_gather": true, "speech_timeout": "auto",
//!    "gather_language": "en", "profanity_filter": "true"}}
//! ```

use super::say_play::Audio;
use super::{Needs, Next, Type};
use crate::flow::failure::Failure;
use crate::flow::properties::{Holds, Property};
use crate::flow::step::Event;
use crate::flow::turn::Turn;
use crate::twiml::verb::Gather;

pub(super) const TYPE: Type = Type {
    name: "gather-input-on-call",
    events: &["keypress", "speech", "timeout"],
    failure: None,
    properties: &[
        Property::new("say", Holds::Text),
        Property::new("play", Holds::Text),
        Property::new("voice", Holds::Text),
        Property::new("language", Holds::Text),
        Property::new("loop", Holds::Integer(0, 1000)),
        Property::new("timeout", Holds::Integer(0, 600)),
        Property::new("finish_on_key", Holds::Text),
        Property::new("stop_gather", Holds::Flag),
        Property::new("number_of_digits", Holds::Integer(0, 128)),
        Property::new("gather_language", Holds::Text),
        Property::new("speech_timeout", Holds::Text),
        Property::new("speech_model", Holds::Text),
        Property::new("profanity_filter", Holds::Flag),
        Property::new("hints", Holds::Text),
        Property::new("save_response_as", Holds::Text),
    ],
    needs: Needs::Nothing,
    enter,
    resume,
};

fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    turn.voice_only()?;
    let audio = Audio::of(turn)?;
    let (language, hints) = (turn.text("gather_language")?, turn.text("hints")?);
    let (speech_timeout, model) = (turn.text("speech_timeout")?, turn.text("speech_model")?);
    // `stop_gather` says whether the key counts at all.
    let stop = turn.flag("stop_gather")?.unwrap_or(true);
    let key = if stop { turn.text("finish_on_key")? } else { Some(String::new()) };
    let (timeout_seconds, digits) = (turn.number("timeout")?, turn.number("number_of_digits")?);
    let profanity_filter = turn.flag("profanity_filter")?.filter(|filter| !filter);
    let at = turn.at;
    let gather = Gather {
        input: Some("dtmf speech"),
        action: Some(&at.action),
        method: Some("POST"),
        timeout_seconds,
        finish_on_key: key.as_deref(),
        digits: digits.filter(|digits| *digits > 0),
        // The carrier wants a number or `auto`, and a model wants a number.
        speech_timeout: speech_timeout.as_deref(),
        speech_model: model.as_deref(),
        language: language.as_deref(),
        hints: hints.as_deref(),
        profanity_filter,
        ..Gather::default()
    };
    turn.document().nest(&gather, |inside| audio.write(inside));
    // Nothing was pressed or said: the carrier goes on behind the Gather.
    turn.come_back();
    Ok(turn.wait(None))
}

fn resume(turn: &mut Turn<'_>, event: Event) -> Result<Next, Failure> {
    let Event::Webhook(params) = event else { return Ok(Next::event("timeout")) };
    turn.set_all(&params);
    let given = |name| params.get(name).filter(|text| !text.is_empty());
    let (said, event) = match (given("Digits"), given("SpeechResult")) {
        (Some(digits), _) => (digits, "keypress"),
        (None, Some(speech)) => (speech, "speech"),
        (None, None) => return Ok(Next::event("timeout")),
    };
    if let Some(name) = turn.text("save_response_as")? {
        turn.execution.frame_mut().variables.insert(name, said.into());
    }
    Ok(Next::event(event))
}
