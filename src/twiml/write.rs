//! The one writer of TwiML. What it writes is well-formed by construction: names are checked when
//! the program is compiled, elements close themselves, and every value is escaped.

mod escape;

pub use escape::{escape_attribute_into, escape_into};

use actix_web::web::Bytes;

use crate::twiml::verb::Verb;

/// Room for a usual document, so that it is not moved while it grows.
const DOCUMENT_BYTES: usize = 512;

/// A finished document, as it goes to the carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document(String);

/// The name of an element or attribute: a literal that is checked when the program is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name(&'static str);

/// A document, or the inside of an element, that is being written.
#[derive(Debug)]
pub struct Writer {
    out: String,
    /// The attribute names of the tag at hand.
    names: Vec<Name>,
}

/// A start tag that still takes attributes; it is finished by what stands in the element.
#[derive(Debug)]
#[must_use = "a tag ends with `empty`, `text` or `children`"]
pub struct Tag<'w> {
    writer: &'w mut Writer,
    name: Name,
}

// === impl Document ===

impl Document {
    /// The document that does nothing: it hangs up, or sends no reply.
    pub fn empty() -> Document {
        Writer::response().finish()
    }

    /// The document as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The document as owned text.
    pub fn into_string(self) -> String {
        self.0
    }
}

// === impl Name ===

impl Name {
    /// A name of ASCII letters, digits, `-` and `:` that begins with a letter.
    ///
    /// # Panics
    /// With any other name; in a `const { … }`, where it belongs, that is an error of compilation.
    pub const fn new(name: &'static str) -> Name {
        let bytes = name.as_bytes();
        assert!(!bytes.is_empty() && bytes[0].is_ascii_alphabetic(), "not the name of an element");
        let mut index = 1;
        while index < bytes.len() {
            let byte = bytes[index];
            let fits = byte.is_ascii_alphanumeric() || byte == b'-' || byte == b':';
            assert!(fits, "not the name of an element or attribute");
            index += 1;
        }
        Name(name)
    }
}

// === impl Writer ===

impl Writer {
    /// A new document with an open `Response`.
    pub fn response() -> Writer {
        let mut out = String::with_capacity(DOCUMENT_BYTES);
        out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>");
        Writer { out, names: Vec::with_capacity(8) }
    }

    /// Closes `Response`; the document is done.
    pub fn finish(mut self) -> Document {
        self.out.push_str("</Response>");
        Document(self.out)
    }

    /// Writes a verb or noun with its attributes and its text.
    pub fn add(&mut self, verb: &impl Verb) -> &mut Writer {
        let text = verb.text();
        let tag = verb.attributes(self.tag(verb.name()));
        match text {
            Some(text) => tag.text(text),
            None => tag.empty(),
        }
        self
    }

    /// Writes a verb or noun with its attributes and its text, and what `inside` writes in it.
    pub fn nest(&mut self, verb: &impl Verb, inside: impl FnOnce(&mut Writer)) -> &mut Writer {
        let text = verb.text();
        verb.attributes(self.tag(verb.name())).children(|writer| {
            escape_into(&mut writer.out, text.unwrap_or_default());
            inside(writer);
        });
        self
    }

    /// Begins an element. Most callers want [`Writer::add`] with a verb from [`super::verb`].
    pub fn tag(&mut self, name: Name) -> Tag<'_> {
        self.out.push('<');
        self.out.push_str(name.0);
        self.names.clear();
        Tag { writer: self, name }
    }
}

// === impl Tag ===

impl Tag<'_> {
    /// Writes an attribute. The first of a name counts; a second one is not written.
    pub fn attribute(self, name: Name, value: &str) -> Self {
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
    pub fn empty(self) {
        self.writer.out.push_str("/>");
    }

    /// Ends the element with a text in it.
    pub fn text(self, text: &str) {
        self.children(|writer| escape_into(&mut writer.out, text));
    }

    /// Ends the element with what `inside` writes in it.
    pub fn children(self, inside: impl FnOnce(&mut Writer)) {
        self.writer.out.push('>');
        inside(self.writer);
        self.writer.out.push_str("</");
        self.writer.out.push_str(self.name.0);
        self.writer.out.push('>');
    }
}

/// Puts what was written in front of the verbs of a document that somebody else made, and that
/// [`super::read`] let through: it is changed nowhere else.
pub fn splice(before: Writer, document: &[u8]) -> Bytes {
    let verbs = before.out.find("<Response>").map_or(0, |at| at + "<Response>".len());
    let verbs = &before.out.as_bytes()[verbs..];
    let end = root_at(document).and_then(|root| Some(root + tag_end(&document[root..])?));
    match end {
        Some(end) if document[end - 1] == b'/' => before.finish().into_string().into(),
        Some(end) => [&document[..=end], verbs, &document[end + 1..]].concat().into(),
        None => Bytes::copy_from_slice(document),
    }
}

/// The place of the root's `<`: behind the declaration, instructions and comments, in which
/// anything may stand.
fn root_at(document: &[u8]) -> Option<usize> {
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

/// Puts what was written behind the verbs of a document that somebody else made. No comment behind
/// its root may hold `</Response`.
pub fn append(document: &[u8], after: Writer) -> Bytes {
    let verbs = after.out.find("<Response>").map_or(0, |at| at + "<Response>".len());
    let end = document.windows(10).rposition(|bytes| bytes == b"</Response");
    match end {
        Some(end) => {
            let verbs = &after.out.as_bytes()[verbs..];
            [&document[..end], verbs, &document[end..]].concat().into()
        }
        // `<Response/>`
        None => after.finish().into_string().into(),
    }
}

/// The place of the `>` that ends a start tag; one in a value does not count.
fn tag_end(tag: &[u8]) -> Option<usize> {
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

/// A [`Name`] from a literal, checked when the program is compiled.
macro_rules! name {
    ($name:literal) => {
        const { $crate::twiml::write::Name::new($name) }
    };
}
pub(crate) use name;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_written_once() {
        let mut writer = Writer::response();
        writer
            .tag(name!("Say"))
            .attribute(name!("loop"), "1")
            .attribute(name!("loop"), "2")
            .empty();
        assert!(writer.finish().as_str().ends_with("<Response><Say loop=\"1\"/></Response>"));
    }

    #[test]
    fn what_was_written_comes_first() {
        let before = || {
            let mut writer = Writer::response();
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
        // Whatever stands before the root is no part of it.
        for before in ["<?a <Response>?>", "<!-- <Response> -->", "<!----><?b?>"] {
            let document = format!("{before}<Response>\n</Response>");
            let expected = format!("{before}<Response><Pause/>\n</Response>");
            assert_eq!(spliced(&document), expected);
        }
    }

    #[test]
    fn what_was_written_comes_last() {
        let appended = |document: &str| {
            let mut after = Writer::response();
            after.tag(name!("Pause")).empty();
            String::from_utf8(append(document.as_bytes(), after).to_vec()).unwrap()
        };
        assert_eq!(
            appended("<Response><Say>&lt;/Response</Say>\n</Response >\n"),
            "<Response><Say>&lt;/Response</Say>\n<Pause/></Response >\n"
        );
        assert!(appended("<Response/>").ends_with("?><Response><Pause/></Response>"));
    }

    #[test]
    fn the_empty_document_is_one() {
        assert!(Document::empty().into_string().ends_with("?><Response></Response>"));
    }
}
