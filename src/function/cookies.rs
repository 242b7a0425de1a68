//! Cookies between the carrier and the function of one route.
//!
//! The carrier stores one set of cookies for the host of the gateway, so the names of cookies that
//! functions set get a prefix on their way to it. The prefix depends on the route and the function:
//! a cookie comes back to the function that set it, on the route where it set it, and to no other.
//! The prefix and not the attribute `Path` separates them, because clients may ignore `Path`, and a
//! proxy may change the path.

use std::fmt::Write as _;

use actix_web::http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use sha2::{Digest as _, Sha256};

use crate::hex::to_hex;
use crate::limits::{COOKIE_BYTES_MAX, COOKIES_MAX};

/// The beginning of each prefix.
const MARK: &str = "tg-";

/// The hexadecimal digits of a prefix, between [`MARK`] and a hyphen.
const DIGITS: usize = 12;

/// The cookies of a call on a route that passes them on.
#[derive(Clone, Copy, Debug)]
pub struct CallCookies<'a> {
    /// The path of the route.
    pub route: &'a str,
    /// The carrier's `Cookie` header; empty if it sent none.
    pub received: &'a str,
}

/// The cookies that a function has set, as the carrier gets them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionCookies {
    /// The values of `Set-Cookie` headers.
    pub set: Vec<String>,
    /// How many are not passed on: they have no valid name, are too long, or are too many.
    pub dropped: usize,
}

impl CallCookies<'_> {
    /// The `Cookie` header for a function: its own cookies under their own names, and those that no
    /// function behind the gateway has set. `None` if there are none.
    pub(super) fn request_header(&self, function: &str) -> Option<HeaderValue> {
        if self.received.is_empty() {
            return None;
        }
        let own = prefix(self.route, function);
        let mut header = String::with_capacity(self.received.len());
        for cookie in self.received.split(';').map(str::trim) {
            let cookie = match cookie.strip_prefix(own.as_str()) {
                Some(cookie) => cookie,
                // A cookie of another route or function.
                None if has_prefix(cookie) => continue,
                None => cookie,
            };
            if !cookie.is_empty() {
                let separator = if header.is_empty() { "" } else { "; " };
                let _ = write!(header, "{separator}{cookie}");
            }
        }
        let header = Some(header).filter(|header| !header.is_empty())?;
        let mut value = HeaderValue::from_str(&header).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The cookies in the response of a function. `None` if there are none.
    pub(super) fn response_cookies(
        &self,
        function: &str,
        headers: &HeaderMap,
    ) -> Option<Box<FunctionCookies>> {
        let mut values = headers.get_all(SET_COOKIE).peekable();
        values.peek()?;
        let prefix = prefix(self.route, function);
        let mut cookies = Box::<FunctionCookies>::default();
        for value in values {
            let renamed = value.to_str().ok().and_then(|cookie| rename(cookie, &prefix));
            match renamed.filter(|_| cookies.set.len() < COOKIES_MAX) {
                Some(cookie) => cookies.set.push(cookie),
                None => cookies.dropped += 1,
            }
        }
        Some(cookies)
    }
}

/// A `Set-Cookie` value with the prefix. `Domain` and `Path` are those of the function, where the
/// carrier never goes. Without them, the cookie is sent to the route that it came from.
fn rename(cookie: &str, prefix: &str) -> Option<String> {
    let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
    let (name, value) = pair.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    if !is_token(name) || cookie.len() > COOKIE_BYTES_MAX {
        return None;
    }
    let mut renamed = format!("{prefix}{name}={value}");
    for attribute in attributes.split(';').map(str::trim).filter(|it| !it.is_empty()) {
        let name = attribute.split('=').next().unwrap_or_default().trim();
        if !["domain", "path"].iter().any(|of| name.eq_ignore_ascii_case(of)) {
            let _ = write!(renamed, "; {attribute}");
        }
    }
    Some(renamed)
}

/// Whether a text is a token (RFC 9110, section 5.6.2), as the name of a cookie must be.
fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}

/// The prefix of the cookies of a function on a route.
fn prefix(route: &str, function: &str) -> String {
    let mut hash = Sha256::new();
    // With its length, so that no end of a path can be the beginning of a name.
    hash.update(route.len().to_le_bytes());
    hash.update(route);
    hash.update(function);
    format!("{MARK}{}-", &to_hex(&hash.finalize()[..DIGITS / 2]))
}

/// Whether a cookie has the prefix of any route.
fn has_prefix(cookie: &str) -> bool {
    let digits = cookie.strip_prefix(MARK).and_then(|rest| rest.split_at_checked(DIGITS));
    digits.is_some_and(|(digits, rest)| {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        rest.starts_with('-') && digits.bytes().all(is_digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(route: &str, function: &str, cookies: &[&str]) -> FunctionCookies {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(SET_COOKIE, HeaderValue::from_str(cookie).unwrap());
        }
        let call = CallCookies { route, received: "" };
        call.response_cookies(function, &headers).map(|it| *it).unwrap_or_default()
    }

    fn sent(route: &str, function: &str, received: &str) -> Option<String> {
        let header = CallCookies { route, received }.request_header(function)?;
        Some(header.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_cookie_comes_back_to_its_function_on_its_route_alone() {
        let answer = "visits=1=2; Path=/x; HttpOnly;domain=a.example ; Max-Age=60;";
        let [cookie] = set("/a", "one", &[answer]).set.try_into().unwrap();
        assert!(cookie.ends_with("-visits=1=2; HttpOnly; Max-Age=60"), "{cookie}");
        let pair = cookie.split(';').next().unwrap();
        assert_eq!(sent("/a", "one", pair).as_deref(), Some("visits=1=2"));
        for (route, function) in [("/b", "one"), ("/a", "two"), ("/ao", "ne")] {
            assert_eq!(sent(route, function, pair), None);
        }
        let all = format!("lb=x; {pair};; other=\"y z\"");
        assert_eq!(sent("/a", "one", &all).as_deref(), Some("lb=x; visits=1=2; other=\"y z\""));
        assert_eq!(sent("/b", "one", &all).as_deref(), Some("lb=x; other=\"y z\""));
    }

    #[test]
    fn a_function_cannot_set_the_cookie_of_another_route() {
        let [theirs] = set("/b", "two", &["session=1"]).set.try_into().unwrap();
        let [forged] = set("/a", "one", &[&theirs]).set.try_into().unwrap();
        assert_eq!(sent("/b", "two", &forged), None);
        assert_eq!(sent("/a", "one", &forged), Some(theirs));
    }

    #[test]
    fn what_is_no_cookie_is_dropped() {
        let long = format!("a={}", "x".repeat(COOKIE_BYTES_MAX));
        let cookies = set("/a", "one", &["", "a", "=b", "a b=c", "a(=b", &long, "good="]);
        assert_eq!((cookies.set.len(), cookies.dropped), (1, 6));
        let many: Vec<String> = (0..COOKIES_MAX + 2).map(|number| format!("c{number}=1")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let cookies = set("/a", "one", &many);
        assert_eq!((cookies.set.len(), cookies.dropped), (COOKIES_MAX, 2));
        assert_eq!(set("/a", "one", &[]), FunctionCookies::default());
    }
}
