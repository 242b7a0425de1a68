//! Cookies: kept for a call, or for a pair of numbers, and sent back to the host that set them.

use crate::uri::parts;

/// A jar for one call or chat.
#[derive(Clone, Debug, Default)]
pub(super) struct CookieJar {
    /// Host, name, value.
    kept: Vec<(String, String, String)>,
}

/// Cookies of one jar. More than any application sets, and a bound for one that never stops.
const COOKIES_MAX: usize = 50;

impl CookieJar {
    /// Keeps what an answer of `url` has set.
    pub(super) fn keep(&mut self, url: &str, set: &[String]) {
        for cookie in set {
            let pair = cookie.split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.split_once('=') else { continue };
            let (name, value) = (name.trim(), value.trim());
            self.kept.retain(|(host, known, _)| host != parts(url).1 || known != name);
            let ended = cookie.to_ascii_lowercase().contains("max-age=0");
            if !ended && self.kept.len() < COOKIES_MAX {
                self.kept.push((parts(url).1.to_owned(), name.to_owned(), value.to_owned()));
            }
        }
    }

    /// `Cookie` for a request to `url`, if there is anything to send.
    pub(super) fn header(&self, url: &str) -> Option<String> {
        let own = self.kept.iter().filter(|(host, ..)| host == parts(url).1);
        let pairs: Vec<String> = own.map(|(_, name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_back_to_where_they_came_from() {
        let mut jar = CookieJar::default();
        jar.keep("http://a/x?y", &["s=1; Path=/; HttpOnly".to_owned(), "t=2".to_owned()]);
        jar.keep("http://b/", &["s=3".to_owned()]);
        assert_eq!(jar.header("http://a/z").as_deref(), Some("s=1; t=2"));
        jar.keep("http://a/", &["s=4".to_owned(), "t=; Max-Age=0".to_owned()]);
        assert_eq!(jar.header("http://a/z").as_deref(), Some("s=4"));
        assert_eq!(jar.header("http://c/"), None);
    }
}
