//! URLs: whether one can be called, whose it is, and what a reference in a document leads to.
//!
//! A URL that is signed or shown stays the text that its owner wrote; [`Url`] is asked about it and
//! does not replace it, because it would normalise case, port and path.

use std::borrow::Cow;

use url::Url;

use crate::percent::{push_escaped, unescape};

/// The URL, if HTTP can be spoken to it: `http://` or `https://` and a host.
pub(crate) fn http_url(text: &str) -> Option<Url> {
    // Url forgives `http:host` and `http:/host`, which no HTTP client here does.
    let url = text.contains("://").then(|| Url::parse(text).ok()).flatten()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// The host of a URL, in lower case and without brackets.
pub(crate) fn host(url: &str) -> Option<String> {
    let url = http_url(url)?;
    Some(url.host_str()?.trim_matches(['[', ']']).to_owned())
}

/// A reference as seen from the URL of its document (RFC 3986, 5.2). One that is a whole URL stays
/// as it is written.
pub(crate) fn resolve(base: &str, reference: &str) -> String {
    // The empty reference is the document itself, with the fragment that an RFC would drop: the
    // carrier's overrides are in it.
    if reference.is_empty() {
        return base.to_owned();
    }
    let whole = Url::parse(reference).is_ok();
    let joined =
        if whole { None } else { Url::parse(base).ok().and_then(|base| base.join(reference).ok()) };
    joined.map_or_else(|| reference.to_owned(), String::from)
}

/// Scheme, authority and the rest (path, query, fragment) of a URL, as written. What has no `://`
/// has no scheme.
pub(crate) fn parts(url: &str) -> (&str, &str, &str) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (authority, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    (scheme, authority, target)
}

/// The URL with percent escapes for everything after its authority that RFC 3986 does not allow
/// there. Escapes that it has stay as they are. The authority does too: an escape in it could turn
/// a text of a caller into another host.
pub(crate) fn escape_target(url: &str) -> Cow<'_, str> {
    let target = parts(url).2;
    if !target.contains(|letter: char| letter == '%' || !is_allowed(letter)) {
        return Cow::Borrowed(url);
    }
    let mut escaped = String::with_capacity(url.len() + 16);
    escaped.push_str(&url[..url.len() - target.len()]);
    for (at, letter) in target.char_indices() {
        if is_allowed(letter) || unescape(&target.as_bytes()[at..]).is_some() {
            escaped.push(letter);
        } else {
            push_escaped(&mut escaped, letter);
        }
    }
    Cow::Owned(escaped)
}

/// Whether a character may be in a path, a query or a fragment. Brackets are for hosts, but servers
/// expect them unescaped (`filter[name]=`).
fn is_allowed(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_lead_where_rfc_3986_says() {
        let base = "https://u:p@Host.example:8443/a/b;p?q#rc=2";
        for (reference, expected) in [
            ("", base),
            ("?y", "https://u:p@host.example:8443/a/b;p?y"),
            ("g", "https://u:p@host.example:8443/a/g"),
            ("../../g?x#s", "https://u:p@host.example:8443/g?x#s"),
            ("/g", "https://u:p@host.example:8443/g"),
            ("//h/g", "https://h/g"),
            ("HTTP://H:80", "HTTP://H:80"),
            ("tel:+15550100", "tel:+15550100"),
            ("a b", "https://u:p@host.example:8443/a/a%20b"),
        ] {
            assert_eq!(resolve(base, reference), expected, "{reference}");
        }
        assert_eq!(resolve("no base", "/g"), "/g");
    }

    #[test]
    fn targets_are_escaped_and_authorities_are_not() {
        for (url, expected) in [
            ("https://h/José?q=a b&e=😀", "https://h/Jos%C3%A9?q=a%20b&e=%F0%9F%98%80"),
            ("https://h?n=José", "https://h?n=Jos%C3%A9"),
            ("https://h/%20%c3%A9?a=%2B+b", "https://h/%20%c3%A9?a=%2B+b"),
            ("https://h/100%/%zz/%4?%", "https://h/100%25/%25zz/%254?%25"),
            ("https://h/\"<>\\^`{|}\r\n\0", "https://h/%22%3C%3E%5C%5E%60%7B%7C%7D%0D%0A%00"),
            (
                "https://h/a;b=1,2/(x)'!*~?f[n]=@:$&=#é",
                "https://h/a;b=1,2/(x)'!*~?f[n]=@:$&=#%C3%A9",
            ),
            ("https://münchen.example/é", "https://münchen.example/%C3%A9"),
            ("https://a b/c d", "https://a b/c%20d"),
            ("https://good.example\\@evil.example/ ", "https://good.example\\@evil.example/%20"),
            ("https://u:p@[::1]:80/%E9 x", "https://u:p@[::1]:80/%E9%20x"),
            ("", ""),
        ] {
            assert_eq!(escape_target(url), expected, "{url}");
            assert_eq!(escape_target(expected), expected, "escaped once");
        }
    }

    #[test]
    fn hosts_are_those_that_are_connected_to() {
        for (url, expected) in [
            ("http://Localhost#rc=1", Some("localhost")),
            ("https://gate.example@evil.example/x", Some("evil.example")),
            ("http://[::1]:80/", Some("::1")),
            ("http://0x7f.1/", Some("127.0.0.1")),
            ("http://xn--mnchen-3ya.example/", Some("xn--mnchen-3ya.example")),
            ("http:/a/b", None),
            ("http://", None),
            ("ftp://a/", None),
            ("localhost:3000/voice", None),
        ] {
            assert_eq!(host(url).as_deref(), expected, "{url}");
        }
    }
}
