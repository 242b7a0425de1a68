//! Cookies: stored for a call or a chat, and sent back to the host that set them.

use crate::uri::parts;

/// The cookies of one call or chat.
#[derive(Clone, Debug, Default)]
pub(super) struct CookieJar {
    cookies: Vec<StoredCookie>,
}

#[derive(Clone, Debug)]
struct StoredCookie {
    host: String,
    name: String,
    value: String,
}

/// Cookies of one jar: more than any application needs, and a bound for one that sets them without
/// an end.
const COOKIES_MAX: usize = 50;

impl CookieJar {
    /// Stores the `Set-Cookie` headers of a response from `url`.
    pub(super) fn store(&mut self, url: &str, headers: &[String]) {
        for cookie in headers {
            let pair = cookie.split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.split_once('=') else { continue };
            let (name, value) = (name.trim(), value.trim());
            let host = parts(url).1;
            self.cookies.retain(|known| known.host != host || known.name != name);
            // `Expires` is ignored: a call is over before most dates.
            let is_deleted = cookie.to_ascii_lowercase().contains("max-age=0");
            if !is_deleted && self.cookies.len() < COOKIES_MAX {
                self.cookies.push(StoredCookie {
                    host: host.to_owned(),
                    name: name.to_owned(),
                    value: value.to_owned(),
                });
            }
        }
    }

    /// The `Cookie` header for a request to `url`, if it has cookies.
    pub(super) fn header(&self, url: &str) -> Option<String> {
        let own = self.cookies.iter().filter(|cookie| cookie.host == parts(url).1);
        let pairs: Vec<String> =
            own.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_back_to_where_they_came_from() {
        let mut jar = CookieJar::default();
        jar.store("http://a/x?y", &["s=1; Path=/; HttpOnly".to_owned(), "t=2".to_owned()]);
        jar.store("http://b/", &["s=3".to_owned()]);
        assert_eq!(jar.header("http://a/z").as_deref(), Some("s=1; t=2"));
        jar.store("http://a/", &["s=4".to_owned(), "t=; Max-Age=0".to_owned()]);
        assert_eq!(jar.header("http://a/z").as_deref(), Some("s=4"));
        assert_eq!(jar.header("http://c/"), None);
    }
}
