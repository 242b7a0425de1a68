//! The places of the URLs in a document, so that they can be replaced and all else stays as it is.

use std::ops::Range;

use super::characters::is_space;
use super::scan::{ContentHandler, RawAttribute};
use crate::channel::Channel;
use crate::twiml::grammar::{AttributeType, ElementRule, TextContent, root};

/// Collects the places of URLs that the carrier will request.
pub(super) struct UrlFinder {
    channel: Channel,
    /// The rules of the open elements. `None` where the carrier leaves the element out.
    open: Vec<Option<&'static ElementRule>>,
    /// Whether the next text is the beginning of a URL.
    is_expecting: bool,
    /// The URLs as they are written. Of a text with references in it the first piece.
    pub(super) found: Vec<Range<usize>>,
}

impl UrlFinder {
    pub(super) fn new(channel: Channel) -> UrlFinder {
        UrlFinder { channel, open: Vec::with_capacity(8), is_expecting: false, found: Vec::new() }
    }
}

impl<'a> ContentHandler<'a> for UrlFinder {
    fn start_element(&mut self, name: &'a str, _: usize) {
        let rule = match self.open.last() {
            None => Some(root(self.channel)),
            Some(parent) => parent.and_then(|parent| parent.child(name)),
        };
        self.is_expecting = rule.is_some_and(|rule| rule.text == TextContent::Url);
        self.open.push(rule);
    }

    fn attribute(&mut self, attribute: RawAttribute<'a>) {
        let element = self.open.last().copied().flatten();
        let rule = element.and_then(|element| element.attribute(attribute.name));
        if rule.is_some_and(|rule| rule.value == AttributeType::Url) {
            self.found.push(attribute.value_at..attribute.value_at + attribute.raw.len());
        }
    }

    fn text(&mut self, text: &'a str, at: usize) {
        let Some(begin) = text.bytes().position(|byte| !is_space(byte)) else { return };
        if std::mem::take(&mut self.is_expecting) {
            let end = text.trim_end_matches(|c: char| c.is_ascii() && is_space(c as u8)).len();
            self.found.push(at + begin..at + end);
        }
    }

    fn character(&mut self, _: char, _: usize) {
        // What follows is not the beginning of the URL.
        self.is_expecting = false;
    }

    fn end_element(&mut self) {
        self.open.pop();
        self.is_expecting = false;
    }
}
