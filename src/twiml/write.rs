//! The one writer of TwiML. Its output is well-formed by construction: names are checked when the
//! program is compiled, elements close themselves, and every value is escaped.
//!
//! The writer knows elements only by the trait [`Verb`]; `verb` declares them.

mod escape;

use escape::{escape_attribute_into, escape_into};

use actix_web::web::Bytes;

use super::read::SpeechMarkup;

/// The capacity for a usual document, so that it is not moved while it grows.
const DOCUMENT_CAPACITY: usize = 512;

/// A finished document, as the carrier gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwimlDocument(String);

/// The name of an element or attribute: a literal that is checked when the program is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XmlName(&'static str);

/// A document, or the inside of an element, that is being written.
#[derive(Debug)]
pub struct TwimlWriter {
    out: String,
    /// The attribute names of the current tag. A field, so that its memory is allocated once.
    names: Vec<XmlName>,
}

/// A start tag that still takes attributes; writing the content of the element ends it.
#[derive(Debug)]
#[must_use = "a tag ends with `empty`, `text` or `children`"]
pub struct StartTag<'w> {
    writer: &'w mut TwimlWriter,
    name: XmlName,
}

/// A verb or noun of TwiML that a [`TwimlWriter`] can write.
pub trait Verb {
    /// The name of its element.
    fn name(&self) -> XmlName;
    /// Its text. `None` writes none.
    fn text(&self) -> Option<&str>;
    /// Writes its attributes.
    fn write_attributes<'w>(&self, tag: StartTag<'w>) -> StartTag<'w>;
}

// === impl TwimlDocument ===

impl TwimlDocument {
    /// The document as owned text.
    pub fn into_string(self) -> String {
        self.0
    }
}

// === impl XmlName ===

impl XmlName {
    /// A name of ASCII letters, digits, `-` and `:` that begins with a letter.
    ///
    /// # Panics
    /// With any other name; in a `const { … }`, where it belongs, that is an error of compilation.
    pub const fn new(name: &'static str) -> XmlName {
        let bytes = name.as_bytes();
        assert!(!bytes.is_empty() && bytes[0].is_ascii_alphabetic(), "not the name of an element");
        let mut index = 1;
        while index < bytes.len() {
            let byte = bytes[index];
            let fits = byte.is_ascii_alphanumeric() || byte == b'-' || byte == b':';
            assert!(fits, "not the name of an element or attribute");
            index += 1;
        }
        XmlName(name)
    }
}

// === impl TwimlWriter ===

impl TwimlWriter {
    /// A new document with an open `Response`.
    pub fn response() -> TwimlWriter {
        let mut out = String::with_capacity(DOCUMENT_CAPACITY);
        out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>");
        TwimlWriter { out, names: Vec::with_capacity(8) }
    }

    /// Closes `Response`; the document is done.
    pub fn finish(mut self) -> TwimlDocument {
        self.out.push_str("</Response>");
        TwimlDocument(self.out)
    }

    /// Writes a verb or noun with its attributes and its text.
    pub fn add(&mut self, verb: &impl Verb) -> &mut TwimlWriter {
        let text = verb.text();
        let tag = verb.write_attributes(self.tag(verb.name()));
        match text {
            Some(text) => tag.text(text),
            None => tag.empty(),
        }
        self
    }

    /// Writes a verb or noun with its attributes and its text, and what `inside` writes in it.
    pub fn nest(
        &mut self,
        verb: &impl Verb,
        inside: impl FnOnce(&mut TwimlWriter),
    ) -> &mut TwimlWriter {
        let text = verb.text();
        verb.write_attributes(self.tag(verb.name())).children(|writer| {
            // The text of a noun comes before its children.
            escape_into(&mut writer.out, text.unwrap_or_default());
            inside(writer);
        });
        self
    }

    /// Writes a verb or noun with its attributes, and `markup` in place of its text.
    pub(crate) fn add_speech(&mut self, verb: &impl Verb, markup: &SpeechMarkup) {
        let tag = verb.write_attributes(self.tag(verb.name()));
        tag.children(|writer| writer.out.push_str(markup.as_str()));
    }

    /// Begins an element. Most callers want [`TwimlWriter::add`] with a verb from [`super::verb`].
    pub(super) fn tag(&mut self, name: XmlName) -> StartTag<'_> {
        self.out.push('<');
        self.out.push_str(name.0);
        self.names.clear();
        StartTag { writer: self, name }
    }
}

// === impl StartTag ===

impl StartTag<'_> {
    /// Writes an attribute. The first of a name counts; a second one is not written.
    pub fn attribute(self, name: XmlName, value: &str) -> Self {
        // A second one would make the document malformed.
        if !self.writer.names.contains(&name) {
            self.writer.names.push(name);
            self.writer.out.push(' ');
            self.writer.out.push_str(name.0);
            self.writer.out.push_str("=\"");
            escape_attribute_into(&mut self.writer.out, value);
            self.writer.out.push('"');
        }
        self
    }

    /// Ends the element with nothing in it.
    pub(crate) fn empty(self) {
        self.writer.out.push_str("/>");
    }

    /// Ends the element with a text in it.
    pub fn text(self, text: &str) {
        self.children(|writer| escape_into(&mut writer.out, text));
    }

    /// Ends the element with what `inside` writes in it.
    pub fn children(self, inside: impl FnOnce(&mut TwimlWriter)) {
        self.writer.out.push('>');
        inside(self.writer);
        self.writer.out.push_str("</");
        self.writer.out.push_str(self.name.0);
        self.writer.out.push('>');
    }
}

