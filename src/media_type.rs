//! The value of a `Content-Type`: media type and charset, and the names that are used here.

/// A form, the body of every webhook that is not an event in JSON.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// A form as the carrier declares it.
pub(crate) const CARRIER_FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";

/// The media type without its parameters, in the case in which it was sent.
pub(crate) fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// The first `charset` parameter, without quotes.
pub(crate) fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        // Single quotes are no quotes in HTTP; some frameworks write them all the same.
        is_charset.then(|| value.trim().trim_matches(['"', '\'']))
    })
}

/// Whether the body is a form.
pub(crate) fn is_form(content_type: &str) -> bool {
    essence(content_type).eq_ignore_ascii_case(FORM)
}

/// Whether the body is JSON: `application/json`, or a type that is built on it, such as
/// `application/cloudevents+json` (RFC 6839).
pub(crate) fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type);
    let suffix = essence.len().checked_sub("+json".len()).and_then(|at| essence.get(at..));
    essence.eq_ignore_ascii_case("application/json")
        || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case("+json"))
}

/// Whether a charset is UTF-8, by either of its names.
pub(crate) fn is_utf8(charset: &str) -> bool {
    ["utf-8", "utf8"].iter().any(|name| charset.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_content_type_apart() {
        for (content_type, expected) in [
            ("", ("", None)),
            ("text/xml", ("text/xml", None)),
            (" Text/XML ;x=y; Charset=\"UTF-8\"", ("Text/XML", Some("UTF-8"))),
            ("a/b;charset='latin1';charset=utf-8", ("a/b", Some("latin1"))),
            ("a/b;charset", ("a/b", None)),
        ] {
            assert_eq!((essence(content_type), charset(content_type)), expected, "{content_type}");
        }
        assert!(is_form(CARRIER_FORM) && is_form(" Application/X-WWW-Form-URLencoded;x"));
        assert!(!is_form("application/x-www-form-urlencoded+json") && !is_form(""));
        assert!(is_json("Application/JSON; charset=utf-8") && is_json("application/a+JSON"));
        assert!(!is_json("") && !is_json("+jsonx") && !is_json("text/plain; a=b+json"));
        assert!(is_utf8("UTF-8") && is_utf8("utf8") && !is_utf8("utf-16"));
    }
}
