//! Where a request goes: a URL taken apart once, so that each call only borrows.

use std::fmt::Write as _;
use std::rc::Rc;

use actix_web::http::Uri;
use actix_web::http::header::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Scheme, host and port: what two URLs share that lead to the same server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// In lower case, without brackets and without the dot at the end.
    pub host: String,
    /// The port, the scheme's own where the URL has none.
    pub port: u16,
    /// `https`.
    pub tls: bool,
}

/// One URL, ready to be sent to.
#[derive(Clone, Debug)]
pub struct Target {
    /// Which server.
    pub origin: Rc<Origin>,
    /// The URL as its owner sees it, which the signature covers: no credentials, no fragment.
    pub(super) url: String,
    /// What awc is given. The scheme is always `http`, for TLS is ours ([`super::dial`]).
    pub(super) dial: Uri,
    /// `Host`.
    pub(super) host: HeaderValue,
    /// The credentials in the URL, as `Authorization: Basic`.
    pub(super) authorization: Option<HeaderValue>,
}

impl Target {
    /// Takes a URL apart. `None` where scheme, host or port are not such that it can be sent to.
    pub fn new(uri: &Uri) -> Option<Target> {
        let tls = match uri.scheme_str()? {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let authority = uri.authority()?;
        let (credentials, place) = match authority.as_str().rsplit_once('@') {
            Some((credentials, place)) => (Some(credentials), place),
            None => (None, authority.as_str()),
        };
        let default = if tls { 443 } else { 80 };
        let port = match place.strip_prefix(authority.host())? {
            "" | ":" => default,
            text => text.strip_prefix(':')?.parse().ok().filter(|port| *port != 0)?,
        };
        let host = authority.host();
        let bare = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
        if bare.is_empty() {
            return None;
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path.starts_with('?') { format!("/{path}") } else { path.to_owned() };
        let shown = if port == default { host.to_owned() } else { format!("{host}:{port}") };
        let scheme = if tls { "https" } else { "http" };
        Some(Target {
            origin: Rc::new(Origin { host: bare.to_ascii_lowercase(), port, tls }),
            url: format!("{scheme}://{place}{path}"),
            dial: format!("http://{host}:{port}{path}").parse().ok()?,
            host: HeaderValue::from_str(&shown).ok()?,
            authorization: credentials.and_then(basic),
        })
    }

    /// The same place with a form in its query, for a GET. `None` if that is no URL any more.
    pub(super) fn with_query(&self, form: &str) -> Option<Target> {
        if form.is_empty() {
            return Some(self.clone());
        }
        let join = |url: &str| {
            let mut joined = String::with_capacity(url.len() + 1 + form.len());
            let _ = write!(joined, "{url}{}{form}", if url.contains('?') { '&' } else { '?' });
            joined
        };
        let dial = join(&self.dial.to_string()).parse().ok()?;
        Some(Target { url: join(&self.url), dial, ..self.clone() })
    }
}

/// `user:password`, percent-decoded, as a header. A value that no header can carry is left out.
fn basic(credentials: &str) -> Option<HeaderValue> {
    let mut bytes = Vec::with_capacity(credentials.len());
    let mut rest = credentials.as_bytes();
    while let [byte, tail @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => hex(*high).zip(hex(*low)),
            _ => None,
        };
        let (decoded, tail) = match escaped {
            Some((high, low)) => (high << 4 | low, &rest[3..]),
            None => (*byte, tail),
        };
        bytes.push(decoded);
        rest = tail;
    }
    if !bytes.contains(&b':') {
        bytes.push(b':');
    }
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(bytes))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The value of one hexadecimal digit.
fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        Target::new(&url.parse().unwrap()).unwrap()
    }

    #[test]
    fn takes_a_url_apart() {
        let plain = target("http://Example.com/a?b=c");
        assert_eq!(*plain.origin, Origin { host: "example.com".into(), port: 80, tls: false });
        assert_eq!(plain.url, "http://Example.com/a?b=c");
        assert_eq!(plain.dial, "http://Example.com:80/a?b=c");
        assert_eq!(plain.host, "Example.com");
        assert!(plain.authorization.is_none());

        let other = target("https://us%20er:p%40ss@[::1]:8443");
        assert_eq!(*other.origin, Origin { host: "::1".into(), port: 8443, tls: true });
        assert_eq!(other.url, "https://[::1]:8443/");
        assert_eq!(other.dial, "http://[::1]:8443/");
        assert_eq!(other.host, "[::1]:8443");
        let credentials = STANDARD.encode("us er:p@ss");
        assert_eq!(other.authorization.unwrap(), format!("Basic {credentials}").as_str());
    }

    #[test]
    fn default_ports_are_not_shown_and_the_signed_url_keeps_its_spelling() {
        let target = target("https://h.example.:443/x");
        assert_eq!(target.host, "h.example.");
        assert_eq!(target.url, "https://h.example.:443/x");
        assert_eq!(*target.origin, Origin { host: "h.example".into(), port: 443, tls: true });
    }

    #[test]
    fn a_query_is_added() {
        assert_eq!(target("http://h/a").with_query("x=1").unwrap().url, "http://h/a?x=1");
        let second = target("http://h:81/a?y=2").with_query("x=1").unwrap();
        assert_eq!(second.url, "http://h:81/a?y=2&x=1");
        assert_eq!(second.dial, "http://h:81/a?y=2&x=1");
        assert_eq!(target("http://h").with_query("x=1").unwrap().url, "http://h/?x=1");
    }

    #[test]
    fn refuses_what_cannot_be_called() {
        for url in ["ftp://h/", "/path", "http://h:0/", "http://h:70000/", "file:///etc/passwd"] {
            let refused = url.parse::<Uri>().ok().and_then(|uri| Target::new(&uri)).is_none();
            assert!(refused, "{url}");
        }
    }
}
