//! `gather-input-on-call`: asks the caller for digits or speech.
//!
//! ```json
//! {"name": "menu", "type": "gather-input-on-call",
//!  "transitions": [{"event": "keypress", "next": "which"}, {"event": "speech", "next": "which"},
//!    {"event": "timeout", "next": "menu"}],
//!  "properties": {"say": "Press 1 for sales.", "timeout": 5, "number_of_digits": 1,
//!    "finish_on_key": "#", "stop_gather": true, "speech_timeout": "auto",
//!    "gather_language": "en", "profanity_filter": "true"}}
//! ```

use super::say_play::AudioProperties;
use super::{Next, Requirement, WidgetType};
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::flow::step::Event;
use crate::twiml::verb::Gather;

pub(super) const TYPE: WidgetType = WidgetType {
    name: "gather-input-on-call",
    events: &["keypress", "speech", "timeout"],
    failure: None,
    properties: &[
        Property::new("say", PropertyKind::Speech),
        Property::new("play", PropertyKind::Url),
        Property::new("voice", PropertyKind::Text),
        Property::new("language", PropertyKind::Text),
        Property::new("loop", PropertyKind::Integer(0, 1000)),
        Property::new("timeout", PropertyKind::Integer(0, 600)),
        Property::new("finish_on_key", PropertyKind::Text),
        Property::new("stop_gather", PropertyKind::Flag),
        Property::new("number_of_digits", PropertyKind::Integer(0, 128)),
        Property::new("gather_language", PropertyKind::Text),
        Property::new("speech_timeout", PropertyKind::Text),
        Property::new("speech_model", PropertyKind::Text),
        Property::new("profanity_filter", PropertyKind::Flag),
        Property::new("hints", PropertyKind::Text),
        Property::new("save_response_as", PropertyKind::Text),
    ],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    context.require_call()?;
    let audio = AudioProperties::render(context)?;
    // Studio derives the input from the wiring. The carrier bills speech recognition, so a flow
    // that would not use a result must not request one; a key that leads nowhere would end the
    // call.
    let wires = |event| context.widget().next(event).is_some();
    let listens = wires("speech");
    let input = match (wires("keypress"), listens) {
        (true, true) => "dtmf speech",
        (false, true) => "speech",
        // Without a transition for either, the carrier's default.
        (_, false) => "dtmf",
    };
    let speech_text = |name| if listens { context.text(name) } else { Ok(None) };
    let (language, hints) = (speech_text("gather_language")?, speech_text("hints")?);
    let (speech_timeout, model) = (speech_text("speech_timeout")?, speech_text("speech_model")?);
    // Studio's `stop_gather` switches the key off, for which TwiML has an empty `finishOnKey`.
    let stop = context.flag("stop_gather")?.unwrap_or(true);
    let key = if stop { context.text("finish_on_key")? } else { Some(String::new()) };
    let takes_keys = input != "speech";
    let (timeout_seconds, digits) =
        (context.number("timeout")?, context.number("number_of_digits")?);
    // The carrier's default is `true`, so only `false` is written.
    let profanity_filter = context.flag("profanity_filter")?.filter(|filter| listens && !filter);
    let turn = context.turn;
    let gather = Gather {
        input: Some(input),
        action: Some(&turn.action),
        method: Some("POST"),
        timeout_seconds,
        finish_on_key: key.as_deref().filter(|_| takes_keys),
        // 0 is Studio's value for any number of digits.
        digits: digits.filter(|digits| takes_keys && *digits > 0),
        // Passed on as it is: which texts are valid depends on the speech model.
        speech_timeout: speech_timeout.as_deref(),
        speech_model: model.as_deref(),
        language: language.as_deref(),
        hints: hints.as_deref(),
        profanity_filter,
        ..Gather::default()
    };
    context.document().nest(&gather, |inside| audio.write(inside));
    // Without input the carrier does not request the action URL: it continues after the `Gather`.
    context.add_redirect_back();
    Ok(context.wait(None))
}

fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    let Event::Webhook(params) = event else { return Ok(Next::event("timeout")) };
    context.set_all(&params);
    let given = |name| params.get(name).filter(|text| !text.is_empty());
    // The carrier may send both, if the caller spoke and then pressed a key: digits are certain.
    let (input, event) = match (given("Digits"), given("SpeechResult")) {
        (Some(digits), _) => (digits, "keypress"),
        (None, Some(speech)) => (speech, "speech"),
        (None, None) => return Ok(Next::event("timeout")),
    };
    if let Some(name) = context.text("save_response_as")? {
        context.execution.frame_mut().variables.insert(name, input.into());
    }
    Ok(Next::event(event))
}
