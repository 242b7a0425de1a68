//! The strict scan of a document: quick-xml finds the end of each piece of markup, and this file
//! checks all that quick-xml leaves unchecked, so that both accept what expat accepts.

use std::ops::Range;

use quick_xml::Error as XmlError;
use quick_xml::errors::SyntaxError;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

use super::characters::{find_forbidden, is_space, name_end, resolve_reference};
use super::declaration::check_declaration;
use super::error::{TwimlError, TwimlErrorKind, abbreviate};
use super::limits::DocumentLimits;

/// The receiver of a scan, in the manner of SAX: it is called for every part, in document order,
/// once the part is known to be well-formed. `at` is the offset of the part.
pub(super) trait ContentHandler<'a> {
    /// A start tag begins; its attributes follow.
    fn start_element(&mut self, name: &'a str, at: usize);
    /// An attribute of the element that was started last.
    fn attribute(&mut self, attribute: RawAttribute<'a>);
    /// Text as it is written, in which line ends are not yet normalised.
    fn text(&mut self, text: &'a str, at: usize);
    /// A character that was written as a reference.
    fn character(&mut self, character: char, at: usize);
    /// The innermost open element ends.
    fn end_element(&mut self);
}

/// An attribute as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawAttribute<'a> {
    pub(super) name: &'a str,
    /// The text between the quotes, its references unresolved.
    pub(super) raw: &'a str,
    /// Whether `raw` holds references.
    pub(super) has_references: bool,
    /// The offset of the name.
    pub(super) at: usize,
    /// The offset of `raw`.
    pub(super) value_at: usize,
}

/// The error of a scan; boxed, because every step of the hot path returns it.
pub(super) type ScanError = Box<TwimlError>;

/// Scans the whole document and calls `handler` for its parts.
pub(super) fn scan<'a>(
    text: &'a str,
    limits: &DocumentLimits,
    handler: &mut impl ContentHandler<'a>,
) -> Result<(), ScanError> {
    let fail = |kind: TwimlErrorKind, span| Err(kind.into_error(text, span));
    // Before quick-xml, which may skip the mark: the carrier refuses it.
    if text.starts_with('\u{FEFF}') {
        return fail(TwimlErrorKind::ByteOrderMark, 0..3);
    }
    // One pass over the bytes here is cheaper than a check of each piece.
    if let Some((at, character)) = find_forbidden(text) {
        return fail(TwimlErrorKind::Character(character), at..at + character.len_utf8());
    }
    let mut reader = Reader::from_str(text);
    // End tags are compared here, where the open element is known for the message.
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let mut scanner = DocumentScanner::new(text, limits, handler);
    loop {
        let from = reader.buffer_position() as usize;
        match reader.read_event() {
            Ok(Event::Eof) => return scanner.finish(),
            Ok(event) => scanner.scan_event(&event, from..reader.buffer_position() as usize)?,
            Err(error) => return fail(convert_error(&error), from..text.len()),
        }
    }
}

/// The state of a scanner.
pub(super) struct DocumentScanner<'a, 'b, H> {
    pub(super) text: &'a str,
    pub(super) limits: &'b DocumentLimits,
    pub(super) handler: &'b mut H,
    /// The names of the open elements and their offsets.
    open: Vec<(&'a str, usize)>,
    elements: usize,
    /// The attribute names of the current tag. A field, so that its memory is allocated once.
    pub(super) names: Vec<&'a str>,
    /// Whether `]]>` can occur: without a bracket in the document no text is searched for it.
    has_brackets: bool,
}

// === impl DocumentScanner ===

impl<'a, 'b, H: ContentHandler<'a>> DocumentScanner<'a, 'b, H> {
    fn new(text: &'a str, limits: &'b DocumentLimits, handler: &'b mut H) -> Self {
        let has_brackets = text.as_bytes().contains(&b']');
        let (open, names) = (Vec::with_capacity(8), Vec::with_capacity(16));
        DocumentScanner { text, limits, handler, open, elements: 0, names, has_brackets }
    }

