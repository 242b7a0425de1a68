//! Errors and warnings of the carrier's debugger, with the carrier's codes.

use std::fmt;

/// An error or a warning of the carrier about an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarrierAlert {
    /// Twilio's code, <https://www.twilio.com/docs/api/errors>; `None` if there is none.
    pub code: Option<u32>,
    /// Twilio's text for the code, and the finding.
    pub message: String,
}

/// The codes, with Twilio's texts for them.
const CODES: [(u32, &str); 24] = [
    (11100, "Invalid URL format"),
    (11200, "HTTP retrieval failure"),
    (11202, "TCP connection refused"),
    (11203, "HTTP communication total time out triggered"),
    (11205, "HTTP connection failure"),
    (11206, "HTTP protocol violation"),
    (11210, "HTTP bad host name"),
    (11215, "HTTP too many redirects"),
    (11220, "SSL/TLS Handshake Error"),
    (11750, "TwiML response body too large"),
    (11770, "Empty response body"),
    (12100, "Document parse failure"),
    (12101, "Invalid Twilio Markup XML version"),
    (12102, "The root element must be Response"),
    (12200, "Schema validation warning"),
    (12300, "Invalid Content-Type"),
    (12400, "Internal Failure"),
    (14103, "Invalid Body"),
    (14106, "Document retrieval limit reached"),
    (14109, "TwiML Reply message limit exceeded"),
    (14110, "Invalid Verb for SMS Reply"),
    (15003, "Call Progress: Warning Response to Callback URL"),
    (21617, "The concatenated message body exceeds the 1600 character limit"),
    (30003, "Unreachable destination handset"),
];

impl CarrierAlert {
    /// An alert with the code and its text.
    pub fn new(code: u32, found: impl fmt::Display) -> CarrierAlert {
        let known = CODES.iter().find(|(known, _)| *known == code);
        // A code without a text here still has its number for a search.
        let message = match known {
            Some((_, words)) => format!("{words}: {found}"),
            None => found.to_string(),
        };
        CarrierAlert { code: Some(code), message }
    }

    /// An alert that has no code.
    pub(super) fn without_code(found: impl fmt::Display) -> CarrierAlert {
        CarrierAlert { code: None, message: found.to_string() }
    }
}

impl fmt::Display for CarrierAlert {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(formatter, "{code} {}", self.message),
            None => formatter.write_str(&self.message),
        }
    }
}
