//! Filters that escape, encode and decode.

use super::super::error::Fault;
use super::super::escape;
use super::super::print::{json_of, text_of};
use super::super::value::Value;
use crate::hex::digit_value;
use super::context::{Arguments, Env, Outcome};

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Escapes markup. In XML this is what printing does anyway, so the result is marked as done.
pub(super) fn escape<'a>(env: &mut Env<'a>, input: Value<'a>, _: Arguments<'a>) -> Outcome<'a> {
    if matches!(input, Value::Nil | Value::Safe(_)) {
        return Ok(input);
    }
    let text = text_of(&input, &mut env.budget)?;
    if env.xml { env.safe(escape::xml(&text)) } else { env.text(escape::html(&text)) }
}

/// Escapes markup, but not the `&` of character references that are there already.
pub(super) fn escape_once<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    _: Arguments<'a>,
) -> Outcome<'a> {
    if let Value::Safe(_) = input {
        return Ok(input);
    }
    let text = text_of(&input, &mut env.budget)?;
    if env.xml { env.safe(escape::xml_once(&text)) } else { env.text(escape::html_once(&text)) }
}

/// Says that the input is XML already and is to be printed as it is.
pub(super) fn raw<'a>(env: &mut Env<'a>, input: Value<'a>, _: Arguments<'a>) -> Outcome<'a> {
    if input.is_nil() {
        return Ok(input);
    }
    let text = text_of(&input, &mut env.budget)?.into_owned();
    env.safe(text)
}

pub(super) fn to_json<'a>(env: &mut Env<'a>, input: Value<'a>, _: Arguments<'a>) -> Outcome<'a> {
    Ok(Value::text(json_of(&input, &mut env.budget)?))
}

pub(super) fn url_encode<'a>(env: &mut Env<'a>, input: Value<'a>, _: Arguments<'a>) -> Outcome<'a> {
    if input.is_nil() {
        return Ok(input);
    }
    let text = text_of(&input, &mut env.budget)?;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(byte as char);
            }
            b' ' => encoded.push('+'),
            _ => {
                encoded.push('%');
                encoded.push(hex_digit(byte >> 4));
                encoded.push(hex_digit(byte & 15));
            }
        }
    }
    env.text(encoded)
}

pub(super) fn url_decode<'a>(env: &mut Env<'a>, input: Value<'a>, _: Arguments<'a>) -> Outcome<'a> {
    if input.is_nil() {
        return Ok(input);
    }
    let text = text_of(&input, &mut env.budget)?;
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = (bytes[at] == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        match pair.and_then(|pair| Some(digit_value(pair[0])? << 4 | digit_value(pair[1])?)) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    let text = String::from_utf8(decoded)
        .map_err(|_| Fault::operation("what `url_decode` decodes is not UTF-8"))?;
    env.text(text)
}

pub(super) fn base64_encode<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    _: Arguments<'a>,
) -> Outcome<'a> {
    let text = text_of(&input, &mut env.budget)?;
    env.text(base64(text.as_bytes(), STANDARD))
}

pub(super) fn base64_url_safe_encode<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    _: Arguments<'a>,
) -> Outcome<'a> {
    let text = text_of(&input, &mut env.budget)?;
    env.text(base64(text.as_bytes(), URL_SAFE))
}

pub(super) fn base64_decode<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    _: Arguments<'a>,
) -> Outcome<'a> {
    let text = text_of(&input, &mut env.budget)?;
    let padded = text.len().is_multiple_of(4);
    let decoded = if padded { unbase64(&text, STANDARD) } else { None };
    let decoded = decoded.ok_or_else(|| not_base64("base64_decode"))?;
    env.text(decoded)
}

pub(super) fn base64_url_safe_decode<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    _: Arguments<'a>,
) -> Outcome<'a> {
    let text = text_of(&input, &mut env.budget)?;
    let decoded = unbase64(&text, URL_SAFE);
    env.text(decoded.ok_or_else(|| not_base64("base64_url_safe_decode"))?)
}

/// Takes tags, comments, scripts and styles away.
pub(super) fn strip_html<'a>(env: &mut Env<'a>, input: Value<'a>, _: Arguments<'a>) -> Outcome<'a> {
    let text = text_of(&input, &mut env.budget)?;
    let blocks = [("<script", "</script>"), ("<!--", "-->"), ("<style", "</style>")];
    let without_blocks = without(&text, &blocks);
    let stripped = without(&without_blocks, &[("<", ">")]);
    env.text(stripped)
}

/// The text without what stands from an opening to the closing that follows it.
fn without(text: &str, pairs: &[(&str, &str)]) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    // An opening that is not closed stays so to the end; it is not looked for again.
    let mut hopeless = vec![false; pairs.len()];
    while let Some(at) = rest.find('<') {
        kept.push_str(&rest[..at]);
        rest = &rest[at..];
        let mut cut = None;
        for ((open, close), hopeless) in pairs.iter().zip(&mut hopeless) {
            if !*hopeless && rest.starts_with(open) {
                match rest[open.len()..].find(close) {
                    Some(found) => cut = Some(open.len() + found + close.len()),
                    None => *hopeless = true,
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

fn not_base64(filter: &str) -> Fault {
    Fault::operation(format!("what `{filter}` decodes is not base64"))
}

fn base64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut encoded = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0u32, |group, byte| group << 8 | u32::from(*byte));
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

/// The text that base64 stands for; bytes that are no UTF-8 become U+FFFD.
fn unbase64(text: &str, alphabet: &[u8; 64]) -> Option<String> {
    let digits = text.trim_end_matches('=');
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
