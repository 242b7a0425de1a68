//! Percent escapes (WHATWG URL): a `%` that two hexadecimal digits do not follow is no escape.

use std::fmt::Write as _;

use crate::hex::digit_value;

/// The byte of a `%` and two hexadecimal digits at the beginning of `text`.
pub(crate) fn unescape(text: &[u8]) -> Option<u8> {
    match text {
        [b'%', high, low, ..] => Some(digit_value(*high)? << 4 | digit_value(*low)?),
        _ => None,
    }
}

/// Adds the escapes of a character, one for each byte of its UTF-8.
pub(crate) fn push_escaped(text: &mut String, character: char) {
    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
        // Writing to a `String` never fails.
        let _ = write!(text, "%{byte:02X}");
    }
}

/// The text with every escape replaced. A `+` stays as it is: only forms have it for a space.
pub(crate) fn percent_decode(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let escaped = unescape(rest);
        decoded.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &rest[3..] } else { behind };
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_escapes_and_nothing_else() {
        for (text, expected) in [
            ("", ""),
            ("a%20b+c", "a b+c"),
            ("%C3%a9", "é"),
            ("100%", "100%"),
            ("%4", "%4"),
            ("%zz%41", "%zzA"),
            ("%%41", "%A"),
        ] {
            assert_eq!(percent_decode(text), expected.as_bytes(), "{text}");
        }
    }
}
