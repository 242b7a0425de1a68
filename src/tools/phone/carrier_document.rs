//! The document in an application's response, as the carrier accepts it.

use super::alert::CarrierAlert;
use super::webhook_request::AppResponse;
use crate::channel::Channel;
use crate::limits::DOCUMENT_BYTES_MAX;
use crate::media_type::essence;
use crate::twiml::read::{DocumentLimits, DocumentNode, Element, check_document, parse_document};

/// A TwiML document, which the carrier runs verb by verb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CarrierDocument {
    /// Its URL.
    pub(super) url: String,
    pub(super) verbs: Vec<Element>,
}

/// Content types of sounds that the carrier plays (its table of MIME types for TwiML).
const SOUNDS: [&str; 10] = [
    "audio/mpeg",
    "audio/wav",
    "audio/wave",
    "audio/x-wav",
    "audio/aiff",
    "audio/x-aifc",
    "audio/x-aiff",
    "audio/x-gsm",
    "audio/gsm",
    "audio/ulaw",
];

impl CarrierDocument {
    /// Reads a response. Also returns the warnings of the carrier.
    ///
    /// # Errors
    /// If the carrier would use the fallback URL.
    pub(super) fn from_response(
        response: &AppResponse,
        channel: Channel,
    ) -> Result<(CarrierDocument, Vec<CarrierAlert>), CarrierAlert> {
        let AppResponse { url, status, content_type, body } = response;
        if !(200..300).contains(status) {
            return Err(CarrierAlert::new(11200, format!("it answered {status}")));
        }
        // Whatever the content type: the rest of a larger body was never read.
        if body.len() > DOCUMENT_BYTES_MAX {
            let found = format!("{} bytes, at most {DOCUMENT_BYTES_MAX}", body.len());
            return Err(CarrierAlert::new(11750, found));
        }
        let document = |verbs| CarrierDocument { url: url.clone(), verbs };
        let voice = channel == Channel::Voice;
        if body.is_empty() {
            // A message may stay without a reply.
            return if voice {
                Err(CarrierAlert::new(11770, "expected at least `<Response/>`"))
            } else {
                Ok((document(Vec::new()), Vec::new()))
            };
        }
        let declared = content_type.as_deref().unwrap_or_default();
        let kind = essence(declared).to_ascii_lowercase();
        match kind.as_str() {
            "text/xml" | "application/xml" | "text/html" => {}
            // The carrier speaks or sends plain text, unless it is TwiML in disguise.
            "text/plain" if parse_document(body, &DocumentLimits::default()).is_err() => {
                let text = String::from_utf8_lossy(body).into_owned();
                let name = if voice { "Say" } else { "Message" };
                return Ok((document(vec![verb(name, text)]), Vec::new()));
            }
            "text/plain" => {}
            sound if voice && SOUNDS.contains(&sound) => {
                return Ok((document(vec![verb("Play", url.clone())]), Vec::new()));
            }
            // Without a content type the carrier does not guess.
            "" => return Err(CarrierAlert::new(12300, "there is none, expected `text/xml`")),
            _ => {
                return Err(CarrierAlert::new(12300, format!("`{declared}`, expected `text/xml`")));
            }
        }
        let alert = |error: crate::twiml::TwimlError| {
            CarrierAlert::new(error.kind.code().unwrap_or(12100), error)
        };
        // Twice: the tree is what runs, the check is what the debugger would show.
        let root = parse_document(body, &DocumentLimits::default()).map_err(alert)?;
        let read = check_document(body, channel, &DocumentLimits::default()).map_err(alert)?;
        let warnings = read.findings.into_iter().filter_map(|finding| {
            let found = format!("{}:{}: {}", finding.line, finding.column, finding.message);
            finding.code.map(|code| CarrierAlert::new(code, found))
        });
        Ok((document(root.children().cloned().collect()), warnings.collect()))
    }
}

/// The verb for a response that is text or a sound.
fn verb(name: &str, text: String) -> Element {
    Element {
        name: name.to_owned(),
        attributes: Vec::new(),
        content: vec![DocumentNode::Text(text)],
        line: 1,
        column: 1,
    }
}
