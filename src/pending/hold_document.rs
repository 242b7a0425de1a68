//! Which documents may be sent while a function is at work.

use crate::channel::Channel;
use crate::twiml::read::{DocumentLimits, parse_document};

/// Why a document cannot be a hold document, in words that follow its name; `None` where it can.
///
/// The way back to the gateway is written behind it and must be reached: it may speak, and do nothing
/// else. In the answer to a message it may only reply.
pub fn hold_document_fault(document: &[u8], channel: Channel) -> Option<String> {
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
    let text = String::from_utf8_lossy(document);
    let behind = text.rfind("</Response").map_or("", |at| &text[at..]);
    let closes = behind.find("-->").unwrap_or(usize::MAX);
    (closes < behind.find("<!--").unwrap_or(usize::MAX))
        .then(|| "ends with a comment that holds `</Response`".to_owned())
}
