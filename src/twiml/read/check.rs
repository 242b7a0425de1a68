//! The grammar against a well-formed document: what the carrier would warn about and leave out.

use super::characters::unescape;
use super::error::abbreviate;
use super::misplaced::misplaced_element;
use super::report::DocumentReport;
use super::scan::{ContentHandler, RawAttribute};
use super::value::{accepts, describe, words_of};
use crate::channel::Channel;
use crate::diagnostics::suggest::did_you_mean;
use crate::twiml::finding::FindingText;
use crate::twiml::grammar::{
    AttributeType, ElementRule, SCHEMA_WARNING, TextContent, root, value_code,
};
use std::ops::Range;

/// The replies that the carrier sends for one message; it leaves out the others (14109).
const MESSAGES_MAX: usize = 10;

/// The check while the document is read.
pub(super) struct GrammarCheck<'a> {
    text: &'a str,
    channel: Channel,
    /// Findings that are reported; further ones are dropped.
    findings_max: usize,
    open: Vec<OpenElement<'a>>,
    /// The verb after which no other is reached.
    last: Option<&'static str>,
    pub(super) report: DocumentReport,
}

/// An open element.
struct OpenElement<'a> {
    name: &'a str,
    /// The rule of the grammar. `None` where the element is misplaced or unknown: the carrier
    /// leaves it out, so nothing in it is checked.
    rule: Option<&'static ElementRule>,
    /// The offset of its `<`.
    at: usize,
    /// The bytes of its text, without white space around.
    text: Option<Range<usize>>,
    children: usize,
}

// === impl GrammarCheck ===

impl<'a> GrammarCheck<'a> {
    pub(super) fn new(text: &'a str, channel: Channel, findings_max: usize) -> Self {
        let open = Vec::with_capacity(8);
        let report = DocumentReport::default();
        GrammarCheck { text, channel, findings_max, open, last: None, report }
    }

    fn add_finding(&mut self, span: Range<usize>, text: FindingText) {
        if self.report.findings.len() < self.findings_max {
            self.report.findings.push(text.into_finding(self.text, span));
        }
    }

    /// The rule for an element in the innermost open one; reports an element without one.
    fn look_up_rule(&mut self, name: &'a str, at: usize) -> Option<&'static ElementRule> {
        let Some(parent) = self.open.last_mut() else { return Some(root(self.channel)) };
        parent.children += 1;
        let parent = parent.rule?;
        let rule = parent.child(name);
        if rule.is_none() {
            let text = misplaced_element(self.channel, parent, name);
            self.add_finding(tag_name_span(at, name), text);
        }
        rule
    }

    /// Checks an element directly in `Response`.
    fn check_verb(&mut self, rule: Option<&'static ElementRule>, at: usize, name: &'a str) {
        let span = tag_name_span(at, name);
        self.report.verbs += 1;
        if self.report.verbs == 1 {
            self.report.first_verb = rule.map(|rule| rule.tag);
        }
        // Taken, so that only the first unreachable verb is reported.
        if let Some(last) = self.last.take() {
            let message =
                format!("`<{name}>` is never reached: `<{last}>` before it ends the document");
            let text = FindingText::new(None, message).with_help("remove it, or put it first");
            self.add_finding(span.clone(), text);
        }
        let Some(rule) = rule else { return };
        match rule.tag {
            "Message" => {
                self.report.messages += 1;
                if self.report.messages == MESSAGES_MAX + 1 {
                    let message =
                        format!("more than {MESSAGES_MAX} replies; the carrier drops the rest");
                    self.add_finding(span, FindingText::new(14109, message));
                }
            }
            "Redirect" | "Hangup" | "Reject" => self.last = Some(rule.tag),
            _ => {}
        }
    }

    /// Adds a piece of text, which is more than white space, to the innermost open element.
    fn add_text(&mut self, piece: Range<usize>) {
        let Some(open) = self.open.last_mut() else { return };
        let first = open.text.is_none();
        let start = open.text.as_ref().map_or(piece.start, |text| text.start);
        open.text = Some(start..piece.end);
        // One finding for an element, however many elements cut its text into pieces.
        if let Some(rule) = open.rule
            && first
            && rule.text == TextContent::Forbidden
        {
            let message = format!("`<{}>` takes no text; this text is left out", rule.tag);
            let help = match self.channel {
                _ if self.open.len() > 1 => "",
                Channel::Voice => "to speak it, put it in `<Say>`",
                Channel::Message => "to send it, put it in `<Message>`",
            };
            self.add_finding(piece, FindingText::new(SCHEMA_WARNING, message).with_help(help));
        }
    }

    /// Checks the text of an element that has ended.
    fn check_text(&mut self, rule: &'static ElementRule, open: &OpenElement<'a>) {
        let name_span = tag_name_span(open.at, open.name);
        // Looked up only where there is a finding: this runs for every element.
        let code = || value_code(rule.tag, "");
        let text = open.text.clone().map_or("", |span| &self.text[span]);
        let text_span = || open.text.clone().unwrap_or(name_span.clone());
        match rule.text {
            TextContent::Forbidden | TextContent::Optional => {}
            TextContent::Required if text.is_empty() && open.children == 0 => {
                let message = format!("`<{}>` has no text, which it needs", rule.tag);
                self.add_finding(name_span.clone(), FindingText::new(code(), message));
            }
            TextContent::Required => {}
            TextContent::UpTo(max) => {
                // References only shorten: a text that fits as written fits as read.
                if text.len() > max && !text.contains('<') && unescape(text).chars().count() > max {
                    let message = format!("the text of `<{}>` is too long", rule.tag);
                    let help = format!("expected at most {max} characters");
                    self.add_finding(
                        text_span(),
                        FindingText::new(code(), message).with_help(help),
                    );
                }
            }
            TextContent::Url => {
                // Markup in a text (an element, a comment) is not part of it, and is not checked.
                if !text.contains('<') && !accepts(AttributeType::Url, text) {
                    let message =
                        format!("`{}` is not a URL for `<{}>`", abbreviate(text), rule.tag);
                    let help = format!("expected {}", describe(AttributeType::Url));
                    self.add_finding(
                        text_span(),
                        FindingText::new(code(), message).with_help(help),
                    );
                }
            }
        }
        if rule.tag == "Message" && open.text.is_none() && open.children == 0 {
            let help = "write the reply in it, or leave it out to send none";
            let text = FindingText::new(14103, "`<Message>` is empty").with_help(help);
            self.add_finding(name_span, text);
        }
    }
}

impl<'a> ContentHandler<'a> for GrammarCheck<'a> {
    fn start_element(&mut self, name: &'a str, at: usize) {
        let rule = self.look_up_rule(name, at);
        if self.open.len() == 1 {
            self.check_verb(rule, at, name);
        }
        self.open.push(OpenElement { name, rule, at, text: None, children: 0 });
    }

