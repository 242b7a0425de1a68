//! The strict pass over a document: quick-xml finds where each piece of markup ends, and this
//! checks all that it leaves unchecked, so that what gets through is what expat lets through.

use std::ops::Range;

use quick_xml::Error as XmlError;
use quick_xml::errors::SyntaxError;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

use super::characters::{first_forbidden, is_space, name_end, resolve};
use super::error::{ErrorKind, TwimlError, shown};
use super::{Bounds, declaration, tag};

/// What a pass over a document is for: it hears of every part, in document order, once the part is
/// known to be well-formed.
pub(super) trait Sink<'a> {
    /// A start tag begins.
    fn start(&mut self, name: &'a str, at: usize);
    /// An attribute of the element whose start was told last.
    fn attribute(&mut self, attribute: Attribute<'a>);
    /// Text as it is written, in which line ends are not yet normalised.
    fn text(&mut self, text: &'a str, at: usize);
    /// A character that was written as a reference.
    fn character(&mut self, character: char, at: usize);
    /// The innermost open element ends.
    fn end(&mut self);
}

/// An attribute as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    /// What stands between the quotes.
    pub(super) raw: &'a str,
    /// Whether references are in it.
    pub(super) references: bool,
    /// Where the name begins.
    pub(super) at: usize,
    /// Where the value begins.
    pub(super) value_at: usize,
}

/// The way out of the pass; boxed, because it is passed up through every step of the hot path.
pub(super) type Refused = Box<TwimlError>;

/// Reads the whole document and tells `sink` its parts.
pub(super) fn scan<'a>(
    text: &'a str,
    bounds: &Bounds,
    sink: &mut impl Sink<'a>,
) -> Result<(), Refused> {
    let fail = |kind: ErrorKind, span| Err(kind.at(text, span));
    if text.starts_with('\u{FEFF}') {
        return fail(ErrorKind::ByteOrderMark, 0..3);
    }
    if let Some((at, character)) = first_forbidden(text) {
        return fail(ErrorKind::Character(character), at..at + character.len_utf8());
    }
    let mut reader = Reader::from_str(text);
    // The names are compared here, where the open element is known for the message.
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let mut pass = Pass::new(text, bounds, sink);
    loop {
        let from = reader.buffer_position() as usize;
        match reader.read_event() {
            Ok(Event::Eof) => return pass.finish(),
            Ok(event) => pass.event(&event, from..reader.buffer_position() as usize)?,
            Err(error) => return fail(unreadable(&error), from..text.len()),
        }
    }
}

/// The state of a pass.
pub(super) struct Pass<'a, 'b, S> {
    pub(super) text: &'a str,
    pub(super) bounds: &'b Bounds,
    pub(super) sink: &'b mut S,
    /// The names of the open elements and where they began.
    open: Vec<(&'a str, usize)>,
    elements: usize,
    /// The attribute names of the tag at hand. Kept here for its memory.
    pub(super) names: Vec<&'a str>,
    /// Whether `]]>` can occur: without a bracket in the document no text is searched for it.
    brackets: bool,
}

impl<'a, 'b, S: Sink<'a>> Pass<'a, 'b, S> {
    fn new(text: &'a str, bounds: &'b Bounds, sink: &'b mut S) -> Self {
        let brackets = text.as_bytes().contains(&b']');
        let (open, names) = (Vec::with_capacity(8), Vec::with_capacity(16));
        Pass { text, bounds, sink, open, elements: 0, names, brackets }
    }

    /// One piece of the document, which stands at `span`.
    fn event(&mut self, event: &Event<'a>, span: Range<usize>) -> Result<(), Refused> {
        match event {
            Event::Start(_) => self.start(span),
            Event::Empty(_) => {
                self.start(span)?;
                self.close();
                Ok(())
            }
            Event::End(_) => self.end(span),
            Event::Text(_) => self.characters(span),
            Event::GeneralRef(_) => self.reference(span),
            Event::CData(_) => self.cdata(span),
            Event::Comment(_) => self.comment(span),
            Event::Decl(_) => self.declaration(span),
            Event::PI(_) => self.instruction(span),
            Event::DocType(_) => self.fail(ErrorKind::Doctype, span),
            Event::Eof => Ok(()),
        }
    }

    fn start(&mut self, span: Range<usize>) -> Result<(), Refused> {
        let name_at = span.start + 1;
        let name = self.name(name_at)?;
        self.elements += 1;
        if self.open.is_empty() && self.elements > 1 {
            return self.fail(ErrorKind::SecondRoot(shown(name)), span);
        }
        if self.open.is_empty() && name != "Response" {
            return self.fail(ErrorKind::Root(shown(name)), name_at..name_at + name.len());
        }
        if self.elements > self.bounds.elements {
            return self.fail(ErrorKind::Elements(self.bounds.elements), span);
        }
        if self.open.len() >= self.bounds.depth {
            return self.fail(ErrorKind::Depth(self.bounds.depth), span);
        }
        self.sink.start(name, span.start);
        self.open.push((name, span.start));
        tag::attributes(self, name_at + name.len()..span.end)
    }