    /// Scans the piece of the document at `span`.
    fn scan_event(&mut self, event: &Event<'a>, span: Range<usize>) -> Result<(), ScanError> {
        match event {
            Event::Start(_) => self.scan_start_tag(span),
            Event::Empty(_) => {
                self.scan_start_tag(span)?;
                self.close_element();
                Ok(())
            }
            Event::End(_) => self.scan_end_tag(span),
            Event::Text(_) => self.scan_text(span),
            Event::GeneralRef(_) => self.scan_reference(span),
            Event::CData(_) => self.scan_cdata(span),
            Event::Comment(_) => self.check_comment(span),
            Event::Decl(_) => self.check_declaration(span),
            Event::PI(_) => self.check_instruction(span),
            Event::DocType(_) => self.fail(TwimlErrorKind::Doctype, span),
            Event::Eof => Ok(()),
        }
    }

    fn scan_start_tag(&mut self, span: Range<usize>) -> Result<(), ScanError> {
        let name_at = span.start + 1;
        let name = self.read_name(name_at)?;
        self.elements += 1;
        if self.open.is_empty() && self.elements > 1 {
            return self.fail(TwimlErrorKind::SecondRoot(abbreviate(name)), span);
        }
        if self.open.is_empty() && name != "Response" {
            return self
                .fail(TwimlErrorKind::Root(abbreviate(name)), name_at..name_at + name.len());
        }
        // Counted before the handler is called, which may allocate for each.
        if self.elements > self.limits.elements {
            return self.fail(TwimlErrorKind::Elements(self.limits.elements), span);
        }
        if self.open.len() >= self.limits.depth {
            return self.fail(TwimlErrorKind::Depth(self.limits.depth), span);
        }
        self.handler.start_element(name, span.start);
        self.open.push((name, span.start));
        self.scan_attributes(name_at + name.len()..span.end)
    }

    fn scan_end_tag(&mut self, span: Range<usize>) -> Result<(), ScanError> {
        let name = self.read_name(span.start + 2)?;
        let rest = span.start + 2 + name.len()..span.end - 1;
        // quick-xml does not check what is behind the name of an end tag.
        if !self.text.as_bytes()[rest.clone()].iter().copied().all(is_space) {
            return self
                .fail(TwimlErrorKind::TagEnd(abbreviate(self.text[rest.clone()].trim())), rest);
        }
        match self.open.last() {
            Some((open, _)) if *open == name => {
                self.close_element();
                Ok(())
            }
            Some((open, _)) => {
                let kind =
                    TwimlErrorKind::Mismatch { found: abbreviate(name), open: abbreviate(open) };
                self.fail(kind, span)
            }
            None => self.fail(TwimlErrorKind::NotOpen(abbreviate(name)), span),
        }
    }

    fn close_element(&mut self) {
        self.open.pop();
        self.handler.end_element();
    }

    fn scan_text(&mut self, span: Range<usize>) -> Result<(), ScanError> {
        let text = &self.text[span.clone()];
        if self.open.is_empty() {
            return if text.bytes().all(is_space) {
                Ok(())
            } else {
                self.fail(TwimlErrorKind::Outside, span)
            };
        }
        if self.has_brackets
            && let Some(at) = text.find("]]>")
        {
            return self.fail(TwimlErrorKind::CdataEnd, span.start + at..span.start + at + 3);
        }
        self.handler.text(text, span.start);
        Ok(())
    }

    fn scan_reference(&mut self, span: Range<usize>) -> Result<(), ScanError> {
        if self.open.is_empty() {
            return self.fail(TwimlErrorKind::Outside, span);
        }
        match resolve_reference(&self.text[span.start + 1..span.end - 1]) {
            Ok(character) => {
                self.handler.character(character, span.start);
                Ok(())
            }
            Err(kind) => self.fail(kind, span),
        }
    }

