//! Speech markup (SSML): the text of a `Say` with elements in it.

use std::ops::Range;

use super::limits::DocumentLimits;
use super::scan::{ContentHandler, RawAttribute, scan};
use crate::channel::Channel;
use crate::diagnostics::suggest::did_you_mean;
use crate::twiml::grammar::{ElementRule, root};

/// Well-formed content of a `Say`, of text and the elements of speech markup alone. It cannot end
/// the `Say`, and holds no verb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeechMarkup(String);

/// The reason why a text is not speech markup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeechMarkupError {
    /// What is wrong.
    pub message: String,
    /// What to do; empty where the message says it.
    pub help: String,
    /// The bytes of the text that it is about.
    pub span: Range<usize>,
}

/// The document around the text while it is checked.
const BEFORE: &str = "<Response><Say>";
const AFTER: &str = "</Say></Response>";

// === impl SpeechMarkup ===

impl SpeechMarkup {
    /// Reads the content of a `Say`. A `<speak>` around all of it, which SSML has and TwiML has
    /// not, is left out.
    ///
    /// # Errors
    /// Text that is not well-formed, or that has an element which is not one of speech markup.
    pub fn read(text: &str) -> Result<SpeechMarkup, SpeechMarkupError> {
        let inside = strip_speak(text);
        // A part of `text`, so the difference of the addresses is its offset.
        let offset = inside.as_ptr() as usize - text.as_ptr() as usize;
        let document = format!("{BEFORE}{inside}{AFTER}");
        let place = |span: Range<usize>| {
            let locate = |at: usize| at.saturating_sub(BEFORE.len()).min(inside.len()) + offset;
            locate(span.start)..locate(span.end)
        };
        let mut check = SpeechCheck { depth: 0, foreign: None, ended: false };
        let scanned = scan(&document, &DocumentLimits::default(), &mut check);
        if let Some((name, at)) = check.foreign {
            let names = say().into_iter().flat_map(|say| say.children).map(|known| known.tag);
            return Err(SpeechMarkupError {
                message: format!("`<{name}>` is not an element of speech markup"),
                help: did_you_mean(name, names).unwrap_or_default(),
                span: place(at..at + 1 + name.len()),
            });
        }
        if let Err(error) = scanned {
            let (message, help) = (error.kind.to_string(), String::new());
            return Err(SpeechMarkupError { message, help, span: place(error.span) });
        }
        Ok(SpeechMarkup(inside.to_owned()))
    }

    /// The markup as it is written into a document.
    pub(in crate::twiml) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text without a `<speak>` around it.
fn strip_speak(text: &str) -> &str {
    let inside = || {
        let rest = text.trim().strip_prefix("<speak")?.strip_suffix("</speak>")?;
        let (attributes, inside) = rest.split_once('>')?;
        let ends_name = attributes.is_empty() || attributes.starts_with([' ', '\t', '\r', '\n']);
        (ends_name && !attributes.ends_with('/')).then_some(inside)
    };
    inside().unwrap_or(text)
}

fn say() -> Option<&'static ElementRule> {
    root(Channel::Voice).child("Say")
}

/// Finds the first element that does not belong into a `Say`.
struct SpeechCheck<'a> {
    /// The number of open elements, `Response` and `Say` among them.
    depth: usize,
    foreign: Option<(&'a str, usize)>,
    /// Whether the text has ended its `Say`.
    ended: bool,
}

impl<'a> ContentHandler<'a> for SpeechCheck<'a> {
    fn start_element(&mut self, name: &'a str, at: usize) {
        let fits = match self.depth {
            0 => true,
            // What follows the end of the `Say` would be a verb.
            1 => !self.ended,
            _ => say().is_some_and(|say| say.child(name).is_some()),
        };
        if !fits && self.foreign.is_none() {
            self.foreign = Some((name, at));
        }
        self.depth += 1;
    }

    fn attribute(&mut self, _: RawAttribute<'a>) {}

    fn text(&mut self, _: &'a str, _: usize) {}

    fn character(&mut self, _: char, _: usize) {}

    fn end_element(&mut self) {
        self.depth -= 1;
        self.ended |= self.depth == 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_text_with_speech_markup() {
        for text in [
            "Hi <break time=\"1s\"/> there",
            "<emphasis level='strong'>Tom &amp; <sub alias=\"x\">y</sub></emphasis><!-- a -->",
            "no markup",
        ] {
            assert_eq!(SpeechMarkup::read(text).unwrap().as_str(), text);
        }
        let spoken = " <speak version=\"1.1\"\nxml:lang=\"en\">Hi <break/></speak>\n";
        assert_eq!(SpeechMarkup::read(spoken).unwrap().as_str(), "Hi <break/>");
    }

    #[test]
    fn refuses_all_other_text() {
        for (text, message, place) in [
            ("Tom & Jerry", "`&` is not part of a reference here", "&"),
            ("<p>Hi", "where `<p>` is open", ""),
            ("1 < 2", "expected a name", ""),
            ("Hi </Say><Hangup/><Say>", "`<Hangup>` is not", "<Hangup"),
            ("<p><Dial/></p>", "`<Dial>` is not an element of speech", "<Dial"),
            ("<speak><Break/></speak>", "`<Break>` is not an element of speech", "<Break"),
            ("<speak/>a</speak>", "`<speak>` is not", "<speak"),
            ("<speaker>a</speak>", "`<speaker>` is not", "<speaker"),
            ("</Say>", "`</Say>` where", ""),
        ] {
            let error = SpeechMarkup::read(text).unwrap_err();
            assert!(error.message.contains(message), "{text}: {error:?}");
            assert!(text[error.span.clone()].starts_with(place), "{text}: {error:?}");
        }
    }
}
