//! What a function's answer means. Pure: bytes in, verdict out; the table is in
//! `docs/functions.md`.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::web::Bytes;
use serde_json::{Map, Value};

use super::error::{Problem, word};
use crate::media_type::{charset, essence, is_utf8};

/// What a successful answer is.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Variables, if it was a JSON object.
    Success(Option<Map<String, Value>>),
    /// A document for the caller.
    Twiml,
}

/// What the content type says about the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Json,
    Xml,
    Html,
    Text,
    Other,
}

/// Judges a whole answer. Redirects are behind us: a status of 300 to 399 is a failure here.
pub fn classify(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Result<Verdict, Problem> {
    if !status.is_success() {
        return Err(Problem::Status { status: status.as_u16() });
    }
    encoding(headers)?;
    if body.is_empty() {
        return match kind(content_type(headers)?.unwrap_or_default()) {
            Kind::Xml if status != StatusCode::NO_CONTENT => Ok(Verdict::Twiml),
            _ => Ok(Verdict::Success(None)),
        };
    }
    let declared = content_type(headers)?.unwrap_or_default();
    let kind = kind(declared);
    if kind != Kind::Other {
        text(declared, body)?;
    }
    match kind {
        Kind::Json => parse(body).map(Verdict::Success),
        Kind::Xml => Ok(Verdict::Twiml),
        Kind::Html if root(body) == Some(b"Response") => Ok(Verdict::Twiml),
        Kind::Html | Kind::Text | Kind::Other => Ok(Verdict::Success(None)),
    }
}

/// The content type, for `widgets.NAME.content_type`. Two that differ are an error: which of them
/// would be believed?
pub(super) fn content_type(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let wrong = |reason| Problem::Header { name: "Content-Type", reason };
    let mut values = headers.get_all(CONTENT_TYPE);
    let Some(first) = values.next() else { return Ok(None) };
    if values.any(|value| value != first) {
        return Err(wrong("came twice with different values, expected one"));
    }
    first.to_str().map(Some).map_err(|_| wrong("is not ASCII"))
}

/// Refuses compressed bodies: nobody asked for one, and a small one may be gigabytes.
fn encoding(headers: &HeaderMap) -> Result<(), Problem> {
    let harmless = |value: &&HeaderValue| {
        let value = value.as_bytes().trim_ascii();
        value.is_empty() || value.eq_ignore_ascii_case(b"identity")
    };
    match headers.get_all(CONTENT_ENCODING).find(|value| !harmless(value)) {
        Some(value) => Err(Problem::ContentEncoding { encoding: word(value.as_bytes()) }),
        None => Ok(()),
    }
}

fn kind(content_type: &str) -> Kind {
    let essence = essence(content_type);
    let is = |name: &str| essence.eq_ignore_ascii_case(name);
    if is("application/json") {
        Kind::Json
    } else if is("text/xml") || is("application/xml") {
        Kind::Xml
    } else if is("text/html") {
        Kind::Html
    } else if essence.get(..5).is_some_and(|prefix| prefix.eq_ignore_ascii_case("text/")) {
        Kind::Text
    } else {
        Kind::Other
    }
}

/// Text must be UTF-8, and the content type must not say otherwise. Where it names another charset
/// that agrees with ASCII, a body of ASCII alone is fine.
fn text(content_type: &str, body: &[u8]) -> Result<(), Problem> {
    let wrong = |reason: String| {
        Err(Problem::Text { content_type: word(essence(content_type).as_bytes()), reason })
    };
    let charset = charset(content_type).unwrap_or("utf-8");
    let is = |name: &str| charset.eq_ignore_ascii_case(name);
    let stands_alone = ["utf-16", "utf-32", "ucs-2", "ucs-4", "utf-7", "ebcdic", "ibm", "cp037"];
    let wide = stands_alone
        .iter()
        .any(|name| charset.get(..name.len()).is_some_and(|c| c.eq_ignore_ascii_case(name)));
    if !(is_utf8(charset) || is("us-ascii")) && (wide || !body.is_ascii()) {
        return wrong(format!("is in the charset `{}`", word(charset.as_bytes())));
    }
    if body.starts_with(b"\xEF\xBB\xBF") {
        return wrong("begins with a byte order mark".to_owned());
    }
    if body.starts_with(b"\xFF\xFE") || body.starts_with(b"\xFE\xFF") {
        return wrong("is UTF-16".to_owned());
    }
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
fn parse(body: &[u8]) -> Result<Option<Map<String, Value>>, Problem> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(Some(object)),
        Ok(_) => Ok(None),
        Err(error) => Err(Problem::Json { reason: error.to_string() }),
    }
}

