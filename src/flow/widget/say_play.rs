//! `say-play`: speaks a text, plays a file, or sends digits.
//!
//! ```json
//! {"name": "welcome", "type": "say-play",
//!  "transitions": [{"event": "audioComplete", "next": "menu"}],
//!  "properties": {"say": "Welcome.", "voice": "Polly.Joanna", "language": "en-US", "loop": 1}}
//! ```

use super::{Next, Requirement, WidgetType};
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::flow::step::Event;
use crate::twiml::TwimlWriter;
use crate::twiml::read::SpeechMarkup;
use crate::twiml::verb::{Play, Say};

pub(super) const TYPE: WidgetType = WidgetType {
    name: "say-play",
    events: &["audioComplete"],
    failure: None,
    properties: &[
        Property::new("say", PropertyKind::Speech),
        Property::new("play", PropertyKind::Url),
        Property::new("digits", PropertyKind::Text),
        Property::new("voice", PropertyKind::Text),
        Property::new("language", PropertyKind::Text),
        Property::new("loop", PropertyKind::Integer(0, 1000)),
    ],
    exactly_one_of: &["say", "play", "digits"],
    requirement: Requirement::Nothing,
    enter,
    resume,
};

/// The rendered properties of a `Say` or `Play`. `gather-input-on-call` has most of them too.
#[derive(Debug)]
pub(super) struct AudioProperties {
    say: Option<String>,
    /// `say` as speech markup, if the author wrote any.
    speech: Option<SpeechMarkup>,
    play: Option<String>,
    digits: Option<String>,
    voice: Option<String>,
    language: Option<String>,
    times: Option<u32>,
}

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    context.require_call()?;
    let audio = AudioProperties::render(context)?;
    audio.write(context.document());
    Ok(context.continue_after_document("audioComplete"))
}

fn resume(_: &mut WidgetContext<'_>, _: Event) -> Result<Next, Failure> {
    Ok(Next::event("audioComplete"))
}

// === impl AudioProperties ===

impl AudioProperties {
    /// Renders the properties of a widget.
    ///
    /// Before anything is written, because a template that fails must not leave half a document.
    pub(super) fn render(context: &WidgetContext<'_>) -> Result<AudioProperties, Failure> {
        let say = context.text("say")?;
        let speech = if say.is_some() { context.speech()? } else { None };
        Ok(AudioProperties {
            say,
            speech,
            play: context.url("play")?,
            digits: context.text("digits")?,
            voice: context.text("voice")?,
            language: context.text("language")?,
            times: context.number("loop")?,
        })
    }

    /// Writes the verb, if one of the properties has a text.
    pub(super) fn write(&self, writer: &mut TwimlWriter) {
        // 1 is TwiML's default, and not written.
        let times = self.times.filter(|times| *times != 1);
        // If several are set, Studio uses the first in this order; the import warns of it.
        if let Some(text) = &self.say {
            let (voice, language) = (self.voice.as_deref(), self.language.as_deref());
            let say = Say { text, voice, language, times };
            match &self.speech {
                Some(markup) => writer.add_speech(&say, markup),
                None => drop(writer.add(&say)),
            }
        } else if let Some(url) = &self.play {
            writer.add(&Play { url, digits: None, times });
        } else if let Some(digits) = &self.digits {
            writer.add(&Play { url: "", digits: Some(digits), times: None });
        }
    }
}
