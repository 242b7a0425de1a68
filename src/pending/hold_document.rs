//! Checks documents that are sent while a function is running.

use crate::channel::Channel;
use crate::twiml::read::{DocumentLimits, parse_document};

/// Why a document cannot be a hold document, as a clause that follows its name; `None` if it can.
///
/// The gateway appends a `<Redirect>` to the document, and the carrier must reach it. A document
/// for a call may therefore speak and pause only, and one for a message may reply only.
pub(crate) fn hold_document_fault(document: &[u8], channel: Channel) -> Option<String> {
    let root = match parse_document(document, &DocumentLimits::default()) {
        Ok(root) => root,
        Err(error) => return Some(format!("is not TwiML: {error}")),
    };
    let fit: &[&str] = match channel {
        Channel::Voice => &["Say", "Play", "Pause"],
        Channel::Message => &["Message"],
    };
    if let Some(other) = root.children().find(|verb| !fit.contains(&verb.name.as_str())) {
        let fit = fit.join(">`, `<");
        return Some(format!("has `<{}>`, and may have `<{fit}>` only", other.name));
    }
    if let Some(verb) = root.children().find(|verb| verb.attribute("loop") == Some("0")) {
        return Some(format!("has a `<{}>` that never ends (`loop=\"0\"`)", verb.name));
    }
    // The `<Redirect>` is inserted before the last `</Response`, which must not be in a comment.
    let text = String::from_utf8_lossy(document);
    let behind = text.rfind("</Response").map_or("", |at| &text[at..]);
    let closes = behind.find("-->").unwrap_or(usize::MAX);
    (closes < behind.find("<!--").unwrap_or(usize::MAX))
        .then(|| "ends with a comment that holds `</Response`".to_owned())
}