/// The name of a document's first element: behind white space, the XML declaration, processing
/// instructions and comments. A document type is not TwiML, so it ends the search.
fn root(document: &[u8]) -> Option<&[u8]> {
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

    fn judge(content_type: &str, body: impl AsRef<[u8]>) -> Result<Verdict, Problem> {
        let mut headers = HeaderMap::new();
        if !content_type.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap());
        }
        classify(StatusCode::OK, &headers, &Bytes::copy_from_slice(body.as_ref()))
    }

    fn object(json: &str) -> Result<Verdict, Problem> {
        let Value::Object(object) = serde_json::from_str(json).unwrap() else { panic!("{json}") };
        Ok(Verdict::Success(Some(object)))
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
            assert_eq!(judge(content_type, r#"{"a":1}"#), object(r#"{"a":1}"#), "{content_type}");
        }
        assert_eq!(judge("application/json", r#"{"a":1,"a":2}"#), object(r#"{"a":2}"#));
        let big = r#"{"n":123456789012345678901234567890,"f":1.5e300}"#;
        assert_eq!(judge("application/json", big), object(big));
    }

    #[test]
    fn other_json_is_success_without_variables() {
        for body in ["[1,2]", "\"x\"", "3", "null", "true", " [] ", ""] {
            assert_eq!(judge("application/json", body), Ok(Verdict::Success(None)), "{body}");
        }
        for content_type in ["application/problem+json", "text/json", "application/jsonp"] {
            assert_eq!(judge(content_type, "{\"a\":1}"), Ok(Verdict::Success(None)));
        }
    }

    #[test]
    fn broken_json_fails_with_the_reason() {
        let deep = "[".repeat(1000);
        for body in ["{", "{'a':1}", "{\"a\":1}x", "NaN", "{\"a\":1e999}", "\"\\ud800\"", &deep] {
            let problem = judge("application/json", body).unwrap_err();
            assert!(matches!(&problem, Problem::Json { reason } if reason.contains("line")));
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
                let problem = judge(content_type, body).unwrap_err();
                assert!(matches!(problem, Problem::Text { .. }), "{content_type} {problem}");
            }
            assert_eq!(judge("image/png", body), Ok(Verdict::Success(None)));
        }
    }

    #[test]
    fn other_charsets_only_where_they_agree() {
        let latin = |body: &[u8]| judge("text/xml; charset=ISO-8859-1", body);
        assert_eq!(latin(b"<Response/>"), Ok(Verdict::Twiml));
        assert!(matches!(latin("<Response>é</Response>".as_bytes()), Err(Problem::Text { .. })));
        assert!(matches!(judge("text/xml;charset=utf-16le", "<R/>"), Err(Problem::Text { .. })));
    }

    #[test]
    fn twiml_by_type_and_html_by_root() {
        for content_type in ["text/xml", "application/xml", "TEXT/XML; charset=utf-8"] {
            assert_eq!(judge(content_type, "<Response/>"), Ok(Verdict::Twiml));
            assert_eq!(judge(content_type, ""), Ok(Verdict::Twiml));
        }
        let response = [
            "<Response/>",
            "<Response>",
            " \n<?xml version=\"1.0\"?>\n<!-- a > b --><?pi ?>\t<Response\n a='b'>",
        ];
        for body in response {
            assert_eq!(judge("text/html; charset=utf-8", body), Ok(Verdict::Twiml), "{body}");
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
            assert_eq!(judge("text/html", body), Ok(Verdict::Success(None)), "{body}");
        }
    }

    #[test]
    fn every_status() {
        for status in 100..600 {
            let status = StatusCode::from_u16(status).unwrap();
            let verdict = classify(status, &HeaderMap::new(), &Bytes::from_static(b"x"));
            assert_eq!(verdict.is_ok(), (200..300).contains(&status.as_u16()), "{status}");
        }
    }

    #[test]
    fn headers_that_contradict() {
        let mut headers = HeaderMap::new();
        headers.append(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.append(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let judge = |headers: &HeaderMap| classify(StatusCode::OK, headers, &Bytes::from("{}"));
        assert!(judge(&headers).is_ok());
        headers.append(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        assert!(matches!(judge(&headers), Err(Problem::Header { .. })));

        let mut headers = HeaderMap::new();
        headers.append(CONTENT_ENCODING, HeaderValue::from_static("Identity"));
        assert!(judge(&headers).is_ok());
        headers.append(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert!(matches!(judge(&headers), Err(Problem::ContentEncoding { .. })));
    }
}
