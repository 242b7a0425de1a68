//! Stage 2: what the log may show of a request: names, and no values.

use super::url::SignedUrl;
use crate::diagnostics::shorten::{mask_numbers, shorten};

/// Characters of a path, of a host and of a query's names that are shown.
const SHOWN_CHARACTERS_MAX: usize = 200;

/// Characters of one parameter's name that are shown: a body that is not a form has its text there.
const NAME_CHARACTERS_MAX: usize = 40;

/// A path without what may be a telephone number.
pub(crate) fn redact_path(path: &str) -> String {
    shorten(&mask_numbers(path), SHOWN_CHARACTERS_MAX)
}

/// A URL without credentials and the values of its query.
pub(crate) fn redact_url(url: &str) -> String {
    let url = SignedUrl::as_carrier(url);
    let (path, query) = match url.rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (url.rest, None),
    };
    let authority = SignedUrl { prefix: "", rest: "", ..url }.given_pieces().concat();
    let prefix_and_path = format!("{}{path}", url.prefix);
    let query = query.map(|query| format!("?{}", redact_query(query))).unwrap_or_default();
    format!("{}{}{query}", redact_path(&authority), redact_path(&prefix_and_path))
}

/// A parameter's name, or an ellipsis for a text that is not like one.
pub(crate) fn redact_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let is_name = !name.is_empty() && name.len() <= NAME_CHARACTERS_MAX && name.chars().all(plain);
    if is_name { mask_numbers(name) } else { "…".to_owned() }
}

fn redact_query(query: &str) -> String {
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, "")) => format!("{}=", redact_name(name)),
        Some((name, _)) => format!("{}=…", redact_name(name)),
        None => redact_name(pair),
    });
    shorten(&pairs.collect::<Vec<_>>().join("&"), SHOWN_CHARACTERS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_credentials_and_numbers_are_not_shown() {
        for (url, shown) in [
            ("https://me:secret@a.example/sms", "https://a.example/sms"),
            ("https://a.example:8443?x=1&y", "https://a.example:8443?x=…&y"),
            ("https://a/x?From=%2B15550100&step=&Body=a=b", "https://a/x?From=…&step=&Body=…"),
            ("https://a/+15550100/x?hello%20you=1", "https://a/+…00/x?…=…"),
            ("https://a/?15550100=1#part", "https://a/?…00=…"),
        ] {
            assert_eq!(redact_url(url), shown);
        }
        let long = redact_url(&format!("https://a/{}?{}", "x".repeat(5_000), "y&".repeat(5_000)));
        assert!(long.chars().count() < 3 * SHOWN_CHARACTERS_MAX, "{long}");
    }
}
