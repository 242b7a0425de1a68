//! JSON from outside: the answers of functions, and texts that callers and flows send.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

/// Half of a surrogate pair that has no other half.
const HALF_PAIR: std::ops::RangeInclusive<u32> = 0xD800..=0xDFFF;

/// The length of an escape such as `\ud83c`.
const ESCAPE_LEN: usize = 6;

/// Reads JSON. Numbers keep all their digits. Half a surrogate pair (`"\ud83c"`) becomes U+FFFD,
/// as in JavaScript's `TextEncoder`, Go and Python: `JSON.stringify` writes such halves for a text
/// that was cut inside an emoji.
///
/// # Errors
/// The text is not JSON, or has a number such as `1e999`.
pub(crate) fn parse_json(text: &[u8]) -> Result<Value, serde_json::Error> {
    let mut value = match serde_json::from_slice(text) {
        Ok(value) => value,
        // Halves are rare, so only a text with an error is searched for them. Both escapes have the
        // same length, so the place of another error stays right.
        Err(error) => {
            return replace_half_pairs(text).map_or(Err(error), |text| parse_json(&text));
        }
    };
    // The parser does not evaluate numbers. A second reading finds the place of one that is too
    // large.
    if !settle_numbers(&mut value) {
        serde_json::from_slice::<FiniteNumbers>(text)?;
    }
    Ok(value)
}

/// Reads a JSON list of texts. `None` if it is anything else.
pub(crate) fn parse_texts(text: &str) -> Option<Vec<String>> {
    let Ok(Value::Array(items)) = parse_json(text.as_bytes()) else { return None };
    items
        .into_iter()
        .map(|item| match item {
            Value::String(text) => Some(text),
            _ => None,
        })
        .collect()
}

/// Writes each fraction that a float has whole as a float is written (`1.50` as `1.5`), and leaves
/// the others as they are. Returns whether all numbers are within the range of a float.
fn settle_numbers(value: &mut Value) -> bool {
    match value {
        Value::Number(number) => {
            let text = number.as_str();
            // A float has 15 decimal digits, which with a point or an exponent are 16 letters.
            let is_short = text.len() <= 16;
            let has_exponent = text.contains(['e', 'E']);
            let is_kept = !(has_exponent || is_short && text.contains('.'));
            // Without an exponent only a very long number is out of range.
            if is_kept && text.len() < 300 {
                return true;
            }
            let float = number.as_f64().and_then(Number::from_f64);
            let is_finite = float.is_some();
            if let (true, Some(float)) = (is_short, float) {
                *number = float;
            }
            is_finite
        }
        Value::Array(items) => items.iter_mut().all(settle_numbers),
        Value::Object(members) => members.values_mut().all(settle_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

/// Any JSON, read only to find a number beyond the range of a float.
struct FiniteNumbers;

// === impl FiniteNumbers ===

impl<'de> Deserialize<'de> for FiniteNumbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FiniteNumbers)
    }
}

impl<'de> Visitor<'de> for FiniteNumbers {
    type Value = FiniteNumbers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<FiniteNumbers>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            // With `arbitrary_precision`, serde_json presents a number as an object of this key.
            if name == "$serde_json::private::Number" {
                let number: f64 = members.next_value::<String>()?.parse().unwrap_or_default();
                if number.is_infinite() {
                    return Err(A::Error::custom("number out of range"));
                }
            } else {
                members.next_value::<FiniteNumbers>()?;
            }
        }
        Ok(self)
    }
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
    use serde_json::json;

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
    fn numbers_keep_their_digits() {
        let text =
            r#"{"a":[12345678901234567890123,-0.12345678901234567890e-5,18446744073709551616]}"#;
        assert_eq!(parse(text).unwrap().to_string(), text);
        for (text, column) in [("[1, -1e999]", 10), (r#"{"a": 1E400, "b": "\ud83c"}"#, 11)] {
            let expected = format!("number out of range at line 1 column {column}");
            assert_eq!(parse(text), Err(expected), "{text}");
        }
        assert!(parse(&format!("[{}]", "9".repeat(400))).is_err());
        assert!(parse(&format!("[1e-999, 0.{}]", "3".repeat(400))).is_ok());
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
