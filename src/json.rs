//! JSON from outside: the answers of functions, and texts that callers and flows send.

use serde::de::DeserializeOwned;

/// Half of a surrogate pair that has no other half.
const HALF_PAIR: std::ops::RangeInclusive<u32> = 0xD800..=0xDFFF;

/// The length of an escape such as `\ud83c`.
const ESCAPE_LEN: usize = 6;

/// Reads JSON as [`serde_json::from_slice`] does, except that half a surrogate pair (`"\ud83c"`)
/// becomes U+FFFD, as in JavaScript's `TextEncoder`, Go and Python. `JSON.stringify` writes such
/// halves for a text that was cut inside an emoji.
///
/// # Errors
/// The text is not JSON.
pub(crate) fn parse_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    // Halves are rare, so texts without an error are read once.
    serde_json::from_slice(text).or_else(|error| match replace_half_pairs(text) {
        // Both escapes have the same length, so the place of another error stays right.
        Some(repaired) => serde_json::from_slice(&repaired),
        None => Err(error),
    })
}

/// The text with `\ufffd` for each escape of half a pair. `None` if there is none.
fn replace_half_pairs(text: &[u8]) -> Option<Vec<u8>> {
    let mut repaired = None;
    let mut at = 0;
    // Outside of a string a backslash is an error, so strings need not be tracked.
    while let Some(next) = text.get(at..).and_then(|rest| rest.iter().position(|b| *b == b'\\')) {
        at += next;
        at += match (code_unit(&text[at..]), code_unit(text.get(at + ESCAPE_LEN..).unwrap_or(&[])))
        {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 2 * ESCAPE_LEN,
            (Some(unit), _) => {
                if HALF_PAIR.contains(&unit) {
                    let copy = repaired.get_or_insert_with(|| text.to_vec());
                    copy[at..at + ESCAPE_LEN].copy_from_slice(br"\ufffd");
                }
                ESCAPE_LEN
            }
            // Another escape, such as `\\`: what follows it begins none.
            (None, _) => 2,
        };
    }
    repaired
}

/// The code unit of the escape `\u` and four digits at the beginning of a text.
fn code_unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(br"\u")?.first_chunk::<4>()?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(text: &str) -> Result<Value, String> {
        parse_json(text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn half_a_pair_is_the_replacement_character() {
        for (text, expected) in [
            (r#""Party \ud83c""#, json!("Party \u{fffd}")),
            (r#""\uDE00 x""#, json!("\u{fffd} x")),
            (r#""\ude00\ud83d""#, json!("\u{fffd}\u{fffd}")),
            (r#""\ud83c\ud83d\ude00""#, json!("\u{fffd}😀")),
            (r#""\ud83d\ude00\ude00""#, json!("😀\u{fffd}")),
            (r#""\ud83c\u0041""#, json!("\u{fffd}A")),
            (r#""\ud83c\n\\""#, json!("\u{fffd}\n\\")),
            (r#""\\ud83c \ud83c""#, json!("\\ud83c \u{fffd}")),
            (r#""\\\ud83c""#, json!("\\\u{fffd}")),
            (
                r#"{"a\ud83c":[{"\udc00":"\ud83d\ude00"}]}"#,
                json!({"a\u{fffd}": [{"\u{fffd}": "😀"}]}),
            ),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn whole_texts_are_untouched() {
        for text in [r#""\\ud83c""#, r#""\ud83d\ude00""#, r#""\u0041\\""#, "[1]", r#""\ufffd""#] {
            assert_eq!(replace_half_pairs(text.as_bytes()), None, "{text}");
            assert_eq!(parse(text), Ok(serde_json::from_str(text).unwrap()), "{text}");
        }
    }

    #[test]
    fn errors_are_those_of_the_parser() {
        for text in
            ["{", r#"{"a":"\x"}"#, r#""\ud8"#, r#""\ud83"#, r#""\"#, r#""\u"#, r#""\ud8zz""#]
        {
            let expected = serde_json::from_str::<Value>(text).unwrap_err().to_string();
            assert_eq!(parse(text), Err(expected), "{text}");
        }
        // The place of the other error, not of the half.
        let error = parse("{\"a\":\"\\ud83c\",\n\"b\":nul}").unwrap_err();
        assert!(error.ends_with("at line 2 column 8"), "{error}");
        assert!(parse(r#""\ud83c"#).unwrap_err().starts_with("EOF while parsing a string"));
    }
}
