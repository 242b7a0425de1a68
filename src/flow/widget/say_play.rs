//! `say-play`: speaks a text, plays a file, or sends keys.
//!
//! ```json
//! {"name": "welcome", "type": "say-play",
//!  "transitions": [{"event": "audioComplete", "next": "menu"}],
//!  "properties": {"say": "Welcome.", "voice": "Polly.Joanna", "language": "en-US", "loop": 1}}
//! ```

use super::{Needs, Next, Type};
use crate::flow::failure::Failure;
use crate::flow::properties::{Holds, Property};
use crate::flow::step::Event;
use crate::flow::turn::Turn;
use crate::twiml::TwimlWriter;
use crate::twiml::verb::{Play, Say};

pub(super) const TYPE: Type = Type {
    name: "say-play",
    events: &["audioComplete"],
    failure: None,
    properties: &[
        Property::new("say", Holds::Text),
        Property::new("play", Holds::Text),
        Property::new("digits", Holds::Text),
        Property::new("voice", Holds::Text),
        Property::new("language", Holds::Text),
        Property::new("loop", Holds::Integer(0, 1000)),
    ],
    needs: Needs::Nothing,
    enter,
    resume,
};

/// What is heard: rendered before anything is written.
#[derive(Debug)]
pub(super) struct Audio {
    say: Option<String>,
    play: Option<String>,
    digits: Option<String>,
    voice: Option<String>,
    language: Option<String>,
    times: Option<u32>,
}

fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    turn.voice_only()?;
    let audio = Audio::of(turn)?;
    audio.write(turn.document());
    Ok(turn.then("audioComplete"))
}

fn resume(_: &mut Turn<'_>, _: Event) -> Result<Next, Failure> {
    Ok(Next::event("audioComplete"))
}

// === impl Audio ===

impl Audio {
    /// The properties of a widget that speaks or plays.
    pub(super) fn of(turn: &Turn<'_>) -> Result<Audio, Failure> {
        Ok(Audio {
            say: turn.text("say")?,
            play: turn.text("play")?,
            digits: turn.text("digits")?,
            voice: turn.text("voice")?,
            language: turn.text("language")?,
            times: turn.number("loop")?,
        })
    }

    /// Writes it as a verb; nothing where there is nothing to be heard.
    pub(super) fn write(&self, writer: &mut TwimlWriter) {
        let times = self.times.filter(|times| *times != 1);
        if let Some(text) = &self.say {
            let (voice, language) = (self.voice.as_deref(), self.language.as_deref());
            writer.add(&Say { text, voice, language, times });
        } else if let Some(url) = &self.play {
            writer.add(&Play { url, digits: None, times });
        } else if let Some(digits) = &self.digits {
            writer.add(&Play { url: "", digits: Some(digits), times: None });
        }
    }
}