    fn scan_cdata(&mut self, span: Range<usize>) -> Result<(), ScanError> {
        if self.open.is_empty() {
            return self.fail(TwimlErrorKind::Outside, span);
        }
        // CDATA is text without references, so that the handler gets it as written.
        let inside = span.start + "<![CDATA[".len()..span.end - "]]>".len();
        self.handler.text(&self.text[inside.clone()], inside.start);
        Ok(())
    }

    fn check_comment(&self, span: Range<usize>) -> Result<(), ScanError> {
        let inside = &self.text[span.start + "<!--".len()..span.end - "-->".len()];
        if inside.contains("--") || inside.ends_with('-') {
            return self.fail(TwimlErrorKind::Hyphens, span);
        }
        Ok(())
    }

    fn check_declaration(&self, span: Range<usize>) -> Result<(), ScanError> {
        // quick-xml reports a declaration anywhere; XML has it at the very beginning only.
        if span.start > 0 {
            return self.fail(TwimlErrorKind::BeforeDeclaration, span);
        }
        let inside = &self.text["<?xml".len()..span.end - "?>".len()];
        match check_declaration(inside, self.text.is_ascii()) {
            Ok(()) => Ok(()),
            Err(kind) => self.fail(kind, span),
        }
    }

    fn check_instruction(&self, span: Range<usize>) -> Result<(), ScanError> {
        let name_at = span.start + "<?".len();
        let end = name_end(self.text, name_at);
        let name = &self.text[name_at..end];
        // The name ends at white space or at the end of the instruction.
        let space = self.text.as_bytes()[end..].first().copied().is_some_and(is_space);
        let ends = space || end == span.end - "?>".len();
        if name.is_empty() || name.eq_ignore_ascii_case("xml") || !ends {
            return self.fail(TwimlErrorKind::Instruction, span);
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), ScanError> {
        if let Some((name, at)) = self.open.last() {
            return self
                .fail(TwimlErrorKind::NotClosed(abbreviate(name)), *at..*at + name.len() + 1);
        }
        match self.elements {
            // Comments and white space alone are no document.
            0 => self.fail(TwimlErrorKind::NoRoot, 0..self.text.len()),
            _ => Ok(()),
        }
    }

    /// The name at `at`.
    pub(super) fn read_name(&self, at: usize) -> Result<&'a str, ScanError> {
        let end = name_end(self.text, at);
        if end > at {
            return Ok(&self.text[at..end]);
        }
        let found = self.text[at..].chars().next().map(String::from).unwrap_or_default();
        let length = found.len();
        Err(TwimlErrorKind::Name(abbreviate(&found)).into_error(self.text, at..at + length))
    }

    pub(super) fn fail<T>(&self, kind: TwimlErrorKind, span: Range<usize>) -> Result<T, ScanError> {
        Err(kind.into_error(self.text, span))
    }
}

/// The error of quick-xml as one of ours.
fn convert_error(error: &XmlError) -> TwimlErrorKind {
    let XmlError::Syntax(error) = error else {
        // With the settings above it is a `&` without its `;`, or `<!DOCTYPE>` without a name,
        // too rare for a message of its own.
        return TwimlErrorKind::Ampersand;
    };
    match error {
        SyntaxError::InvalidBangMarkup => TwimlErrorKind::Markup,
        SyntaxError::UnclosedPI => TwimlErrorKind::Open("a processing instruction", "?>"),
        SyntaxError::UnclosedXmlDecl => TwimlErrorKind::Open("an XML declaration", "?>"),
        SyntaxError::UnclosedComment => TwimlErrorKind::Open("a comment", "-->"),
        SyntaxError::UnclosedDoctype => TwimlErrorKind::Doctype,
        SyntaxError::UnclosedCData => TwimlErrorKind::Open("a CDATA section", "]]>"),
        SyntaxError::UnclosedTag => TwimlErrorKind::Open("a tag", ">"),
        SyntaxError::UnclosedSingleQuotedAttributeValue => TwimlErrorKind::Open("a value", "'"),
        SyntaxError::UnclosedDoubleQuotedAttributeValue => TwimlErrorKind::Open("a value", "\""),
    }
}