    fn attribute(&mut self, attribute: RawAttribute<'a>) {
        let Some(element) = self.open.last().and_then(|open| open.rule) else { return };
        let name = attribute.name;
        let Some(rule) = element.attribute(name) else {
            // The carrier ignores declarations of namespaces and hints to schemas.
            if !name.starts_with("xmlns") && !name.starts_with("xsi:") {
                let message =
                    format!("`<{}>` has no attribute `{}`", element.tag, abbreviate(name));
                let names = element.attributes.iter().map(|known| known.name);
                let help = did_you_mean(name, names).unwrap_or_default();
                let span = attribute.at..attribute.at + name.len();
                self.add_finding(span, FindingText::new(SCHEMA_WARNING, message).with_help(help));
            }
            return;
        };
        // References do not change what is checked of a URL, so that its text is not copied.
        let is_url = matches!(rule.value, AttributeType::Url | AttributeType::SocketUrl);
        let accepted = if attribute.has_references && !is_url {
            accepts(rule.value, &unescape(attribute.raw))
        } else {
            accepts(rule.value, attribute.raw)
        };
        if !accepted {
            let raw = attribute.raw;
            let expected = describe(rule.value);
            let message = format!(
                "`{name}` of `<{}>` is `{}`, expected {expected}",
                element.tag,
                abbreviate(raw)
            );
            let words = words_of(rule.value).iter().copied();
            let help = did_you_mean(raw.trim(), words).unwrap_or_default();
            let span = attribute.value_at..attribute.value_at + raw.len();
            let code = value_code(element.tag, name);
            self.add_finding(span, FindingText::new(code, message).with_help(help));
        }
    }

    fn text(&mut self, text: &'a str, at: usize) {
        let trimmed = text.trim_ascii_start();
        if !trimmed.is_empty() {
            let start = at + text.len() - trimmed.len();
            self.add_text(start..start + trimmed.trim_ascii_end().len());
        }
    }

    fn character(&mut self, _: char, at: usize) {
        let length = self.text[at..].find(';').map_or(1, |end| end + 1);
        self.add_text(at..at + length);
    }

    fn end_element(&mut self) {
        if let Some(open) = self.open.pop()
            && let Some(rule) = open.rule
        {
            self.check_text(rule, &open);
        }
    }
}

/// The `<` and the name of a tag.
fn tag_name_span(at: usize, name: &str) -> Range<usize> {
    at..at + 1 + name.len()
}
