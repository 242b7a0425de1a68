//! Redirects: whether a response is one, where it leads, and whether that may be followed. Pure.

use actix_web::http::{Method, StatusCode, Uri};

use super::error::CallError;
use super::transport::printable;
use super::url::RequestUrl;
use crate::uri::resolve;

/// How a redirect is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RedirectKind {
    /// 301, 302, 303: a GET without a body, as every client makes of them.
    Get,
    /// 307, 308: method and body as they were.
    Same,
}

impl RedirectKind {
    /// The kind of redirect that a status is; `None` for other statuses.
    pub(super) fn of(status: StatusCode) -> Option<RedirectKind> {
        match status.as_u16() {
            301..=303 => Some(RedirectKind::Get),
            307 | 308 => Some(RedirectKind::Same),
            _ => None,
        }
    }

    /// The method that the redirect is followed with.
    pub(super) fn method(self, before: &Method) -> Method {
        match self {
            RedirectKind::Get => Method::GET,
            RedirectKind::Same => before.clone(),
        }
    }
}

/// The URL that a redirect from `from` leads to.
///
/// # Errors
/// `Location` is not a URL that may be followed.
pub(super) fn redirect_url(
    from: &RequestUrl,
    status: StatusCode,
    location: Option<&[u8]>,
) -> Result<RequestUrl, CallError> {
    let wrong = |reason| CallError::Location { status: status.as_u16(), reason };
    let location = location.ok_or(wrong("there is none"))?;
    let location = std::str::from_utf8(location).ok().filter(|text| text.is_ascii());
    let location = location.ok_or(wrong("it is not ASCII"))?.trim();
    // A fragment is for a browser and not sent to a server.
    let location = location.split('#').next().unwrap_or_default();
    let url = resolve(&from.text, location);
    let uri: Uri = url.parse().map_err(|_| wrong("it is not a URL"))?;
    let host = printable(uri.host().unwrap_or_default().as_bytes());
    let scheme = |expected| CallError::Scheme {
        scheme: printable(uri.scheme_str().unwrap_or_default().as_bytes()),
        host: host.clone(),
        expected,
    };
    match (from.origin.tls, uri.scheme_str()) {
        // The parameters went over TLS, and must not go on in the clear.
        (true, Some("http")) => return Err(scheme("`https`, as it was before")),
        (_, Some("http" | "https")) => {}
        _ => return Err(scheme("`http` or `https`")),
    }
    let url = RequestUrl::new(&uri).ok_or(wrong("it has no usable host and port"))?;
    // Credentials in a redirect are the sender's idea, not the operator's.
    let is_same_origin = url.origin == from.origin;
    let authorization = from.authorization.clone().filter(|_| is_same_origin);
    Ok(RequestUrl { authorization, ..url })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(from: &str, location: &str) -> Result<RequestUrl, CallError> {
        let from = RequestUrl::new(&from.parse().unwrap()).unwrap();
        redirect_url(&from, StatusCode::FOUND, Some(location.as_bytes()))
    }

    #[test]
    fn resolves_references() {
        // The examples of RFC 3986, 5.4, that a server sends.
        let cases = [
            ("http://x.example/y", "http://x.example/y"),
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g/"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q"),
            ("g#s", "http://a/b/c/g"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("/a:b", "http://a/a:b"),
        ];
        for (reference, expected) in cases {
            let url = follow("http://a/b/c/d;p?q", reference).unwrap();
            assert_eq!(url.text, expected, "{reference}");
        }
    }

    #[test]
    fn schemes() {
        assert!(follow("http://a/", "https://b/").is_ok());
        assert!(matches!(follow("https://a/", "http://a/"), Err(CallError::Scheme { .. })));
        for location in ["ftp://b/", "file:///etc/passwd", "gopher://b/", "javascript:alert(1)"] {
            assert!(follow("http://a/", location).is_err(), "{location}");
        }
    }

    #[test]
    fn credentials_stay_at_home() {
        let from = RequestUrl::new(&"https://u:p@a/".parse().unwrap()).unwrap();
        let same = redirect_url(&from, StatusCode::FOUND, Some(b"/b")).unwrap();
        assert_eq!(same.authorization, from.authorization);
        let other = redirect_url(&from, StatusCode::FOUND, Some(b"https://x:y@b/")).unwrap();
        assert!(other.authorization.is_none());
        assert_eq!(other.text, "https://b/");
    }

    #[test]
    fn unusable_locations() {
        let from = RequestUrl::new(&"http://a/".parse().unwrap()).unwrap();
        let error = |location| redirect_url(&from, StatusCode::FOUND, location).unwrap_err();
        for location in [None, Some(&b"http://"[..]), Some(b"http://a b/"), Some(b"http://\xff/")] {
            let error = error(location);
            assert!(matches!(error, CallError::Location { status: 302, .. }), "{error:?}");
        }
    }
}
