//! The lexer of markup, the inside of a tag: names, numbers, strings and signs.

use super::error::{ErrorCause, ParseError, Span};
use super::tokens::{is_space, is_word};

/// The position in the markup of one tag.
pub(super) struct MarkupCursor<'s> {
    source: &'s str,
    position: usize,
    end: usize,
    /// Brackets that may still be opened inside one another: parsing them is recursive.
    pub(super) depth_left: u32,
}

/// A number as it is written.
pub(super) enum NumberLiteral {
    Int(i128),
    Float(f64),
}

// === impl MarkupCursor ===

impl<'s> MarkupCursor<'s> {
    pub(super) fn new(source: &'s str, markup: Span, depth_left: u32) -> Self {
        let (position, end) = (markup.start as usize, markup.end as usize);
        MarkupCursor { source, position, end, depth_left }
    }

    /// Moves back to the start of `span`, for an error about a token that was read already.
    pub(super) fn rewind_to(&mut self, span: Span) {
        self.position = span.start as usize;
    }

    /// The text of a span.
    pub(super) fn text(&self, span: Span) -> &'s str {
        span.slice(self.source)
    }

    /// The next byte, white space skipped.
    pub(super) fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.byte(0)
    }

    /// The byte `ahead` of the position, white space included.
    pub(super) fn byte(&self, ahead: usize) -> Option<u8> {
        let at = self.position + ahead;
        if at < self.end { Some(self.source.as_bytes()[at]) } else { None }
    }

    /// Whether nothing but white space is left.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// The offset of the next token.
    pub(super) fn token_start(&mut self) -> usize {
        self.skip_space();
        self.position
    }

    /// The span from `start` to the position, without trailing white space.
    pub(super) fn span_from(&self, start: usize) -> Span {
        let bytes = &self.source.as_bytes()[start..self.position.max(start)];
        let spaces = bytes.iter().rev().take_while(|byte| is_space(**byte)).count();
        Span::new(start, start + bytes.len() - spaces)
    }

    /// Consumes `sign` if it is next.
    pub(super) fn eat(&mut self, sign: &str) -> bool {
        self.skip_space();
        // Only up to the end of the markup: the `%}` after it is not a sign.
        let found = self.source.as_bytes()[self.position..self.end].starts_with(sign.as_bytes());
        if found {
            self.position += sign.len();
        }
        found
    }

    /// Consumes the word if it is next, as a whole name.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let before = self.position;
        match self.read_name() {
            // A whole name, so that `order` is not read as `or`.
            Some(span) if self.text(span) == word => true,
            _ => {
                self.position = before;
                false
            }
        }
    }

    /// The next name: a letter or underscore, then letters, digits, `_`, `-`, at the end `?`.
    pub(super) fn read_name(&mut self) -> Option<Span> {
        self.skip_space();
        let first = self.byte(0)?;
        if !(first.is_ascii_alphabetic() || first == b'_') {
            return None;
        }
        let mut span = self.read_target_name()?;
        if self.byte(0) == Some(b'?') {
            self.position += 1;
            span.end += 1;
        }
        Some(span)
    }

    /// The next name of a variable to assign to, which may also begin with a digit.
    pub(super) fn read_target_name(&mut self) -> Option<Span> {
        self.skip_space();
        let start = self.position;
        while self.byte(0).is_some_and(|byte| is_word(byte) || byte == b'-') {
            self.position += 1;
        }
        (start < self.position).then(|| Span::new(start, self.position))
    }

    /// The name of a keyword argument, consumed with its `:`, if one is next.
    pub(super) fn read_keyword(&mut self) -> Option<Span> {
        let before = self.position;
        if let Some(span) = self.read_name()
            && self.eat(":")
        {
            return Some(span);
        }
        self.position = before;
        None
    }

    /// The string whose opening quote is next, without its quotes. Liquid has no escapes in
    /// strings.
    pub(super) fn read_string(&mut self) -> Result<Span, ParseError> {
        let quote = self.source.as_bytes()[self.position];
        let start = self.position + 1;
        let rest = &self.source.as_bytes()[start..self.end];
        match rest.iter().position(|byte| *byte == quote) {
            Some(length) => {
                self.position = start + length + 1;
                Ok(Span::new(start, start + length))
            }
            None => {
                let span = Span::new(start - 1, self.end);
                self.position = self.end;
                Err(ErrorCause::syntax("a string is never closed")
                    .with_help(Some(format!("expected a `{}` after it", quote as char)))
                    .at_span(span))
            }
        }
    }

    /// The number that is next; the caller has seen a digit, or `-` before one.
    pub(super) fn read_number(&mut self) -> Result<NumberLiteral, ParseError> {
        let start = self.position;
        self.position += 1;
        self.skip_digits();
        // `1..3` is a range: a point is part of the number only before a digit.
        let is_float =
            self.byte(0) == Some(b'.') && self.byte(1).is_some_and(|byte| byte.is_ascii_digit());
        if is_float {
            self.position += 1;
            self.skip_digits();
        }
        let span = Span::new(start, self.position);
        if self.byte(0).is_some_and(is_word) {
            return Err(ErrorCause::syntax("a number runs into a name").at_span(span));
        }
        let text = self.text(span);
        match text.parse::<i128>() {
            Ok(number) if !is_float => Ok(NumberLiteral::Int(number)),
            // A fraction, or a whole number that is too large for `i128`.
            _ => Ok(NumberLiteral::Float(text.parse().unwrap_or(f64::INFINITY))),
        }
    }

    /// The error that something else was expected here.
    pub(super) fn unexpected_error(&mut self, expected: &str) -> ParseError {
        let start = self.token_start();
        let found = match self.byte(0) {
            None => "the end of the tag".to_owned(),
            Some(b'"' | b'\'') => "a string".to_owned(),
            Some(byte) if is_word(byte) => {
                let span = self.read_target_name().unwrap_or_default();
                format!("`{}`", self.text(span))
            }
            Some(_) => {
                // Escaped: the character may be a control character, and errors go to terminals.
                let character = self.source[start..].chars().next().unwrap_or_default();
                self.position += character.len_utf8();
                format!("`{}`", character.escape_debug())
            }
        };
        let end = self.position.max(start);
        ErrorCause::syntax(format!("expected {expected}, found {found}"))
            .at_span(Span::new(start, end))
    }

    fn skip_digits(&mut self) {
        while self.byte(0).is_some_and(|byte| byte.is_ascii_digit()) {
            self.position += 1;
        }
    }

    fn skip_space(&mut self) {
        while self.byte(0).is_some_and(is_space) {
            self.position += 1;
        }
    }
}
