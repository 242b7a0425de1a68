//! The attributes of a start tag.

use std::ops::Range;

use super::characters::{is_space, resolve_reference};
use super::error::{TwimlErrorKind, abbreviate};
use super::scan::{ContentHandler, DocumentScanner, RawAttribute, ScanError};

/// Up to so many attributes each name is compared with those before it, which costs less than
/// sorting; beyond, they are sorted once, so that thousands cost no more than their number.
const COMPARED_PAIRWISE: usize = 16;

// === impl DocumentScanner ===

impl<'a, H: ContentHandler<'a>> DocumentScanner<'a, '_, H> {
    /// Scans the attributes in `span`, which begins behind the element's name and ends behind `>`.
    pub(super) fn scan_attributes(&mut self, span: Range<usize>) -> Result<(), ScanError> {
        let bytes = &self.text.as_bytes()[..span.end];
        // The tag ends with `>` or `/>`: its end is known before its attributes are read.
        let end = span.end - if bytes.ends_with(b"/>") { 2 } else { 1 };
        let mut at = span.start;
        self.names.clear();
        loop {
            let space_at = at;
            while at < end && is_space(bytes[at]) {
                at += 1;
            }
            if at >= end {
                return self.check_sorted_names(span);
            }
            if at == space_at {
                return self.fail(self.missing_space(at), at..span.end);
            }
            let attribute = self.read_attribute(at, end)?;
            at = attribute.value_at + attribute.raw.len() + 1;
            self.record_name(&attribute)?;
            self.handler.attribute(attribute);
        }
    }

    /// The attribute whose name begins at `at`.
    fn read_attribute(&self, at: usize, end: usize) -> Result<RawAttribute<'a>, ScanError> {
        let name = self.read_name(at)?;
        let bytes = &self.text.as_bytes()[..end];
        let skip_space = |mut at: usize| {
            while bytes.get(at).copied().is_some_and(is_space) {
                at += 1;
            }
            at
        };
        let equals = skip_space(at + name.len());
        let quote = skip_space(equals + 1);
        let (Some(b'='), Some(mark @ (b'"' | b'\''))) = (bytes.get(equals), bytes.get(quote))
        else {
            return self.fail(TwimlErrorKind::Value(abbreviate(name)), at..at + name.len());
        };
        let value_at = quote + 1;
        let mut has_references = false;
        for (index, byte) in bytes[value_at..].iter().enumerate() {
            match byte {
                b'<' => {
                    let place = value_at + index;
                    return self.fail(TwimlErrorKind::LessThan(abbreviate(name)), place..place + 1);
                }
                b'&' => has_references = true,
                byte if byte == mark => {
                    let raw = &self.text[value_at..value_at + index];
                    let attribute = RawAttribute { name, raw, has_references, at, value_at };
                    self.check_references(&attribute)?;
                    return Ok(attribute);
                }
                _ => {}
            }
        }
        self.fail(TwimlErrorKind::Value(abbreviate(name)), at..end)
    }

    /// Refuses an attribute with a reference in its value that refers to nothing.
    fn check_references(&self, attribute: &RawAttribute<'a>) -> Result<(), ScanError> {
        if !attribute.has_references {
            return Ok(());
        }
        let mut from = 0;
        while let Some(found) = attribute.raw[from..].find('&') {
            let at = from + found;
            let inside = &attribute.raw[at + 1..];
            let length = inside.find([';', '&']).unwrap_or(inside.len());
            let place = attribute.value_at + at..attribute.value_at + at + length + 2;
            if !inside[length..].starts_with(';') {
                return self.fail(TwimlErrorKind::Ampersand, place.start..place.start + 1);
            }
            if let Err(kind) = resolve_reference(&inside[..length]) {
                return self.fail(kind, place);
            }
            from = at + length + 2;
        }
        Ok(())
    }

    /// Counts the attribute, and refuses it if the element has it already.
    fn record_name(&mut self, attribute: &RawAttribute<'a>) -> Result<(), ScanError> {
        let place = attribute.at..attribute.at + attribute.name.len();
        if self.names.len() >= self.limits.attributes {
            return self.fail(TwimlErrorKind::Attributes(self.limits.attributes), place);
        }
        if self.names.len() < COMPARED_PAIRWISE && self.names.contains(&attribute.name) {
            return self.fail(TwimlErrorKind::Duplicate(abbreviate(attribute.name)), place);
        }
        self.names.push(attribute.name);
        Ok(())
    }

    /// Refuses an element of many attributes if two of them have one name.
    fn check_sorted_names(&mut self, span: Range<usize>) -> Result<(), ScanError> {
        if self.names.len() <= COMPARED_PAIRWISE {
            return Ok(());
        }
        self.names.sort_unstable();
        match self.names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => self.fail(TwimlErrorKind::Duplicate(abbreviate(pair[0])), span),
            None => Ok(()),
        }
    }

    /// The error for `at`, where neither white space nor the end of the tag is.
    fn missing_space(&self, at: usize) -> TwimlErrorKind {
        match self.names.last() {
            Some(name) => TwimlErrorKind::Space(abbreviate(name)),
            None => TwimlErrorKind::TagEnd(self.text[at..].chars().take(1).collect()),
        }
    }
}