    fn end(&mut self, span: Range<usize>) -> Result<(), Refused> {
        let name = self.name(span.start + 2)?;
        let rest = span.start + 2 + name.len()..span.end - 1;
        if !self.text.as_bytes()[rest.clone()].iter().copied().all(is_space) {
            return self.fail(ErrorKind::TagEnd(shown(self.text[rest.clone()].trim())), rest);
        }
        match self.open.last() {
            Some((open, _)) if *open == name => {
                self.close();
                Ok(())
            }
            Some((open, _)) => {
                let kind = ErrorKind::Mismatch { found: shown(name), open: shown(open) };
                self.fail(kind, span)
            }
            None => self.fail(ErrorKind::NotOpen(shown(name)), span),
        }
    }

    fn close(&mut self) {
        self.open.pop();
        self.sink.end();
    }

    fn characters(&mut self, span: Range<usize>) -> Result<(), Refused> {
        let text = &self.text[span.clone()];
        if self.open.is_empty() {
            return match text.bytes().all(is_space) {
                true => Ok(()),
                false => self.fail(ErrorKind::Outside, span),
            };
        }
        if self.brackets
            && let Some(at) = text.find("]]>")
        {
            return self.fail(ErrorKind::CdataEnd, span.start + at..span.start + at + 3);
        }
        self.sink.text(text, span.start);
        Ok(())
    }

    fn reference(&mut self, span: Range<usize>) -> Result<(), Refused> {
        if self.open.is_empty() {
            return self.fail(ErrorKind::Outside, span);
        }
        match resolve(&self.text[span.start + 1..span.end - 1]) {
            Ok(character) => {
                self.sink.character(character, span.start);
                Ok(())
            }
            Err(kind) => self.fail(kind, span),
        }
    }

    fn cdata(&mut self, span: Range<usize>) -> Result<(), Refused> {
        if self.open.is_empty() {
            return self.fail(ErrorKind::Outside, span);
        }
        let inside = span.start + "<![CDATA[".len()..span.end - "]]>".len();
        self.sink.text(&self.text[inside.clone()], inside.start);
        Ok(())
    }

    fn comment(&self, span: Range<usize>) -> Result<(), Refused> {
        let inside = &self.text[span.start + "<!--".len()..span.end - "-->".len()];
        match inside.contains("--") || inside.ends_with('-') {
            true => self.fail(ErrorKind::Hyphens, span),
            false => Ok(()),
        }
    }

    fn declaration(&self, span: Range<usize>) -> Result<(), Refused> {
        if span.start > 0 {
            return self.fail(ErrorKind::BeforeDeclaration, span);
        }
        let inside = &self.text["<?xml".len()..span.end - "?>".len()];
        match declaration::check(inside, self.text.is_ascii()) {
            Ok(()) => Ok(()),
            Err(kind) => self.fail(kind, span),
        }
    }

    fn instruction(&self, span: Range<usize>) -> Result<(), Refused> {
        let name_at = span.start + "<?".len();
        let end = name_end(self.text, name_at);
        let name = &self.text[name_at..end];
        let space = self.text.as_bytes()[end..].first().copied().is_some_and(is_space);
        let ends = space || end == span.end - "?>".len();
        match name.is_empty() || name.eq_ignore_ascii_case("xml") || !ends {
            true => self.fail(ErrorKind::Instruction, span),
            false => Ok(()),
        }
    }

    fn finish(&self) -> Result<(), Refused> {
        if let Some((name, at)) = self.open.last() {
            return self.fail(ErrorKind::NotClosed(shown(name)), *at..*at + name.len() + 1);
        }
        match self.elements {
            0 => self.fail(ErrorKind::NoRoot, 0..self.text.len()),
            _ => Ok(()),
        }
    }

    /// The name that begins at `at`.
    pub(super) fn name(&self, at: usize) -> Result<&'a str, Refused> {
        let end = name_end(self.text, at);
        if end > at {
            return Ok(&self.text[at..end]);
        }
        let found = self.text[at..].chars().next().map(String::from).unwrap_or_default();
        let length = found.len();
        Err(ErrorKind::Name(shown(&found)).at(self.text, at..at + length))
    }

    pub(super) fn fail<T>(&self, kind: ErrorKind, span: Range<usize>) -> Result<T, Refused> {
        Err(kind.at(self.text, span))
    }
}

/// What quick-xml could not read, in our words.
fn unreadable(error: &XmlError) -> ErrorKind {
    let XmlError::Syntax(error) = error else {
        // With the settings above it is a `&` without its `;`, or `<!DOCTYPE>` without a name,
        // which nobody needs to be told apart from other stray markup.
        return ErrorKind::Ampersand;
    };
    match error {
        SyntaxError::InvalidBangMarkup => ErrorKind::Markup,
        SyntaxError::UnclosedPI => ErrorKind::Open("a processing instruction", "?>"),
        SyntaxError::UnclosedXmlDecl => ErrorKind::Open("an XML declaration", "?>"),
        SyntaxError::UnclosedComment => ErrorKind::Open("a comment", "-->"),
        SyntaxError::UnclosedDoctype => ErrorKind::Doctype,
        SyntaxError::UnclosedCData => ErrorKind::Open("a CDATA section", "]]>"),
        SyntaxError::UnclosedTag => ErrorKind::Open("a tag", ">"),
        SyntaxError::UnclosedSingleQuotedAttributeValue => ErrorKind::Open("a value", "'"),
        SyntaxError::UnclosedDoubleQuotedAttributeValue => ErrorKind::Open("a value", "\""),
    }
}
