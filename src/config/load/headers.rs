//! `headers` of a `[function.NAME]`: names and values that a request can have.

use actix_web::http::header::{HeaderName, HeaderValue};

use crate::diagnostics::toml_reader::{Spanned, TomlReader, TomlTable};

/// Headers that the gateway sets itself, with what to do instead.
const RESERVED: &[(&str, &str)] = &[
    ("content-type", "it follows from `body`"),
    ("cookie", "the carrier's cookies are passed on, see `cookies` of a route"),
    ("host", "it follows from `url`"),
    ("accept-encoding", "a compressed answer cannot be read"),
    ("x-twilio-signature", "each request is signed with the first token of the account"),
    ("i-twilio-idempotency-token", "it is the key of the step that calls"),
    ("idempotency-key", "it is the key of the step that calls"),
];

/// Headers of the connection and of the length of the body.
const FRAMING: &[&str] = &[
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Reads `headers`. No message has a value, because values are secrets.
pub(super) fn read_headers(
    reader: &mut TomlReader<'_>,
    section: &TomlTable<'_, '_>,
) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for (text, value) in section.map(reader, "headers") {
        let report = |reader: &mut TomlReader<'_>, message: String, expected: &str, help: &str| {
            let problem = reader.source.error(value.span.clone(), message);
            reader.report(problem.expected(expected).help(help));
        };
        let Some(name) = HeaderName::try_from(text.as_str()).ok() else {
            let message = format!("`{text}` is not the name of a header");
            report(reader, message, "letters, digits and hyphens", "a name like `X-Api-Key`");
            continue;
        };
        if let Some(help) = reserved(&name) {
            let message = format!("the header `{text}` is set by the gateway");
            report(reader, message, "another header", help);
            continue;
        }
        if headers.iter().any(|(known, _)| *known == name) {
            let message = format!("the header `{text}` is set twice");
            report(reader, message, "one value", "the case of letters makes no difference");
            continue;
        }
        match header_value(&value) {
            Ok(value) => headers.push((name, value)),
            Err(help) => {
                let message = format!("the value of the header `{text}` cannot be sent");
                report(reader, message, "one line of ASCII characters", help);
            }
        }
    }
    headers
}

/// The reason why a header cannot be configured.
fn reserved(name: &HeaderName) -> Option<&'static str> {
    let reserved = RESERVED.iter().find(|(reserved, _)| name == reserved);
    let framing = || FRAMING.contains(&name.as_str()).then_some("the HTTP client needs it");
    reserved.map(|(_, help)| *help).or_else(framing)
}

fn header_value(text: &Spanned<String>) -> Result<HeaderValue, &'static str> {
    // Spaces at the ends are not a part of a value (RFC 9110, section 5.5).
    let text = text.value.trim_matches([' ', '\t']);
    if text.contains(['\r', '\n']) {
        return Err("it has a line break; a variable often has one at its end");
    }
    let mut value = HeaderValue::from_str(text).map_err(|_| "encode other characters")?;
    value.set_sensitive(true);
    Ok(value)
}