/// Inserts what was written in front of the verbs of a foreign document that [`super::read`]
/// accepted; the document is changed nowhere else.
pub fn splice(before: TwimlWriter, document: &[u8]) -> Bytes {
    let verbs = before.out.find("<Response>").map_or(0, |at| at + "<Response>".len());
    let verbs = &before.out.as_bytes()[verbs..];
    let end = find_root(document).and_then(|root| Some(root + find_tag_end(&document[root..])?));
    match end {
        // `<Response/>` has no verbs of its own.
        Some(end) if document[end - 1] == b'/' => before.finish().into_string().into(),
        Some(end) => [&document[..=end], verbs, &document[end + 1..]].concat().into(),
        // Not a document that `read` accepts: unchanged is better than broken.
        None => Bytes::copy_from_slice(document),
    }
}

/// The offset of the root's `<`: behind the declaration, instructions and comments, which may hold
/// anything.
fn find_root(document: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += document[at..].iter().position(|byte| *byte == b'<')?;
        // A comment's first dashes are not those of its end.
        let (open, close): (usize, &[u8]) = match document[at..] {
            [_, b'?', ..] => (2, b"?>"),
            [_, b'!', b'-', b'-', ..] => (4, b"-->"),
            _ => return Some(at),
        };
        let inside = at + open;
        let length = document[inside..].windows(close.len()).position(|bytes| bytes == close)?;
        at = inside + length + close.len();
    }
}

/// Appends what was written to the verbs of a foreign document. No comment behind its root may hold
/// `</Response`.
pub(crate) fn append(document: &[u8], after: TwimlWriter) -> Bytes {
    let verbs = after.out.find("<Response>").map_or(0, |at| at + "<Response>".len());
    let end = document.windows(10).rposition(|bytes| bytes == b"</Response");
    match end {
        Some(end) => {
            let verbs = &after.out.as_bytes()[verbs..];
            [&document[..end], verbs, &document[end..]].concat().into()
        }
        // No end tag: the document is `<Response/>`.
        None => after.finish().into_string().into(),
    }
}

/// The offset of the `>` that ends a start tag; one in a value does not count.
fn find_tag_end(tag: &[u8]) -> Option<usize> {
    let mut quote = None;
    tag.iter().position(|byte| {
        match (quote, byte) {
            (Some(open), _) if open == *byte => quote = None,
            (None, b'"' | b'\'') => quote = Some(*byte),
            _ => {}
        }
        quote.is_none() && *byte == b'>'
    })
}

/// A [`XmlName`] from a literal, checked when the program is compiled.
macro_rules! name {
    ($name:literal) => {
        const { $crate::twiml::write::XmlName::new($name) }
    };
}
pub(crate) use name;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_written_once() {
        let mut writer = TwimlWriter::response();
        writer
            .tag(name!("Say"))
            .attribute(name!("loop"), "1")
            .attribute(name!("loop"), "2")
            .empty();
        assert!(writer.finish().into_string().ends_with("<Response><Say loop=\"1\"/></Response>"));
    }

    #[test]
    fn what_was_written_comes_first() {
        let before = || {
            let mut writer = TwimlWriter::response();
            writer.tag(name!("Pause")).empty();
            writer
        };
        let spliced = |document: &str| {
            String::from_utf8(splice(before(), document.as_bytes()).to_vec()).unwrap()
        };
        assert_eq!(
            spliced("<?xml version='1.0'?>\n<Response a='>'>\n<Hangup/></Response>"),
            "<?xml version='1.0'?>\n<Response a='>'><Pause/>\n<Hangup/></Response>"
        );
        assert!(spliced("<Response/>").ends_with("<Response><Pause/></Response>"));
        // Comments and instructions before the root are no part of it.
        for before in ["<?a <Response>?>", "<!-- <Response> -->", "<!----><?b?>"] {
            let document = format!("{before}<Response>\n</Response>");
            let expected = format!("{before}<Response><Pause/>\n</Response>");
            assert_eq!(spliced(&document), expected);
        }
    }

    #[test]
    fn what_was_written_comes_last() {
        let appended = |document: &str| {
            let mut after = TwimlWriter::response();
            after.tag(name!("Pause")).empty();
            String::from_utf8(append(document.as_bytes(), after).to_vec()).unwrap()
        };
        assert_eq!(
            appended("<Response><Say>&lt;/Response</Say>\n</Response >\n"),
            "<Response><Say>&lt;/Response</Say>\n<Pause/></Response >\n"
        );
        assert!(appended("<Response/>").ends_with("?><Response><Pause/></Response>"));
    }
}
