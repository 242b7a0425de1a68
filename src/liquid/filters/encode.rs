//! Filters that escape, encode and decode.

use super::super::error::ErrorCause;
use super::super::escape;
use super::super::print::{to_json_text, to_text};
use super::super::value::LiquidValue;
use super::context::{FilterArguments, FilterContext, FilterResult};
use crate::percent::percent_decode;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Escapes markup. In XML printing would escape the result again, so it is marked as safe.
pub(super) fn escape<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    if matches!(input, LiquidValue::Nil | LiquidValue::Safe(_)) {
        return Ok(input);
    }
    let text = to_text(&input, &mut context.budget)?;
    if context.xml {
        context.new_safe(escape::escape_xml(&text))
    } else {
        context.new_text(escape::escape_html(&text))
    }
}

/// Escapes markup, except the `&` of character references in the input.
pub(super) fn escape_once<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    if let LiquidValue::Safe(_) = input {
        return Ok(input);
    }
    let text = to_text(&input, &mut context.budget)?;
    if context.xml {
        context.new_safe(escape::escape_xml_once(&text))
    } else {
        context.new_text(escape::escape_html_once(&text))
    }
}

/// Marks the input as XML, to be printed as it is.
pub(super) fn raw<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    if input.is_nil() {
        return Ok(input);
    }
    let text = to_text(&input, &mut context.budget)?.into_owned();
    context.new_safe(text)
}

pub(super) fn to_json<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    Ok(LiquidValue::from_text(to_json_text(&input, &mut context.budget)?))
}

pub(super) fn url_encode<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    if input.is_nil() {
        return Ok(input);
    }
    let text = to_text(&input, &mut context.budget)?;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(byte as char);
            }
            // As in a form, since Ruby's `CGI.escape` does so.
            b' ' => encoded.push('+'),
            _ => {
                encoded.push('%');
                encoded.push(hex_digit(byte >> 4));
                encoded.push(hex_digit(byte & 15));
            }
        }
    }
    context.new_text(encoded)
}

pub(super) fn url_decode<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    if input.is_nil() {
        return Ok(input);
    }
    let text = to_text(&input, &mut context.budget)?;
    // Ruby replaces the plus before it decodes, so that `%2B` stays one.
    let decoded = percent_decode(&text.replace('+', " "));
    let text = String::from_utf8(decoded)
        .map_err(|_| ErrorCause::operation("the output of `url_decode` is not UTF-8"))?;
    context.new_text(text)
}

pub(super) fn base64_encode<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    let text = to_text(&input, &mut context.budget)?;
    context.new_text(encode_base64(text.as_bytes(), STANDARD))
}

pub(super) fn base64_url_safe_encode<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    let text = to_text(&input, &mut context.budget)?;
    context.new_text(encode_base64(text.as_bytes(), URL_SAFE))
}

pub(super) fn base64_decode<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    let text = to_text(&input, &mut context.budget)?;
    // Ruby's strict decoding requires the padding; the URL-safe variant does not.
    let padded = text.len().is_multiple_of(4);
    let decoded = if padded { decode_base64(&text, STANDARD) } else { None };
    let decoded = decoded.ok_or_else(|| base64_error("base64_decode"))?;
    context.new_text(decoded)
}

pub(super) fn base64_url_safe_decode<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    let text = to_text(&input, &mut context.budget)?;
    let decoded = decode_base64(&text, URL_SAFE);
    context.new_text(decoded.ok_or_else(|| base64_error("base64_url_safe_decode"))?)
}

/// Removes tags, comments, scripts and styles.
pub(super) fn strip_html<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    let text = to_text(&input, &mut context.budget)?;
    let blocks = [("<script", "</script>"), ("<!--", "-->"), ("<style", "</style>")];
    let without_blocks = remove_between(&text, &blocks);
    // Tags last: the contents of scripts and styles are no text, though tags alone would leave
    // them.
    let stripped = remove_between(&without_blocks, &[("<", ">")]);
    context.new_text(stripped)
}

/// The text without the parts from an opening to the closing that follows it.
fn remove_between(text: &str, pairs: &[(&str, &str)]) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    // An unclosed opening stays unclosed to the end: searching again would be quadratic.
    let mut unclosed = vec![false; pairs.len()];
    while let Some(at) = rest.find('<') {
        kept.push_str(&rest[..at]);
        rest = &rest[at..];
        let mut cut = None;
        for ((open, close), unclosed) in pairs.iter().zip(&mut unclosed) {
            if !*unclosed && rest.starts_with(open) {
                match rest[open.len()..].find(close) {
                    Some(found) => cut = Some(open.len() + found + close.len()),
                    None => *unclosed = true,
                }
                break;
            }
        }
        match cut {
            Some(end) => rest = &rest[end..],
            None => {
                kept.push('<');
                rest = &rest[1..];
            }
        }
    }
    kept.push_str(rest);
    kept
}

fn base64_error(filter: &str) -> ErrorCause {
    ErrorCause::operation(format!("the input of `{filter}` is not base64"))
}

fn encode_base64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut encoded = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0u32, |group, byte| group << 8 | u32::from(*byte));
        // A short last chunk is filled with zero bits, and the output with `=`.
        let group = group << (8 * (3 - chunk.len()));
        for index in 0..4 {
            if index <= chunk.len() {
                let digit = group >> (18 - 6 * index) & 63;
                encoded.push(alphabet[digit as usize] as char);
            } else {
                encoded.push('=');
            }
        }
    }
    encoded
}

/// The decoded base64, `None` where it is malformed; bytes that are not UTF-8 become U+FFFD.
fn decode_base64(text: &str, alphabet: &[u8; 64]) -> Option<String> {
    let digits = text.trim_end_matches('=');
    // One digit alone holds no byte.
    if text.len() - digits.len() > 2 || digits.len() % 4 == 1 {
        return None;
    }
    let (mut decoded, mut group, mut bits) = (Vec::new(), 0u32, 0);
    for byte in digits.bytes() {
        let digit = alphabet.iter().position(|letter| *letter == byte)?;
        group = group << 6 | digit as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            decoded.push((group >> bits & 0xFF) as u8);
        }
    }
    Some(String::from_utf8_lossy(&decoded).into_owned())
}

fn hex_digit(digit: u8) -> char {
    char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase()
}
