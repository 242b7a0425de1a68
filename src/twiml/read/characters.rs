//! Characters, names and references, as XML 1.0 defines them.

use std::borrow::Cow;

use super::error::{TwimlErrorKind, abbreviate};
use super::names;

/// White space as XML defines it; no other space of Unicode is.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether XML allows this character at all.
pub(super) fn is_xml_character(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => true,
        '\0'..'\u{20}' | '\u{FFFE}' | '\u{FFFF}' => false,
        _ => true,
    }
}

/// The first character that XML allows nowhere, with its offset.
pub(super) fn find_forbidden(text: &str) -> Option<(usize, char)> {
    // Without a branch the compiler turns this loop into one over 16 bytes at a time.
    let suspicious = text.bytes().fold(false, |found, byte| {
        found
            | ((byte < 0x20) & (byte != b'\t') & (byte != b'\n') & (byte != b'\r'))
            | (byte == 0xEF)
    });
    if !suspicious {
        return None;
    }
    text.char_indices().find(|(_, character)| !is_xml_character(*character))
}

/// What an ASCII byte may be in a name: its first character, a later one, or nothing.
const NAME_BYTES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        let character = byte as u8;
        table[byte] = match character {
            b'_' | b':' => STARTS_NAME | CONTINUES_NAME,
            b'-' | b'.' | b'0'..=b'9' => CONTINUES_NAME,
            _ if character.is_ascii_alphabetic() => STARTS_NAME | CONTINUES_NAME,
            _ => 0,
        };
        byte += 1;
    }
    table
};
const STARTS_NAME: u8 = 1;
const CONTINUES_NAME: u8 = 2;

/// The end of the name that begins at `at`; `at` itself where none does.
pub(super) fn name_end(text: &str, at: usize) -> usize {
    let rest = &text.as_bytes()[at..];
    match rest.first() {
        Some(first) if NAME_BYTES[usize::from(*first)] & STARTS_NAME != 0 => {}
        // TwiML's names are ASCII, so the hot path does not use the tables of Unicode.
        Some(first) if !first.is_ascii() => return name_end_beyond_ascii(text, at, at),
        _ => return at,
    }
    let length = rest.iter().position(|byte| NAME_BYTES[usize::from(*byte)] & CONTINUES_NAME == 0);
    let end = at + length.unwrap_or(rest.len());
    match text.as_bytes().get(end) {
        Some(next) if !next.is_ascii() => name_end_beyond_ascii(text, at, end),
        _ => end,
    }
}

/// The end of the name that begins at `at` and reaches at least to `end`.
#[cold]
fn name_end_beyond_ascii(text: &str, at: usize, mut end: usize) -> usize {
    for character in text[end..].chars() {
        let fits = match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() => {
                NAME_BYTES[usize::from(byte)] & if end == at { STARTS_NAME } else { CONTINUES_NAME }
                    != 0
            }
            _ if end == at => names::starts_name(character),
            _ => names::continues_name(character),
        };
        if !fits {
            break;
        }
        end += character.len_utf8();
    }
    end
}

/// The character of a reference; `name` is the text between `&` and `;`.
pub(super) fn resolve_reference(name: &str) -> Result<char, TwimlErrorKind> {
    match name {
        "amp" => return Ok('&'),
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => {}
    }
    let Some(number) = name.strip_prefix('#') else {
        let is_name = !name.is_empty() && name_end(name, 0) == name.len();
        return Err(if is_name {
            TwimlErrorKind::Entity(abbreviate(name))
        } else {
            TwimlErrorKind::Ampersand
        });
    };
    // XML has no `&#X41;`: only a small `x` is hexadecimal.
    let code = match number.strip_prefix('x') {
        Some(digits) => parse_digits(digits, 16),
        None => parse_digits(number, 10),
    };
    code.and_then(char::from_u32)
        .filter(|character| is_xml_character(*character))
        .ok_or_else(|| TwimlErrorKind::Reference(abbreviate(name)))
}

/// The text of a piece of a checked document, with its references resolved. A reference that refers
/// to nothing stays as it is.
pub fn unescape(raw: &str) -> Cow<'_, str> {
    let Some(first) = raw.find('&') else { return Cow::Borrowed(raw) };
    let mut text = raw[..first].to_owned();
    let mut rest = &raw[first..];
    while let Some(inside) = rest.strip_prefix('&') {
        let known = inside.find([';', '&']).filter(|end| inside[*end..].starts_with(';'));
        match known.and_then(|end| Some((end, resolve_reference(&inside[..end]).ok()?))) {
            Some((end, character)) => {
                text.push(character);
                rest = &inside[end + 1..];
            }
            None => {
                text.push('&');
                rest = inside;
            }
        }
        // A reference that resolves to `&` must not be resolved again: only what follows is
        // searched.
        let plain = rest.find('&').unwrap_or(rest.len());
        text.push_str(&rest[..plain]);
        rest = &rest[plain..];
    }
    Cow::Owned(text)
}

/// The number that the digits write: any count of leading zeros, no sign, at least one digit.
fn parse_digits(digits: &str, radix: u32) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    // `from_str_radix` would accept a sign.
    digits.chars().try_fold(0_u32, |value, digit| {
        value.checked_mul(radix)?.checked_add(digit.to_digit(radix)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_references_as_a_strict_parser_does() {
        for (name, character) in [("#65", 'A'), ("#x0041", 'A'), ("#x10FFFF", '\u{10FFFF}')] {
            assert_eq!(resolve_reference(name), Ok(character));
        }
        for name in ["", "#", "#x", "#X41", "#-1", "#+65", "#0", "#1", "#xD800", "#xFFFE", "nbsp"] {
            assert!(resolve_reference(name).is_err(), "{name}");
        }
        assert!(resolve_reference("#99999999999999999999").is_err());
    }

    #[test]
    fn knows_names_of_the_fourth_edition() {
        assert_eq!(name_end("say-as x", 0), 6);
        assert_eq!(name_end("-a", 0), 0);
        assert_eq!(name_end("é·", 0), 4);
        assert_eq!(name_end("·", 0), 0);
        assert_eq!(name_end("\u{10000}", 0), 0);
    }
}
