//! The values that a type of attribute accepts, and their description for messages.

use crate::twiml::grammar::AttributeType;

/// Whether the type accepts `text`, without the white space around it. For URLs the text may still
/// hold references: they change nothing of what is checked.
pub(super) fn accepts(kind: AttributeType, text: &str) -> bool {
    let text = text.trim_ascii();
    match kind {
        AttributeType::Any => true,
        AttributeType::UpTo(characters) => text.chars().count() <= characters,
        AttributeType::Url => is_url(text, &["https", "http"]),
        AttributeType::SocketUrl => is_url(text, &["wss"]),
        AttributeType::Method => {
            text.eq_ignore_ascii_case("GET") || text.eq_ignore_ascii_case("POST")
        }
        AttributeType::Bool => {
            text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
        }
        AttributeType::Int { min, max } => {
            text.parse().is_ok_and(|number| (min..=max).contains(&number))
        }
        AttributeType::IntOrAuto => {
            text == "auto" || text.parse().is_ok_and(|number: u32| number > 0)
        }
        AttributeType::Ints => text.split_whitespace().all(|word| word.parse::<u32>().is_ok()),
        AttributeType::Key => text.len() <= 1 && text.bytes().all(is_key),
        AttributeType::Tones => text.bytes().all(|byte| is_key(byte) || b"ABCDwW".contains(&byte)),
        AttributeType::OneOf(words) => words.contains(&text),
        AttributeType::ListOf(words) => text.split_whitespace().all(|word| words.contains(&word)),
    }
}

/// The values of the type, for the end of "expected …".
pub(super) fn describe(kind: AttributeType) -> String {
    match kind {
        AttributeType::Any => "any text".to_owned(),
        AttributeType::UpTo(characters) => format!("at most {characters} characters"),
        AttributeType::Url => {
            "an `https://` or `http://` URL, or a relative one, without spaces".to_owned()
        }
        AttributeType::SocketUrl => "a `wss://` URL without spaces".to_owned(),
        AttributeType::Method => "`GET` or `POST`".to_owned(),
        AttributeType::Bool => "`true` or `false`".to_owned(),
        AttributeType::Int { min, max: u32::MAX } => format!("a whole number from {min}"),
        AttributeType::Int { min, max } => format!("a whole number from {min} to {max}"),
        AttributeType::IntOrAuto => "a whole number from 1, or `auto`".to_owned(),
        AttributeType::Ints => "whole numbers with spaces between them".to_owned(),
        AttributeType::Key => "one of `0` to `9`, `#` and `*`, or nothing".to_owned(),
        AttributeType::Tones => "`0` to `9`, `#`, `*`, `A` to `D`, `w` and `W`".to_owned(),
        AttributeType::OneOf(words) => match words {
            [only] => format!("`{only}`"),
            words => format!("one of `{}`", words.join("`, `")),
        },
        AttributeType::ListOf(words) => {
            format!("one or more of `{}` with spaces between them", words.join("`, `"))
        }
    }
}

/// The words that values of the type consist of; none where they are not words.
pub(super) fn words_of(kind: AttributeType) -> &'static [&'static str] {
    match kind {
        AttributeType::OneOf(words) | AttributeType::ListOf(words) => words,
        AttributeType::Bool => &["true", "false"],
        AttributeType::Method => &["GET", "POST"],
        _ => &[],
    }
}

fn is_key(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'#' || byte == b'*'
}

/// Whether the text can be a URL: empty (the current document), relative, or of one of these
/// schemes with a host behind it.
fn is_url(text: &str, schemes: &[&str]) -> bool {
    // Without an early exit the compiler compares 16 bytes at a time.
    if text.bytes().fold(false, |found, byte| found | (byte <= b' ')) {
        return false;
    }
    // A colon behind other characters belongs to a path or a query, and the URL is relative.
    let scheme_end = text
        .bytes()
        .position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'-' | b'.'));
    match scheme_end {
        Some(end) if end > 0 && text.as_bytes()[end] == b':' => {
            // An absolute URL needs a host.
            let host = text[end + 1..].strip_prefix("//").and_then(|rest| rest.bytes().next());
            schemes.iter().any(|scheme| text[..end].eq_ignore_ascii_case(scheme))
                && host.is_some_and(|first| !matches!(first, b'/' | b'?' | b'#'))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_urls_from_slips() {
        for url in [
            "",
            "/next",
            "?step=2",
            "next.php?u=http://x",
            "HTTPS://a.b/c?d=e&amp;f=g#rc=3",
            "//cdn.example.com/a.mp3",
            "\n  https://example.com/a.mp3\n",
        ] {
            assert!(accepts(AttributeType::Url, url), "{url}");
        }
        for slip in ["https://", "https:///a", "ftp://a/b", "localhost:3000/a", "https://a/b c.mp3"]
        {
            assert!(!accepts(AttributeType::Url, slip), "{slip}");
        }
        assert!(
            accepts(AttributeType::SocketUrl, "wss://a/b")
                && !accepts(AttributeType::SocketUrl, "https://a")
        );
    }

    #[test]
    fn knows_numbers_keys_and_words() {
        let seconds = AttributeType::Int { min: 1, max: 60 };
        assert!(accepts(seconds, " 60 ") && !accepts(seconds, "0") && !accepts(seconds, "2.5"));
        assert!(!accepts(seconds, "") && !accepts(seconds, "99999999999999999999"));
        assert!(
            accepts(AttributeType::Key, "")
                && accepts(AttributeType::Key, "#")
                && !accepts(AttributeType::Key, "##")
        );
        assert!(
            accepts(AttributeType::Tones, "wwww1928#") && !accepts(AttributeType::Tones, "1-2")
        );
        let list = AttributeType::ListOf(&["dtmf", "speech"]);
        assert!(accepts(list, "speech dtmf") && !accepts(list, "speech,dtmf"));
        assert!(
            accepts(AttributeType::IntOrAuto, "auto") && !accepts(AttributeType::IntOrAuto, "0")
        );
    }
}
