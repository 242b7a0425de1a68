//! Where an answer redirects to, and whether that may be followed. Pure.

use actix_web::http::{Method, StatusCode, Uri};

use super::error::{Problem, word};
use super::target::Target;
use crate::uri::resolve;

/// How a redirect is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// 301, 302, 303: a GET without a body, as every client makes of them.
    Get,
    /// 307, 308: method and body as they were.
    Same,
}

/// Whether a status is one that is followed.
pub(super) fn manner(status: StatusCode) -> Option<Manner> {
    match status.as_u16() {
        301..=303 => Some(Manner::Get),
        307 | 308 => Some(Manner::Same),
        _ => None,
    }
}

/// The target of a redirect that came from `from`.
pub(super) fn next(
    from: &Target,
    status: StatusCode,
    location: Option<&[u8]>,
) -> Result<Target, Problem> {
    let wrong = |reason| Problem::Location { status: status.as_u16(), reason };
    let location = location.ok_or(wrong("there is none"))?;
    let location = std::str::from_utf8(location).ok().filter(|text| text.is_ascii());
    let location = location.ok_or(wrong("it is not ASCII"))?.trim();
    let location = location.split('#').next().unwrap_or_default();
    let url = resolve(&from.url, location);
    let uri: Uri = url.parse().map_err(|_| wrong("it is not a URL"))?;
    let host = word(uri.host().unwrap_or_default().as_bytes());
    let scheme = |expected| Problem::Scheme {
        scheme: word(uri.scheme_str().unwrap_or_default().as_bytes()),
        host: host.clone(),
        expected,
    };
    match (from.origin.tls, uri.scheme_str()) {
        (true, Some("http")) => return Err(scheme("`https`, as it was before")),
        (_, Some("http" | "https")) => {}
        _ => return Err(scheme("`http` or `https`")),
    }
    let target = Target::new(&uri).ok_or(wrong("it has no usable host and port"))?;
    // Credentials in a redirect are the sender's idea, not the operator's.
    let same = target.origin == from.origin;
    Ok(Target { authorization: from.authorization.clone().filter(|_| same), ..target })
}

/// The method that a redirect is followed with.
pub(super) fn method(manner: Manner, before: &Method) -> Method {
    match manner {
        Manner::Get => Method::GET,
        Manner::Same => before.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(from: &str, location: &str) -> Result<Target, Problem> {
        let from = Target::new(&from.parse().unwrap()).unwrap();
        next(&from, StatusCode::FOUND, Some(location.as_bytes()))
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
            let target = follow("http://a/b/c/d;p?q", reference).unwrap();
            assert_eq!(target.url, expected, "{reference}");
        }
    }

    #[test]
    fn schemes() {
        assert!(follow("http://a/", "https://b/").is_ok());
        assert!(matches!(follow("https://a/", "http://a/"), Err(Problem::Scheme { .. })));
        for location in ["ftp://b/", "file:///etc/passwd", "gopher://b/", "javascript:alert(1)"] {
            assert!(follow("http://a/", location).is_err(), "{location}");
        }
    }

    #[test]
    fn credentials_stay_at_home() {
        let from = Target::new(&"https://u:p@a/".parse().unwrap()).unwrap();
        let same = next(&from, StatusCode::FOUND, Some(b"/b")).unwrap();
        assert_eq!(same.authorization, from.authorization);
        let other = next(&from, StatusCode::FOUND, Some(b"https://x:y@b/")).unwrap();
        assert!(other.authorization.is_none());
        assert_eq!(other.url, "https://b/");
    }

    #[test]
    fn unusable_locations() {
        let from = Target::new(&"http://a/".parse().unwrap()).unwrap();
        let problem = |location| next(&from, StatusCode::FOUND, location).unwrap_err();
        for location in [None, Some(&b"http://"[..]), Some(b"http://a b/"), Some(b"http://\xff/")] {
            let problem = problem(location);
            assert!(matches!(problem, Problem::Location { status: 302, .. }), "{problem:?}");
        }
    }
}
