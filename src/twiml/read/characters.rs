//! Characters, names and references, by the letter of XML 1.0.

use super::error::{ErrorKind, shown};
use super::names;

/// White space as XML knows it; Unicode's other spaces are not.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether XML allows this character at all.
pub(super) fn is_allowed(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => true,
        '\0'..'\u{20}' | '\u{FFFE}' | '\u{FFFF}' => false,
        _ => true,
    }
}

/// The place of the first character that XML does not allow anywhere.
pub(super) fn first_forbidden(text: &str) -> Option<(usize, char)> {
    // Without a branch in it, the compiler turns this loop into one over 16 bytes at a time.
    let suspicious = text.bytes().fold(false, |found, byte| {
        found
            | ((byte < 0x20) & (byte != b'\t') & (byte != b'\n') & (byte != b'\r'))
            | (byte == 0xEF)
    });
    if !suspicious {
        return None;
    }
    text.char_indices().find(|(_, character)| !is_allowed(*character))
}

/// What an ASCII byte may be in a name: its first character, a later one, or nothing.
const IN_NAME: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        let character = byte as u8;
        table[byte] = match character {
            b'_' | b':' => FIRST | LATER,
            b'-' | b'.' | b'0'..=b'9' => LATER,
            _ if character.is_ascii_alphabetic() => FIRST | LATER,
            _ => 0,
        };
        byte += 1;
    }
    table
};
const FIRST: u8 = 1;
const LATER: u8 = 2;

/// The end of the name that begins at `at`; `at` itself where none does.
pub(super) fn name_end(text: &str, at: usize) -> usize {
    let rest = &text.as_bytes()[at..];
    match rest.first() {
        Some(first) if IN_NAME[usize::from(*first)] & FIRST != 0 => {}
        Some(first) if !first.is_ascii() => return name_end_beyond_ascii(text, at, at),
        _ => return at,
    }
    let length = rest.iter().position(|byte| IN_NAME[usize::from(*byte)] & LATER == 0);
    let end = at + length.unwrap_or(rest.len());
    match text.as_bytes().get(end) {
        Some(next) if !next.is_ascii() => name_end_beyond_ascii(text, at, end),
        _ => end,
    }
}

/// The end of the name that begins at `at` and is known to go on to `end`.
#[cold]
fn name_end_beyond_ascii(text: &str, at: usize, mut end: usize) -> usize {
    for character in text[end..].chars() {
        let fits = match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() => {
                IN_NAME[usize::from(byte)] & if end == at { FIRST } else { LATER } != 0
            }
            _ if end == at => names::begins(character),
            _ => names::goes_on(character),
        };
        if !fits {
            break;
        }
        end += character.len_utf8();
    }
    end
}

/// The character that a reference stands for; `name` is what stands between `&` and `;`.
pub(super) fn resolve(name: &str) -> Result<char, ErrorKind> {
    match name {
        "amp" => return Ok('&'),
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => {}
    }
    let Some(number) = name.strip_prefix('#') else {
        return Err(match !name.is_empty() && name_end(name, 0) == name.len() {
            true => ErrorKind::Entity(shown(name)),
            false => ErrorKind::Ampersand,
        });
    };
    let code = match number.strip_prefix('x') {
        Some(digits) => digits_value(digits, 16),
        None => digits_value(number, 10),
    };
    code.and_then(char::from_u32)
        .filter(|character| is_allowed(*character))
        .ok_or_else(|| ErrorKind::Reference(shown(name)))
}

/// The number that the digits write: any count of leading zeros, no sign, at least one digit.
fn digits_value(digits: &str, radix: u32) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
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
            assert_eq!(resolve(name), Ok(character));
        }
        for name in ["", "#", "#x", "#X41", "#-1", "#+65", "#0", "#1", "#xD800", "#xFFFE", "nbsp"] {
            assert!(resolve(name).is_err(), "{name}");
        }
        assert!(resolve("#99999999999999999999").is_err());
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
