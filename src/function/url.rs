//! URLs, taken apart once, so that each call only borrows.

use std::fmt::Write as _;
use std::rc::Rc;

use actix_web::http::Uri;
use actix_web::http::header::HeaderValue;

use crate::basic_auth;
use crate::hex::digit_value;
use crate::uri::{escape_target, parts};

/// Scheme, host and port of a URL. Two URLs with the same origin lead to the same server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// In lower case, without brackets and without the dot at the end.
    pub host: String,
    /// The port, the scheme's own where the URL has none.
    pub port: u16,
    /// `https`.
    pub tls: bool,
}

/// One URL in the forms that a request needs.
#[derive(Clone, Debug)]
pub struct RequestUrl {
    /// The server.
    pub origin: Rc<Origin>,
    /// The URL as its owner wrote it, which the signature covers: no credentials, no fragment.
    pub(super) text: String,
    /// The URL for awc. The scheme is always `http`, because TLS is set up by our dialer.
    pub(super) dial_url: Uri,
    /// The `Host` header.
    pub(super) host_header: HeaderValue,
    /// The credentials in the URL, as `Authorization: Basic`.
    pub(super) authorization: Option<HeaderValue>,
}

impl RequestUrl {
    /// Takes a URL apart. `None` where scheme, host or port cannot be sent to.
    pub fn new(uri: &Uri) -> Option<RequestUrl> {
        let tls = match uri.scheme_str()? {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let authority = uri.authority()?;
        // The last `@`: a password may have one, a host cannot.
        let (credentials, host_and_port) = match authority.as_str().rsplit_once('@') {
            Some((credentials, host_and_port)) => (Some(credentials), host_and_port),
            None => (None, authority.as_str()),
        };
        let default = if tls { 443 } else { 80 };
        let port = match host_and_port.strip_prefix(authority.host())? {
            "" | ":" => default,
            text => text.strip_prefix(':')?.parse().ok().filter(|port| *port != 0)?,
        };
        let host = authority.host();
        // `example.com.` and `example.com` are the same server.
        let bare = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
        if bare.is_empty() {
            return None;
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        // `http` accepts `http://host?query`; a request line needs the slash.
        let path = if path.starts_with('?') { format!("/{path}") } else { path.to_owned() };
        // Servers compare `Host` with their own name, and browsers leave the default port out.
        let shown = if port == default { host.to_owned() } else { format!("{host}:{port}") };
        let scheme = if tls { "https" } else { "http" };
        Some(RequestUrl {
            origin: Rc::new(Origin { host: bare.to_ascii_lowercase(), port, tls }),
            // The port stays as written: the server verifies the signature over this spelling.
            text: format!("{scheme}://{host_and_port}{path}"),
            dial_url: format!("http://{host}:{port}{path}").parse().ok()?,
            host_header: HeaderValue::from_str(&shown).ok()?,
            authorization: credentials.and_then(authorization),
        })
    }

    /// The same URL, with what another one has that it replaces: a query, and credentials where
    /// this one has none. `None` if the result is not a URL.
    pub(super) fn in_place_of(&self, replaced: &str) -> Option<RequestUrl> {
        let escaped = escape_target(replaced);
        let target = parts(&escaped).2.split('#').next().unwrap_or_default();
        let mut url = self.with_query(target.split_once('?').map_or("", |(_, query)| query))?;
        url.authorization = url.authorization.or_else(|| authorization(userinfo(replaced)?));
        Some(url)
    }

    /// Another target, path and query, at the same server. `None` if the result is not a URL.
    pub(super) fn at(&self, target: &str) -> Option<RequestUrl> {
        let join = |url: &str| {
            let (scheme, authority, _) = parts(url);
            format!("{scheme}://{authority}{target}")
        };
        let dial_url = join(&self.dial_url.to_string()).parse().ok()?;
        Some(RequestUrl { text: join(&self.text), dial_url, ..self.clone() })
    }

    /// The same URL with a form in its query, for a GET. `None` if the result is not a URL.
    pub(super) fn with_query(&self, form: &str) -> Option<RequestUrl> {
        if form.is_empty() {
            return Some(self.clone());
        }
        let join = |url: &str| {
            let mut joined = String::with_capacity(url.len() + 1 + form.len());
            let _ = write!(joined, "{url}{}{form}", if url.contains('?') { '&' } else { '?' });
            joined
        };
        let dial_url = join(&self.dial_url.to_string()).parse().ok()?;
        Some(RequestUrl { text: join(&self.text), dial_url, ..self.clone() })
    }
}

/// The `user:password` of a URL, as written.
fn userinfo(url: &str) -> Option<&str> {
    // The last `@`: a password may have one, a host cannot.
    Some(parts(url).1.rsplit_once('@')?.0)
}

/// The header for `user:password` in a URL, percent-decoded. `None` for a value that no header can
/// carry.
fn authorization(credentials: &str) -> Option<HeaderValue> {
    let mut bytes = decode_percent(credentials);
    // RFC 7617 demands the colon; a URL may name the user alone.
    if !bytes.contains(&b':') {
        bytes.push(b':');
    }
    basic_auth::header(bytes)
}

/// A text without its percent escapes. A `%` that begins none stays.
fn decode_percent(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => digit_value(*high).zip(digit_value(*low)),
            _ => None,
        };
        let (decoded, tail) = match escaped {
            Some((high, low)) => (high << 4 | low, &rest[3..]),
            None => (*byte, tail),
        };
        bytes.push(decoded);
        rest = tail;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(url: &str) -> RequestUrl {
        RequestUrl::new(&url.parse().unwrap()).unwrap()
    }

    #[test]
    fn takes_a_url_apart() {
        let plain = url("http://Example.com/a?b=c");
        assert_eq!(*plain.origin, Origin { host: "example.com".into(), port: 80, tls: false });
        assert_eq!(plain.text, "http://Example.com/a?b=c");
        assert_eq!(plain.dial_url, "http://Example.com:80/a?b=c");
        assert_eq!(plain.host_header, "Example.com");
        assert!(plain.authorization.is_none());

        let other = url("https://us%20er:p%40ss@[::1]:8443");
        assert_eq!(*other.origin, Origin { host: "::1".into(), port: 8443, tls: true });
        assert_eq!(other.text, "https://[::1]:8443/");
        assert_eq!(other.dial_url, "http://[::1]:8443/");
        assert_eq!(other.host_header, "[::1]:8443");
        assert_eq!(other.authorization.unwrap(), "Basic dXMgZXI6cEBzcw==");
    }

    #[test]
    fn default_ports_are_not_shown_and_the_signed_url_keeps_its_spelling() {
        let request_url = url("https://h.example.:443/x");
        assert_eq!(request_url.host_header, "h.example.");
        assert_eq!(request_url.text, "https://h.example.:443/x");
        assert_eq!(*request_url.origin, Origin { host: "h.example".into(), port: 443, tls: true });
    }

    #[test]
    fn a_query_is_added() {
        assert_eq!(url("http://h/a").with_query("x=1").unwrap().text, "http://h/a?x=1");
        let second = url("http://h:81/a?y=2").with_query("x=1").unwrap();
        assert_eq!(second.text, "http://h:81/a?y=2&x=1");
        assert_eq!(second.dial_url, "http://h:81/a?y=2&x=1");
        assert_eq!(url("http://h").with_query("x=1").unwrap().text, "http://h/?x=1");
    }

    #[test]
    fn a_replacement_has_the_query_and_the_credentials() {
        let replaced = |home: &str, other| url(home).in_place_of(other).unwrap();
        let query = replaced("http://h/a?y=2", "https://u:p@api.example/b?n=José&x=1#top");
        assert_eq!(query.text, "http://h/a?y=2&n=Jos%C3%A9&x=1");
        assert_eq!(query.authorization.unwrap(), "Basic dTpw");
        let own = replaced("http://me:mine@h/", "https://u:p@api.example/b");
        assert_eq!(own.text, "http://h/");
        assert_eq!(own.authorization.unwrap(), "Basic bWU6bWluZQ==");
        assert!(replaced("http://h/", "/b#?x").authorization.is_none());
        assert_eq!(replaced("http://h/", "/b#?x").text, "http://h/");
    }

    #[test]
    fn refuses_what_cannot_be_called() {
        for url in ["ftp://h/", "/path", "http://h:0/", "http://h:70000/", "file:///etc/passwd"] {
            let refused = url.parse::<Uri>().ok().and_then(|uri| RequestUrl::new(&uri)).is_none();
            assert!(refused, "{url}");
        }
    }
}
