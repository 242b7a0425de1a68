//! Whether a value is one that an attribute takes, and what it would take.

use crate::twiml::grammar::Value;

/// Whether `text`, without the white space around it, is such a value. For URLs the text may still
/// have its references in it: they change nothing of what is looked at.
pub(super) fn accepts(value: Value, text: &str) -> bool {
    let text = text.trim_ascii();
    match value {
        Value::Any => true,
        Value::UpTo(characters) => text.chars().count() <= characters,
        Value::Url => is_url(text, &["https", "http"]),
        Value::SocketUrl => is_url(text, &["wss"]),
        Value::Method => text.eq_ignore_ascii_case("GET") || text.eq_ignore_ascii_case("POST"),
        Value::Bool => text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"),
        Value::Int { min, max } => text.parse().is_ok_and(|number| (min..=max).contains(&number)),
        Value::IntOrAuto => text == "auto" || text.parse().is_ok_and(|number: u32| number > 0),
        Value::Ints => text.split_whitespace().all(|word| word.parse::<u32>().is_ok()),
        Value::Key => text.len() <= 1 && text.bytes().all(is_key),
        Value::Tones => text.bytes().all(|byte| is_key(byte) || b"ABCDwW".contains(&byte)),
        Value::OneOf(words) => words.contains(&text),
        Value::ListOf(words) => text.split_whitespace().all(|word| words.contains(&word)),
    }
}

/// What such a value would be, for the end of "expected …".
pub(super) fn described(value: Value) -> String {
    match value {
        Value::Any => "any text".to_owned(),
        Value::UpTo(characters) => format!("at most {characters} characters"),
        Value::Url => {
            "an `https://` or `http://` URL, or a relative one, without spaces".to_owned()
        }
        Value::SocketUrl => "a `wss://` URL without spaces".to_owned(),
        Value::Method => "`GET` or `POST`".to_owned(),
        Value::Bool => "`true` or `false`".to_owned(),
        Value::Int { min, max: u32::MAX } => format!("a whole number from {min}"),
        Value::Int { min, max } => format!("a whole number from {min} to {max}"),
        Value::IntOrAuto => "a whole number from 1, or `auto`".to_owned(),
        Value::Ints => "whole numbers with spaces between them".to_owned(),
        Value::Key => "one of `0` to `9`, `#` and `*`, or nothing".to_owned(),
        Value::Tones => "`0` to `9`, `#`, `*`, `A` to `D`, `w` and `W`".to_owned(),
        Value::OneOf(words) => match words {
            [only] => format!("`{only}`"),
            words => format!("one of `{}`", words.join("`, `")),
        },
        Value::ListOf(words) => {
            format!("one or more of `{}` with spaces between them", words.join("`, `"))
        }
    }
}

/// The words that such a value is made of, if it is made of words.
pub(super) fn words(value: Value) -> &'static [&'static str] {
    match value {
        Value::OneOf(words) | Value::ListOf(words) => words,
        Value::Bool => &["true", "false"],
        Value::Method => &["GET", "POST"],
        _ => &[],
    }
}

fn is_key(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'#' || byte == b'*'
}

/// Whether the text can be a URL: empty (the current document), relative, or of one of these
/// schemes with a host behind it.
fn is_url(text: &str, schemes: &[&str]) -> bool {
    // Without an early way out, the compiler looks at 16 bytes at a time.
    if text.bytes().fold(false, |found, byte| found | (byte <= b' ')) {
        return false;
    }
    let scheme_end = text
        .bytes()
        .position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'-' | b'.'));
    match scheme_end {
        Some(end) if end > 0 && text.as_bytes()[end] == b':' => {
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
            assert!(accepts(Value::Url, url), "{url}");
        }
        for slip in ["https://", "https:///a", "ftp://a/b", "localhost:3000/a", "https://a/b c.mp3"]
        {
            assert!(!accepts(Value::Url, slip), "{slip}");
        }
        assert!(accepts(Value::SocketUrl, "wss://a/b") && !accepts(Value::SocketUrl, "https://a"));
    }

    #[test]
    fn knows_numbers_keys_and_words() {
        let seconds = Value::Int { min: 1, max: 60 };
        assert!(accepts(seconds, " 60 ") && !accepts(seconds, "0") && !accepts(seconds, "2.5"));
        assert!(!accepts(seconds, "") && !accepts(seconds, "99999999999999999999"));
        assert!(accepts(Value::Key, "") && accepts(Value::Key, "#") && !accepts(Value::Key, "##"));
        assert!(accepts(Value::Tones, "wwww1928#") && !accepts(Value::Tones, "1-2"));
        let list = Value::ListOf(&["dtmf", "speech"]);
        assert!(accepts(list, "speech dtmf") && !accepts(list, "speech,dtmf"));
        assert!(accepts(Value::IntOrAuto, "auto") && !accepts(Value::IntOrAuto, "0"));
    }
}
