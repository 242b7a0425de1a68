//! The grammar against a well-formed document: what the carrier would warn about and leave out.

use super::error::shown;
use super::scan::{Attribute, Sink};
use super::{Read, misplaced, unescape, value};
use crate::channel::Channel;
use crate::diagnostics::excerpt::line_column;
use crate::diagnostics::suggest::did_you_mean;
use crate::twiml::Finding;
use crate::twiml::grammar::{self, Element, Text, Value, value_code};

/// The replies that the carrier sends for one message; it leaves out the others (14109).
const MESSAGES_MAX: usize = 10;

/// The code of the schema's warning.
const SCHEMA: u32 = 12200;

/// The check while the document is read.
pub(super) struct Check<'a> {
    pub(super) text: &'a str,
    pub(super) channel: Channel,
    /// How many findings are kept.
    findings_max: usize,
    open: Vec<Open<'a>>,
    /// The verb after which no other is reached.
    last: Option<&'static str>,
    pub(super) read: Read,
}

/// An open element.
struct Open<'a> {
    name: &'a str,
    /// What the grammar has for it. `None` where it should not be: the carrier leaves it out, so
    /// nothing in it is looked at.
    element: Option<&'static Element>,
    /// Where its `<` stands.
    at: usize,
    /// Where its text begins and ends, without white space around.
    words: Option<(usize, usize)>,
    children: usize,
}

impl<'a> Check<'a> {
    pub(super) fn new(text: &'a str, channel: Channel, findings_max: usize) -> Self {
        let open = Vec::with_capacity(8);
        Check { text, channel, findings_max, open, last: None, read: Read::default() }
    }

    pub(super) fn find(&mut self, code: Option<u32>, span: (usize, usize), told: (String, String)) {
        if self.read.findings.len() < self.findings_max {
            let (line, column) = line_column(self.text, span.0);
            let (message, help) = told;
            let span = span.0..span.1;
            self.read.findings.push(Finding { code, line, column, span, message, help });
        }
    }

    /// What the grammar has for an element in the innermost open one.
    fn place(&mut self, name: &'a str, at: usize) -> Option<&'static Element> {
        let Some(parent) = self.open.last_mut() else { return Some(grammar::root(self.channel)) };
        parent.children += 1;
        let parent = parent.element?;
        let found = parent.child(name);
        if found.is_none() {
            let (code, told) = misplaced::told(self.channel, parent, name);
            self.find(code, (at, at + 1 + name.len()), told);
        }
        found
    }

    /// An element directly in `Response`.
    fn verb(&mut self, element: Option<&'static Element>, at: usize, name: &'a str) {
        let span = (at, at + 1 + name.len());
        self.read.verbs += 1;
        if self.read.verbs == 1 {
            self.read.first_verb = element.map(|element| element.tag);
        }
        if let Some(last) = self.last.take() {
            let message = format!("`<{name}>` is never reached: `<{last}>` before it ends this");
            self.find(None, span, (message, "remove it, or put it first".to_owned()));
        }
        let Some(element) = element else { return };
        match element.tag {
            "Message" => {
                self.read.messages += 1;
                if self.read.messages == MESSAGES_MAX + 1 {
                    let message = format!("more than {MESSAGES_MAX} replies; the rest is not sent");
                    self.find(Some(14109), span, (message, String::new()));
                }
            }
            "Redirect" | "Hangup" | "Reject" => self.last = Some(element.tag),
            _ => {}
        }
    }

    /// A text that stands at these bytes.
    fn words(&mut self, from: usize, to: usize) {
        let Some(open) = self.open.last_mut() else { return };
        let first = open.words.is_none();
        open.words = Some((open.words.map_or(from, |(start, _)| start), to));
        if let Some(element) = open.element
            && first
            && element.text == Text::None
        {
            let message = format!("`<{}>` takes no text; it is left out", element.tag);
            let help = match self.channel {
                _ if self.open.len() > 1 => String::new(),
                Channel::Voice => "to speak it, put it in `<Say>`".to_owned(),
                Channel::Message => "to send it, put it in `<Message>`".to_owned(),
            };
            self.find(Some(SCHEMA), (from, to), (message, help));
        }
    }

    /// The text of an element that has ended.
    fn judge_text(&mut self, element: &'static Element, open: &Open<'a>) {
        let name_span = (open.at, open.at + 1 + open.name.len());
        let code = || Some(value_code(element.tag, ""));
        let text = open.words.map_or("", |(from, to)| &self.text[from..to]);
        match element.text {
            Text::None | Text::Some => {}
            Text::Required if text.is_empty() && open.children == 0 => {
                let message = format!("`<{}>` has no text, which it needs", element.tag);
                self.find(code(), name_span, (message, String::new()));
            }
            Text::Required => {}
            Text::UpTo(max) => {
                // Only a text that is too long as it is written can be too long as it is meant.
                if text.len() > max && !text.contains('<') && unescape(text).chars().count() > max {
                    let message = format!("the text of `<{}>` is too long", element.tag);
                    let help = format!("expected at most {max} characters");
                    self.find(code(), open.words.unwrap_or(name_span), (message, help));
                }
            }
            Text::Address => {
                if !text.contains('<') && !value::accepts(Value::Url, text) {
                    let message = format!("`{}` is no URL for `<{}>`", shown(text), element.tag);
                    let help = format!("expected {}", value::described(Value::Url));
                    self.find(code(), open.words.unwrap_or(name_span), (message, help));
                }
            }
        }
        if element.tag == "Message" && open.words.is_none() && open.children == 0 {
            let help = "write the reply in it, or leave it out to send none".to_owned();
            self.find(Some(14103), name_span, ("`<Message>` is empty".to_owned(), help));
        }
    }
}

impl<'a> Sink<'a> for Check<'a> {
    fn start(&mut self, name: &'a str, at: usize) {
        let element = self.place(name, at);
        if self.open.len() == 1 {
            self.verb(element, at, name);
        }
        self.open.push(Open { name, element, at, words: None, children: 0 });
    }

