//! Errors of templates: kind, detail, place, excerpt, and the names that would have fitted.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::diagnostics::excerpt::{draw_excerpt, line_column};
use crate::diagnostics::shorten::collapse_whitespace;

/// An error in a template, found when it was compiled or rendered.
///
/// `{}` prints one line without source text or data, fit for a log:
/// `unknown filter: there is no filter \`dwncase\` (in sms.xml:3:12)`. `{:#}` adds the source line
/// with carets and the names that would have fitted.
// Boxed, because every step of a render returns a `Result` with it.
#[derive(Clone)]
pub struct LiquidError(Box<LocatedCause>);

#[derive(Clone)]
struct LocatedCause {
    cause: ErrorCause,
    source: Arc<TemplateSource>,
    span: Span,
}

/// The kind of a [`LiquidError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LiquidErrorKind {
    /// The source cannot be read as Liquid.
    Syntax,
    /// A tag that is not part of the language.
    UnknownTag,
    /// A filter that is not part of the language.
    UnknownFilter,
    /// `include` or `render` of a partial that the engine does not have.
    MissingPartial,
    /// A filter with too few, too many or unfit arguments.
    Arguments,
    /// An operation without a result for its values, such as a division by zero.
    Operation,
    /// One of the [`RenderLimits`](super::RenderLimits) was reached.
    Limit,
}

/// A name and a source, shared by all errors of a template.
#[derive(Debug)]
pub(super) struct TemplateSource {
    pub(super) name: Box<str>,
    pub(super) text: Box<str>,
}

/// The kind, detail and help of an error, before its place is known.
#[derive(Debug, Clone)]
pub(super) struct ErrorCause {
    pub(super) kind: LiquidErrorKind,
    pub(super) detail: String,
    pub(super) help: Option<String>,
}

/// An error at a place in the source that is being compiled.
#[derive(Debug)]
pub(super) struct ParseError {
    pub(super) cause: ErrorCause,
    pub(super) span: Span,
}

/// A range of bytes of a source. A source is shorter than 4 GiB, so that a span takes 8 bytes only:
/// a tree consists mostly of spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

// === impl LiquidError ===

impl LiquidError {
    pub(super) fn new(cause: ErrorCause, source: Arc<TemplateSource>, span: Span) -> Self {
        LiquidError(Box::new(LocatedCause { cause, source, span }))
    }

    /// The kind of error.
    pub fn kind(&self) -> LiquidErrorKind {
        self.0.cause.kind
    }

    /// The template or partial with the error.
    pub(super) fn source(&self) -> Arc<TemplateSource> {
        Arc::clone(&self.0.source)
    }

    /// What is wrong, in one sentence without the place.
    pub(crate) fn detail(&self) -> &str {
        &self.0.cause.detail
    }

    /// The name of the template or partial with the error.
    fn template_name(&self) -> &str {
        &self.0.source.name
    }

    /// The source of that template, for an excerpt.
    pub fn source_text(&self) -> &str {
        &self.0.source.text
    }

    /// The line, from 1.
    pub fn line(&self) -> usize {
        line_column(self.source_text(), self.0.span.start as usize).0
    }

    /// The column, from 1, in characters.
    pub fn column(&self) -> usize {
        line_column(self.source_text(), self.0.span.start as usize).1
    }

    /// The bytes of the source that are wrong.
    pub fn span(&self) -> Range<usize> {
        self.0.span.start as usize..self.0.span.end as usize
    }

    /// What to do instead, such as the names that would have fitted.
    pub(crate) fn help(&self) -> Option<&str> {
        self.0.cause.help.as_deref()
    }
}

impl fmt::Display for LiquidError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = line_column(self.source_text(), self.0.span.start as usize);
        let (kind, detail) = (self.kind(), self.detail());
        write!(formatter, "{kind}: {detail} (in {}:{line}:{column})", self.template_name())?;
        if formatter.alternate() {
            let label = self.help().unwrap_or_default();
            write!(formatter, "\n{}", draw_excerpt(self.source_text(), self.span(), label))?;
        }
        Ok(())
    }
}

impl fmt::Debug for LiquidError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self:#}")
    }
}

impl std::error::Error for LiquidError {}

// === impl LiquidErrorKind ===

impl fmt::Display for LiquidErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            LiquidErrorKind::Syntax => "syntax error",
            LiquidErrorKind::UnknownTag => "unknown tag",
            LiquidErrorKind::UnknownFilter => "unknown filter",
            LiquidErrorKind::MissingPartial => "missing partial",
            LiquidErrorKind::Arguments => "wrong arguments",
            LiquidErrorKind::Operation => "impossible operation",
            LiquidErrorKind::Limit => "limit reached",
        })
    }
}

// === impl ErrorCause ===

impl ErrorCause {
    pub(super) fn new(kind: LiquidErrorKind, detail: impl Into<String>) -> Self {
        ErrorCause { kind, detail: in_one_line(detail.into()), help: None }
    }

    pub(super) fn syntax(detail: impl Into<String>) -> Self {
        ErrorCause::new(LiquidErrorKind::Syntax, detail)
    }

    pub(super) fn operation(detail: impl Into<String>) -> Self {
        ErrorCause::new(LiquidErrorKind::Operation, detail)
    }

    pub(super) fn arguments(detail: impl Into<String>) -> Self {
        ErrorCause::new(LiquidErrorKind::Arguments, detail)
    }

    /// Adds what to do instead.
    pub(super) fn with_help(mut self, help: Option<String>) -> Self {
        self.help = help.map(in_one_line);
        self
    }

    /// The error at `span` of the source that is being compiled.
    pub(super) fn at_span(self, span: Span) -> ParseError {
        ParseError { cause: self, span }
    }
}

/// A message quotes the source, whose lines and control characters are not those of the message.
fn in_one_line(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    collapse_whitespace(&text).replace(char::is_control, "\u{fffd}")
}

// === impl Span ===

impl Span {
    /// The span of `start..end`. Sources over 4 GiB are refused before any span of them is made.
    pub(super) fn new(start: usize, end: usize) -> Self {
        // Saturates instead of panicking: the parser has refused longer sources.
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { start: narrow(start), end: narrow(end) }
    }

    /// The text of the span.
    #[inline]
    pub(super) fn slice(self, source: &str) -> &str {
        &source[self.start as usize..self.end as usize]
    }
}
