//! What a function's response means. Pure: status, headers and body in, outcome out; the table is
//! in `docs/functions.md`.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::web::Bytes;
use serde_json::{Map, Value};

use super::error::CallError;
use super::outcome::OutcomeKind;
use super::transport::printable;
use crate::json::parse_json;
use crate::media_type::{charset, essence, is_utf8};

/// What the content type says about the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MediaKind {
    Json,
    Xml,
    Html,
    Text,
    Other,
}

/// The outcome that a whole response of a function is. Redirects have been followed: a status of
/// 300 to 399 is a failure here.
pub fn classify(
    function: &str,
    status: StatusCode,
    headers: &HeaderMap,
    body: &Bytes,
) -> OutcomeKind {
    let kind = classify_response(status, headers, body);
    kind.unwrap_or_else(|cause| OutcomeKind::fail(function, cause))
}

fn classify_response(
    status: StatusCode,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<OutcomeKind, CallError> {
    if !status.is_success() {
        return Err(CallError::Status { status: status.as_u16() });
    }
    // Before the body is looked at: compressed, it would be read as text.
    check_encoding(headers)?;
    if body.is_empty() {
        return match media_kind(content_type(headers)?.unwrap_or_default()) {
            // An empty document is TwiML that does nothing; 204 says that there is none.
            MediaKind::Xml if status != StatusCode::NO_CONTENT => {
                Ok(OutcomeKind::Twiml(Bytes::new()))
            }
            _ => Ok(OutcomeKind::Success { parsed: None }),
        };
    }
    let declared = content_type(headers)?.unwrap_or_default();
    let kind = media_kind(declared);
    // An image may be anything; what a template or a parser reads must be UTF-8.
    if kind != MediaKind::Other {
        check_text(declared, body)?;
    }
    match kind {
        MediaKind::Json => parse_object(body).map(|parsed| OutcomeKind::Success { parsed }),
        MediaKind::Xml => Ok(OutcomeKind::Twiml(body.clone())),
        MediaKind::Html if is_response(body) || is_response_at_end(body) => {
            Ok(OutcomeKind::Twiml(body.clone()))
        }
        MediaKind::Html | MediaKind::Text | MediaKind::Other => {
            Ok(OutcomeKind::Success { parsed: None })
        }
    }
}

/// The content type, for `widgets.NAME.content_type`.
///
/// # Errors
/// If there are two that differ: neither is more credible than the other.
pub(super) fn content_type(headers: &HeaderMap) -> Result<Option<&str>, CallError> {
    let wrong = |reason| CallError::Header { name: "Content-Type", reason };
    let mut values = headers.get_all(CONTENT_TYPE);
    let Some(first) = values.next() else { return Ok(None) };
    if values.any(|value| value != first) {
        return Err(wrong("came twice with different values, expected one"));
    }
    first.to_str().map(Some).map_err(|_| wrong("is not ASCII"))
}

/// Refuses compressed bodies: the request did not accept one, and a small one may be gigabytes.
fn check_encoding(headers: &HeaderMap) -> Result<(), CallError> {
    let harmless = |value: &&HeaderValue| {
        let value = value.as_bytes().trim_ascii();
        value.is_empty() || value.eq_ignore_ascii_case(b"identity")
    };
    match headers.get_all(CONTENT_ENCODING).find(|value| !harmless(value)) {
        Some(value) => Err(CallError::ContentEncoding { encoding: printable(value.as_bytes()) }),
        None => Ok(()),
    }
}

fn media_kind(content_type: &str) -> MediaKind {
    let essence = essence(content_type);
    let is = |name: &str| essence.eq_ignore_ascii_case(name);
    if is("application/json") {
        MediaKind::Json
    } else if is("text/xml") || is("application/xml") {
        MediaKind::Xml
    } else if is("text/html") {
        MediaKind::Html
    } else if essence.get(..5).is_some_and(|prefix| prefix.eq_ignore_ascii_case("text/")) {
        MediaKind::Text
    } else {
        MediaKind::Other
    }
}

/// Text must be UTF-8, and the content type must not say otherwise. Where it names another charset
/// that agrees with ASCII, a body of ASCII alone is fine.
fn check_text(content_type: &str, body: &[u8]) -> Result<(), CallError> {
    let wrong = |reason: String| {
        Err(CallError::Text { content_type: printable(essence(content_type).as_bytes()), reason })
    };
    let charset = charset(content_type).unwrap_or("utf-8");
    let is = |name: &str| charset.eq_ignore_ascii_case(name);
    // These do not agree with ASCII even where all bytes are ASCII.
    let incompatible = ["utf-16", "utf-32", "ucs-2", "ucs-4", "utf-7", "ebcdic", "ibm", "cp037"];
    let is_incompatible = incompatible
        .iter()
        .any(|name| charset.get(..name.len()).is_some_and(|c| c.eq_ignore_ascii_case(name)));
    if !(is_utf8(charset) || is("us-ascii")) && (is_incompatible || !body.is_ascii()) {
        return wrong(format!("is in the charset `{}`", printable(charset.as_bytes())));
    }
    // A mark would become a part of the text, or break the parser.
    if body.starts_with(b"\xEF\xBB\xBF") {
        return wrong("begins with a byte order mark".to_owned());
    }
    if body.starts_with(b"\xFF\xFE") || body.starts_with(b"\xFE\xFF") {
        return wrong("is UTF-16".to_owned());
    }
    // NUL is UTF-8, but neither XML nor a text of the carrier's.
    if let Some(at) = body.iter().position(|byte| *byte == 0) {
        return wrong(format!("has a NUL at byte {at}"));
    }
    match std::str::from_utf8(body) {
        Ok(_) => Ok(()),
        Err(error) => wrong(format!("is not UTF-8 from byte {} on", error.valid_up_to())),
    }
}

/// The variables of a JSON body: those of an object. Of a name that comes twice the last one
/// counts, as in JavaScript; nesting is bounded by the parser (128), size by the body's limit.
fn parse_object(body: &[u8]) -> Result<Option<Map<String, Value>>, CallError> {
    match parse_json(body) {
        Ok(Value::Object(object)) => Ok(Some(object)),
        // As Studio: only an object has names for variables.
        Ok(_) => Ok(None),
        Err(error) => Err(CallError::Json { reason: error.to_string() }),
    }
}

/// Whether a text is meant as TwiML, by the name of its first element.
pub(crate) fn is_response(text: &[u8]) -> bool {
    root_name(text) == Some(b"Response")
}

/// Whether HTML ends as TwiML does: it has something in front of the document, such as the warnings
/// that PHP prints. It is broken TwiML, and not a page: for a page the call ends without a word.
fn is_response_at_end(body: &[u8]) -> bool {
    body.trim_ascii_end().ends_with(b"</Response>")
}

/// The name of a document's first element: behind white space, the XML declaration, processing
/// instructions and comments. A document type is not TwiML, so it ends the search.
fn root_name(document: &[u8]) -> Option<&[u8]> {
    let mut rest = document.trim_ascii_start();
    loop {
        let (open, close): (&[u8], &[u8]) = match rest {
            [b'<', b'?', ..] => (b"<?", b"?>"),
            [b'<', b'!', b'-', b'-', ..] => (b"<!--", b"-->"),
            [b'<', name @ ..] => {
                let stops = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>');
                return name.iter().position(stops).map(|end| &name[..end]);
            }
            _ => return None,
        };
        let inside = &rest[open.len()..];
        let end = inside.windows(close.len()).position(|window| window == close)?;
        rest = inside[end + close.len()..].trim_ascii_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_VARIABLES: OutcomeKind = OutcomeKind::Success { parsed: None };

    fn outcome(content_type: &str, body: impl AsRef<[u8]>) -> OutcomeKind {
        let mut headers = HeaderMap::new();
        if !content_type.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap());
        }
        classify("lookup", StatusCode::OK, &headers, &Bytes::copy_from_slice(body.as_ref()))
    }

    fn object(json: &str) -> OutcomeKind {
        let Value::Object(object) = serde_json::from_str(json).unwrap() else { panic!("{json}") };
        OutcomeKind::Success { parsed: Some(object) }
    }

    fn twiml(body: impl AsRef<[u8]>) -> OutcomeKind {
        OutcomeKind::Twiml(Bytes::copy_from_slice(body.as_ref()))
    }

    /// The cause of an outcome that must be a failure.
    fn cause(kind: OutcomeKind) -> CallError {
        match kind {
            OutcomeKind::Fail(error) => error.cause,
            other => panic!("expected a failure, got {other:?}"),
        }
    }

    #[test]
    fn html_with_a_response_behind_something_else_is_broken_twiml() {
        let warning = "<br />\n<b>Warning</b>: Undefined index in <b>/x.php</b><br />\n";
        for rest in
            ["<?xml version=\"1.0\"?>\n<Response><Hangup/></Response>\n", "<Response>1</Response>"]
        {
            let body = format!("{warning}{rest}");
            assert_eq!(outcome("text/html", &body), twiml(&body));
            // As plain text it is a text, as the carrier takes it.
            assert_eq!(outcome("text/plain", &body), NO_VARIABLES);
        }
        for page in ["<p>&lt;Response></p>", "<html><pre><Response></Response></pre></html>"] {
            assert_eq!(outcome("text/html", page), NO_VARIABLES, "{page}");
        }
    }

    #[test]
    fn json_objects_become_variables() {
        let types = [
            "application/json",
            "application/json; charset=utf-8",
            "Application/JSON;charset=\"UTF-8\"",
            " application/json ;x=y; charset=us-ascii",
            "application/json; charset=iso-8859-1",
        ];
        for content_type in types {
            assert_eq!(outcome(content_type, r#"{"a":1}"#), object(r#"{"a":1}"#), "{content_type}");
        }
        assert_eq!(outcome("application/json", r#"{"a":1,"a":2}"#), object(r#"{"a":2}"#));
        let big = r#"{"n":123456789012345678901234567890,"f":1.5e300}"#;
        assert_eq!(outcome("application/json", big), object(big));
    }

    #[test]
    fn other_json_is_success_without_variables() {
        for body in ["[1,2]", "\"x\"", "3", "null", "true", " [] ", ""] {
            assert_eq!(outcome("application/json", body), NO_VARIABLES, "{body}");
        }
        for content_type in ["application/problem+json", "text/json", "application/jsonp"] {
            assert_eq!(outcome(content_type, "{\"a\":1}"), NO_VARIABLES);
        }
    }

    #[test]
    fn broken_json_fails_with_the_reason() {
        let deep = "[".repeat(1000);
        for body in ["{", "{'a':1}", "{\"a\":1}x", "NaN", "{\"a\":1e999}", "\"\\ud8zz\"", &deep] {
            let error = cause(outcome("application/json", body));
            assert!(matches!(&error, CallError::Json { reason } if reason.contains("line")));
        }
    }

    #[test]
    fn text_must_be_utf8() {
        let bad: [&[u8]; 6] = [
            b"\xEF\xBB\xBF{}",
            b"\xFF\xFE{\0}\0",
            b"\xFE\xFF\0{\0}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\0\"}",
            b"<\0R\0",
        ];
        for body in bad {
            for content_type in ["application/json", "text/xml", "text/html", "text/plain"] {
                let error = cause(outcome(content_type, body));
                assert!(matches!(error, CallError::Text { .. }), "{content_type} {error}");
            }
            assert_eq!(outcome("image/png", body), NO_VARIABLES);
        }
    }

    #[test]
    fn other_charsets_only_where_they_agree() {
        let latin = |body: &[u8]| outcome("text/xml; charset=ISO-8859-1", body);
        assert_eq!(latin(b"<Response/>"), twiml("<Response/>"));
        let foreign = cause(latin("<Response>é</Response>".as_bytes()));
        assert!(matches!(foreign, CallError::Text { .. }));
        let wide = cause(outcome("text/xml;charset=utf-16le", "<R/>"));
        assert!(matches!(wide, CallError::Text { .. }));
    }

    #[test]
    fn twiml_by_type_and_html_by_root() {
        for content_type in ["text/xml", "application/xml", "TEXT/XML; charset=utf-8"] {
            assert_eq!(outcome(content_type, "<Response/>"), twiml("<Response/>"));
            assert_eq!(outcome(content_type, ""), twiml(""));
        }
        let response = [
            "<Response/>",
            "<Response>",
            " \n<?xml version=\"1.0\"?>\n<!-- a > b --><?pi ?>\t<Response\n a='b'>",
        ];
        for body in response {
            assert_eq!(outcome("text/html; charset=utf-8", body), twiml(body), "{body}");
        }
        let page = [
            "<html><body>503</body></html>",
            "<!DOCTYPE html><Response>",
            "<!-- <Response> -->",
            "<!--<Response>",
            "<?xml <Response>",
            "<response/>",
            "<Responses/>",
            "<Response",
            "x<Response/>",
            "<",
        ];
        for body in page {
            assert_eq!(outcome("text/html", body), NO_VARIABLES, "{body}");
        }
    }

    #[test]
    fn every_status() {
        for status in 100..600 {
            let status = StatusCode::from_u16(status).unwrap();
            let kind = classify("lookup", status, &HeaderMap::new(), &Bytes::from_static(b"x"));
            let success = !matches!(kind, OutcomeKind::Fail(_));
            assert_eq!(success, (200..300).contains(&status.as_u16()), "{status}");
        }
    }

    #[test]
    fn headers_that_contradict() {
        let mut headers = HeaderMap::new();
        headers.append(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.append(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let outcome =
            |headers: &HeaderMap| classify("lookup", StatusCode::OK, headers, &Bytes::from("{}"));
        assert!(matches!(outcome(&headers), OutcomeKind::Success { .. }));
        headers.append(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        assert!(matches!(cause(outcome(&headers)), CallError::Header { .. }));

        let mut headers = HeaderMap::new();
        headers.append(CONTENT_ENCODING, HeaderValue::from_static("Identity"));
        assert!(matches!(outcome(&headers), OutcomeKind::Success { .. }));
        headers.append(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert!(matches!(cause(outcome(&headers)), CallError::ContentEncoding { .. }));
    }
}