    fn attribute(&mut self, attribute: Attribute<'a>) {
        let Some(element) = self.open.last().and_then(|open| open.element) else { return };
        let name = attribute.name;
        let Some(known) = element.attribute(name) else {
            // Declarations of namespaces and hints to schemas are no business of the carrier.
            if !name.starts_with("xmlns") && !name.starts_with("xsi:") {
                let message = format!("`<{}>` has no attribute `{}`", element.tag, shown(name));
                let names = element.attributes.iter().map(|known| known.name);
                let help = did_you_mean(name, names).unwrap_or_default();
                let span = (attribute.at, attribute.at + name.len());
                self.find(Some(SCHEMA), span, (message, help));
            }
            return;
        };
        let is_url = matches!(known.value, Value::Url | Value::SocketUrl);
        let accepted = match attribute.references && !is_url {
            true => value::accepts(known.value, &unescape(attribute.raw)),
            false => value::accepts(known.value, attribute.raw),
        };
        if !accepted {
            let raw = attribute.raw;
            let expected = value::described(known.value);
            let message =
                format!("`{name}` of `<{}>` is `{}`, expected {expected}", element.tag, shown(raw));
            let words = value::words(known.value).iter().copied();
            let help = did_you_mean(raw.trim(), words).unwrap_or_default();
            let span = (attribute.value_at, attribute.value_at + raw.len());
            self.find(Some(value_code(element.tag, name)), span, (message, help));
        }
    }

    fn text(&mut self, text: &'a str, at: usize) {
        let trimmed = text.trim_ascii_start();
        if !trimmed.is_empty() {
            let from = at + text.len() - trimmed.len();
            self.words(from, from + trimmed.trim_ascii_end().len());
        }
    }

    fn character(&mut self, _: char, at: usize) {
        let length = self.text[at..].find(';').map_or(1, |end| end + 1);
        self.words(at, at + length);
    }

    fn end(&mut self) {
        if let Some(open) = self.open.pop()
            && let Some(element) = open.element
        {
            self.judge_text(element, &open);
        }
    }
}
