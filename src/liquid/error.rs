//! What can be wrong with a template: kind, detail, place, excerpt, and what would have fitted.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::diagnostics::excerpt::{excerpt, line_column};

/// A mistake in a template, or one that came up while it was rendered.
///
/// `{}` prints one line without source text or data, fit for a log:
/// `unknown filter: there is no filter \`dwncase\` (in sms.xml:3:12)`. `{:#}` adds the source line
/// with carets and the names that would have fitted.
#[derive(Clone)]
pub struct LiquidError(Box<LocatedCause>);

#[derive(Clone)]
struct LocatedCause {
    cause: ErrorCause,
    source: Arc<TemplateSource>,
    span: Span,
}

/// What sort of error an [`LiquidError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LiquidErrorKind {
    /// The source cannot be read as Liquid.
    Syntax,
    /// A tag that is not part of the language.
    UnknownTag,
    /// A filter that is not part of the language.
    UnknownFilter,
    /// `include` or `render` of a partial that the engine was not given.
    MissingPartial,
    /// A filter was given too few, too many or unfit arguments.
    Arguments,
    /// An operation that has no result for the values it met, such as a division by zero.
    Operation,
    /// One of the [`RenderLimits`](super::Limits) was reached.
    Limit,
}

/// A name and a source, shared by all errors of a template.
#[derive(Debug)]
pub(super) struct TemplateSource {
    pub(super) name: Box<str>,
    pub(super) text: Box<str>,
}

/// A mistake that does not know yet where it happened.
#[derive(Debug, Clone)]
pub(super) struct ErrorCause {
    pub(super) kind: LiquidErrorKind,
    pub(super) detail: String,
    pub(super) help: Option<String>,
}

/// A mistake at a place in the source that is being compiled.
#[derive(Debug)]
pub(super) struct ParseError {
    pub(super) cause: ErrorCause,
    pub(super) span: Span,
}

/// Bytes of a source. A source is shorter than 4 GiB, and spans are many: they are kept small.
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

    /// The sort of error.
    pub fn kind(&self) -> LiquidErrorKind {
        self.0.cause.kind
    }

    /// What is wrong, in one sentence without the place.
    pub fn detail(&self) -> &str {
        &self.0.cause.detail
    }

    /// The name of the template or partial in which it is wrong.
    pub fn template(&self) -> &str {
        &self.0.source.name
    }

    /// The source of that template, for an own excerpt.
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
    pub fn help(&self) -> Option<&str> {
        self.0.cause.help.as_deref()
    }
}

impl fmt::Display for LiquidError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = line_column(self.source_text(), self.0.span.start as usize);
        let (kind, detail) = (self.kind(), self.detail());
        write!(formatter, "{kind}: {detail} (in {}:{line}:{column})", self.template())?;
        if formatter.alternate() {
            let label = self.help().unwrap_or_default();
            write!(formatter, "\n{}", excerpt(self.source_text(), self.span(), label))?;
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
        ErrorCause { kind, detail: detail.into(), help: None }
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
        self.help = help;
        self
    }

    /// Gives the mistake its place.
    pub(super) fn at_span(self, span: Span) -> ParseError {
        ParseError { cause: self, span }
    }
}

// === impl Span ===

impl Span {
    /// The span of `start..end`. Sources over 4 GiB are refused before anything is cut out of them.
    pub(super) fn new(start: usize, end: usize) -> Self {
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { start: narrow(start), end: narrow(end) }
    }

    /// The text of the span.
    #[inline]
    pub(super) fn slice(self, source: &str) -> &str {
        &source[self.start as usize..self.end as usize]
    }
}
