//! The one reader of TwiML: what a function returned or a template rendered, checked in one scan
//! that changes nothing.
//!
//! It accepts what expat accepts, and is stricter in what `docs/twiml.md` lists: UTF-8 only,
//! nothing before `<?xml`, no DOCTYPE, `<Response>` as the root, and [`DocumentLimits`].
//!
//! `scan` (with `tag`, `declaration`, `characters` and `names`) decides whether a document is
//! well-formed and calls a handler for each part; `check` (with `misplaced` and `value`) is the
//! handler that compares with the grammar, `tree` the one that builds [`Element`]s,
//! `speech` the one for the content of a `Say`, `urls` the one that finds URLs. A handler never
//! sees a part that is not well-formed, and no handler can refuse one: errors are those of `scan`,
//! findings those of `check`.

mod characters;
mod check;
mod declaration;
mod error;
mod limits;
mod misplaced;
mod names;
mod report;
mod scan;
mod speech;
mod tag;
mod tree;
mod urls;
mod value;

pub use characters::unescape;
pub use error::{TwimlError, TwimlErrorKind};
pub use limits::DocumentLimits;
pub use report::DocumentReport;
pub use speech::{SpeechMarkup, SpeechMarkupError};
pub use tree::{DocumentNode, Element};

use std::ops::Range;

use crate::channel::Channel;
use check::GrammarCheck;
use scan::scan;
use tree::TreeBuilder;
use urls::UrlFinder;

/// Checks a document that is about to go to the carrier.
///
/// # Errors
/// A document that the carrier could not read, that has a DOCTYPE, or that exceeds `limits`.
pub fn check_document(
    text: &[u8],
    channel: Channel,
    limits: &DocumentLimits,
) -> Result<DocumentReport, TwimlError> {
    let text = decode(text, limits)?;
    let mut check = GrammarCheck::new(text, channel, limits.findings);
    match scan(text, limits, &mut check) {
        Ok(()) => Ok(check.report),
        Err(error) => Err(*error),
    }
}

/// The places of the URLs in a document that the carrier will request, in document order.
///
/// # Errors
/// As [`check_document`].
pub fn find_urls(
    text: &[u8],
    channel: Channel,
    limits: &DocumentLimits,
) -> Result<Vec<Range<usize>>, TwimlError> {
    let mut finder = UrlFinder::new(channel);
    match scan(decode(text, limits)?, limits, &mut finder) {
        Ok(()) => Ok(finder.found),
        Err(error) => Err(*error),
    }
}

/// Reads a document into a tree, under the same checks of form (but not of grammar).
///
/// # Errors
/// As [`check_document`].
pub fn parse_document(text: &[u8], limits: &DocumentLimits) -> Result<Element, TwimlError> {
    let text = decode(text, limits)?;
    let mut tree = TreeBuilder::new(text);
    match scan(text, limits, &mut tree) {
        Ok(()) => Ok(tree.into_root()),
        Err(error) => Err(*error),
    }
}

/// The bytes as text, within the limit.
fn decode<'a>(text: &'a [u8], limits: &DocumentLimits) -> Result<&'a str, TwimlError> {
    let kind = match text {
        [] => TwimlErrorKind::Empty,
        _ if text.len() > limits.bytes => {
            TwimlErrorKind::TooLarge { bytes: text.len(), max: limits.bytes }
        }
        // A byte order mark, or a NUL in one of the first two bytes: no document in UTF-8 has one.
        [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [0, ..] | [_, 0, ..] => TwimlErrorKind::Utf16,
        _ => match str::from_utf8(text) {
            Ok(text) => return Ok(text),
            Err(error) => {
                let end = error.valid_up_to();
                let before = String::from_utf8_lossy(&text[..end]);
                return Err(*TwimlErrorKind::NotUtf8.into_error(&before, end..end + 1));
            }
        },
    };
    Err(*kind.into_error("", 0..0))
}
