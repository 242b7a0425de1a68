//! The one reader of TwiML: what a function returned or a template rendered, checked in one pass
//! that changes nothing.
//!
//! It lets through what expat lets through, and is stricter in what `docs/twiml.md` lists: UTF-8
//! only, nothing before `<?xml`, no DOCTYPE, `<Response>` as the root, and [`Bounds`].

mod characters;
mod check;
mod declaration;
mod error;
mod misplaced;
mod names;
mod scan;
mod tag;
mod tree;
mod value;

pub use error::{ErrorKind, TwimlError};
pub use tree::{Element, Node};

use std::borrow::Cow;

use crate::channel::Channel;
use crate::limits::DOCUMENT_BYTES_MAX;
use crate::twiml::Finding;

/// How large a document may be. Each bound holds a hostile function back; none is near what a
/// person writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of the document. The carrier gives up beyond 64 kB (11750).
    pub bytes: usize,
    /// How deep elements may be nested. The grammar needs four, speech markup some more. A tree
    /// is taken apart by recursion, so this stays far below what a stack holds.
    pub depth: usize,
    /// Elements. A caller hangs up long before 1,000 verbs are through.
    pub elements: usize,
    /// Attributes of one element. The grammar's largest element has 41.
    pub attributes: usize,
    /// Findings that are kept; what is beyond is not told.
    pub findings: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            bytes: DOCUMENT_BYTES_MAX,
            depth: 32,
            elements: 1_000,
            attributes: 64,
            findings: 32,
        }
    }
}

/// What the check of a document found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// What a carrier would warn about, in document order.
    pub findings: Vec<Finding>,
    /// Elements directly in `Response`. None means: hang up, or send no reply.
    pub verbs: usize,
    /// The first of them, if it is one of the grammar.
    pub first_verb: Option<&'static str>,
    /// Replies (`Message`) in the answer to a message.
    pub messages: usize,
}

/// Checks a document that is about to go to the carrier.
///
/// # Errors
/// A document that the carrier could not read, that has a DOCTYPE, or that is beyond `bounds`.
pub fn read(text: &[u8], channel: Channel, bounds: &Bounds) -> Result<Read, TwimlError> {
    let text = decode(text, bounds)?;
    let mut check = check::Check::new(text, channel, bounds.findings);
    match scan::scan(text, bounds, &mut check) {
        Ok(()) => Ok(check.read),
        Err(error) => Err(*error),
    }
}

/// Reads a document into a tree, under the same checks of form (but not of grammar).
///
/// # Errors
/// As [`read`].
pub fn tree(text: &[u8], bounds: &Bounds) -> Result<Element, TwimlError> {
    let text = decode(text, bounds)?;
    let mut tree = tree::Tree::new(text);
    match scan::scan(text, bounds, &mut tree) {
        Ok(()) => Ok(tree.root()),
        Err(error) => Err(*error),
    }
}

/// The text that a piece of a checked document stands for: its references resolved. A reference
/// that refers to nothing stays as it is.
pub fn unescape(raw: &str) -> Cow<'_, str> {
    let Some(first) = raw.find('&') else { return Cow::Borrowed(raw) };
    let mut text = raw[..first].to_owned();
    let mut rest = &raw[first..];
    while let Some(inside) = rest.strip_prefix('&') {
        let known = inside.find([';', '&']).filter(|end| inside[*end..].starts_with(';'));
        match known.and_then(|end| Some((end, characters::resolve(&inside[..end]).ok()?))) {
            Some((end, character)) => {
                text.push(character);
                rest = &inside[end + 1..];
            }
            None => {
                text.push('&');
                rest = inside;
            }
        }
        let plain = rest.find('&').unwrap_or(rest.len());
        text.push_str(&rest[..plain]);
        rest = &rest[plain..];
    }
    Cow::Owned(text)
}

/// The bytes as text, within the bound.
fn decode<'a>(text: &'a [u8], bounds: &Bounds) -> Result<&'a str, TwimlError> {
    let kind = match text {
        [] => ErrorKind::Empty,
        _ if text.len() > bounds.bytes => {
            ErrorKind::TooLarge { bytes: text.len(), max: bounds.bytes }
        }
        [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [0, ..] | [_, 0, ..] => ErrorKind::Utf16,
        _ => match str::from_utf8(text) {
            Ok(text) => return Ok(text),
            Err(error) => {
                let end = error.valid_up_to();
                let before = String::from_utf8_lossy(&text[..end]);
                return Err(*ErrorKind::NotUtf8.at(&before, end..end + 1));
            }
        },
    };
    Err(*kind.at("", 0..0))
}
