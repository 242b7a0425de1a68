//! Errors of documents that are refused: what is wrong, where, and what was expected.

use std::ops::Range;

use crate::diagnostics::excerpt::line_column;

/// An error of a document that a carrier would not read, or that exceeds a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwimlError {
    /// What is wrong.
    pub kind: TwimlErrorKind,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The bytes of the document that it is about.
    pub span: Range<usize>,
}

/// What is wrong with a document. Names from the document are cut to a readable length.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TwimlErrorKind {
    /// Not one byte.
    #[error("the document is empty, expected `<Response>`; to do nothing, answer `<Response/>`")]
    Empty,
    /// More bytes than [`super::DocumentLimits::bytes`].
    #[error("the document has {bytes} bytes, expected at most {max}")]
    TooLarge {
        /// What it has.
        bytes: usize,
        /// What it may have.
        max: usize,
    },
    /// UTF-16 or UTF-32.
    #[error("the document is in UTF-16 or UTF-32, expected UTF-8")]
    Utf16,
    /// Bytes that are not UTF-8.
    #[error("the bytes here are not UTF-8, expected a document in UTF-8")]
    NotUtf8,
    /// A byte order mark. The carrier wants nothing before `<?xml`.
    #[error("the document begins with a byte order mark, expected `<`; save it without the mark")]
    ByteOrderMark,
    /// An XML declaration that is not at the very beginning.
    #[error("`<?xml` is not at the very beginning; remove what is before it")]
    BeforeDeclaration,
    /// An XML declaration that is none.
    #[error("malformed XML declaration, expected `<?xml version=\"1.0\" encoding=\"UTF-8\"?>`")]
    Declaration,
    /// A version other than 1.0.
    #[error("XML version `{0}`, expected `1.0`")]
    Version(String),
    /// An encoding other than UTF-8 and US-ASCII.
    #[error("encoding `{0}`, expected `UTF-8`; write the document in UTF-8 and declare that")]
    Encoding(String),
    /// Other characters than the declared US-ASCII has.
    #[error("a character outside of the declared encoding `US-ASCII`; declare `UTF-8`")]
    NotAscii,
    /// A document type, with which entities could be defined.
    #[error("a DOCTYPE, which TwiML must not have; remove it")]
    Doctype,
    /// A character that XML cannot carry, not even as a reference.
    #[error("the character U+{:04X}, which XML does not allow; remove it", u32::from(*.0))]
    Character(char),
    /// Markup without its end.
    #[error("{0} without its end, expected `{1}`")]
    Open(&'static str, &'static str),
    /// `<!` that begins nothing.
    #[error("`<!` here begins neither a comment nor CDATA; write `&lt;` for a plain `<`")]
    Markup,
    /// No name where one must be.
    #[error("expected a name, found `{0}`; write `&lt;` for a plain `<`")]
    Name(String),
    /// Attributes without space between them.
    #[error("expected white space, `>` or `/>` after the attribute `{0}`")]
    Space(String),
    /// A tag that continues where it must end.
    #[error("expected `>`, found `{0}`")]
    TagEnd(String),
    /// An attribute without a value in quotes.
    #[error("the attribute `{0}` has no value in quotes, expected `{0}=\"…\"`")]
    Value(String),
    /// `<` in the value of an attribute.
    #[error("`<` in the value of the attribute `{0}`, expected `&lt;`")]
    LessThan(String),
    /// An attribute that is there twice.
    #[error("the attribute `{0}` is given twice, expected once")]
    Duplicate(String),
    /// `&` without a reference.
    #[error("`&` is not part of a reference here, expected `&amp;`")]
    Ampersand,
    /// An entity that nothing defines.
    #[error("unknown entity `&{0};`, expected `&amp;`, `&lt;`, `&gt;`, `&quot;` or `&apos;`")]
    Entity(String),
    /// A reference to a character that XML does not allow.
    #[error("`&{0};` refers to no character that XML allows; remove it")]
    Reference(String),
    /// Two hyphens within a comment.
    #[error("`--` within a comment, expected it at the end only, as `-->`")]
    Hyphens,
    /// A processing instruction without a proper name.
    #[error("malformed processing instruction, expected `<?name …?>`")]
    Instruction,
    /// The end of CDATA where none is open.
    #[error("`]]>` in text, expected `]]&gt;`")]
    CdataEnd,
    /// Text before or after the root.
    #[error("text outside of `<Response>`, expected nothing but comments and white space there")]
    Outside,
    /// An element after the root.
    #[error("a second root `<{0}>`, expected nothing after `</Response>`")]
    SecondRoot(String),
    /// An end tag of another element than the open one.
    #[error("`</{found}>` where `<{open}>` is open, expected `</{open}>`")]
    Mismatch {
        /// The name in the end tag.
        found: String,
        /// The name of the innermost open element.
        open: String,
    },
    /// An end tag of nothing.
    #[error("`</{0}>` closes no open element")]
    NotOpen(String),
    /// An element that the document's end leaves open.
    #[error("`<{0}>` is not closed, expected `</{0}>`")]
    NotClosed(String),
    /// No element at all.
    #[error("no element, expected `<Response>`")]
    NoRoot,
    /// Another root than `Response`.
    #[error("the root is `<{0}>`, expected `<Response>`")]
    Root(String),
    /// Elements nested deeper than [`super::DocumentLimits::depth`].
    #[error("elements are nested more than {0} deep")]
    Depth(usize),
    /// More elements than [`super::DocumentLimits::elements`].
    #[error("the document has more than {0} elements")]
    Elements(usize),
    /// More attributes than [`super::DocumentLimits::attributes`].
    #[error("an element has more than {0} attributes")]
    Attributes(usize),
}

impl TwimlErrorKind {
    /// The code under which Twilio reports it; `None` for a limit of ours.
    pub(crate) fn code(&self) -> Option<u32> {
        match self {
            TwimlErrorKind::TooLarge { .. } => Some(11750),
            TwimlErrorKind::Empty => Some(11770),
            TwimlErrorKind::Version(_) => Some(12101),
            TwimlErrorKind::Root(_) => Some(12102),
            TwimlErrorKind::Depth(_)
            | TwimlErrorKind::Elements(_)
            | TwimlErrorKind::Attributes(_) => None,
            // Twilio's code for every document that it cannot parse.
            _ => Some(12100),
        }
    }

    /// The error at these bytes of the document.
    pub(super) fn into_error(self, text: &str, span: Range<usize>) -> Box<TwimlError> {
        let (line, column) = line_column(text, span.start);
        Box::new(TwimlError { kind: self, line, column, span })
    }
}

impl std::error::Error for TwimlError {}

impl std::fmt::Display for TwimlError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}: {}", self.line, self.column, self.kind)?;
        match self.kind.code() {
            Some(code) => write!(formatter, " (Twilio {code})"),
            None => Ok(()),
        }
    }
}

/// A piece of the document, abbreviated for a message: one line, short, without control characters.
pub(super) fn abbreviate(text: &str) -> String {
    /// Enough of a name or value to find it in the document.
    const CHARACTERS_MAX: usize = 40;
    let mut short = String::new();
    for (index, character) in text.chars().enumerate() {
        match character {
            _ if index == CHARACTERS_MAX => {
                short.push('…');
                break;
            }
            '\t' | '\n' | '\r' => short.push(' '),
            // Messages are written to logs and terminals.
            control if control.is_control() => short.push('\u{FFFD}'),
            other => short.push(other),
        }
    }
    short
}
