//! Forms: `Params::decode` against a second decoder that is as plain as can be.
//!
//! A finding is a form that the two read differently, an error where there is none or none where
//! there is one, parameters that are not the same once written and read, or more than the bounds.

use twimlgate::limits::WEBHOOK_PARAMETERS_MAX;
use twimlgate::webhook::{FormError, Params};

use super::{Judged, Seen, Target, as_bytes, ensure, size};

pub(crate) static TARGET: Target = Target {
    name: "form",
    tokens: &[
        "&",
        "=",
        "+",
        "%",
        "%20",
        "%2B",
        "%26",
        "%3D",
        "%00",
        "%C3%A9",
        "%c3",
        "%A9",
        "%F0%9F",
        "%98%80",
        "%ED%A0%80",
        "%FF",
        "%zz",
        "%4",
        "%%",
        "%u0041",
        "&&",
        "==",
        "&=&",
        "é",
        "\u{0}",
        "a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&",
        "Body=",
        "CallSid=CA1",
        ";",
        "\r\n",
    ],
    seeds: many,
    grow: as_bytes,
    judge,
};

/// Forms at the bound of their number.
fn many() -> Vec<Vec<u8>> {
    let times = [WEBHOOK_PARAMETERS_MAX - 1, WEBHOOK_PARAMETERS_MAX, WEBHOOK_PARAMETERS_MAX + 1];
    times.map(|times| "a=1&".repeat(times).into_bytes()).into()
}

fn judge(input: &[u8]) -> Judged {
    let mut seen = Seen::default();
    let (ours, plain) = (Params::decode(input), decode(input));
    seen.note(size(plain.as_ref().map_or(0, Vec::len)));
    match (&ours, &plain) {
        (Ok(params), Ok(pairs)) => {
            let same = params.iter().eq(pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())));
            ensure!(same, "read differently: {params:?}, expected {pairs:?}");
            ensure!(params.len() == pairs.len(), "wrong number: {}", params.len());
            let length: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
            ensure!(length <= input.len(), "grew: {length} bytes of {}", input.len());
            found(params, pairs)?;
            again(params)?;
        }
        (Err(error), Err(expected)) => {
            ensure!(error == expected, "another error: {error}, expected {expected}");
            seen.note(expected.to_string());
        }
        _ => return Err(format!("one of two reads it: {ours:?}, expected {plain:?}")),
    }
    if let Ok(query) = std::str::from_utf8(input) {
        let lossy = Params::decode_query(query);
        let few = !matches!(plain, Err(FormError::TooManyParameters));
        ensure!(lossy.is_ok() == few, "a query is an error: {lossy:?}");
        ensure!(plain.is_err() || lossy == ours, "a query is no form: {lossy:?}");
    }
    seen.note(input.iter().filter(|byte| **byte == b'%').count().min(6));
    Ok(seen)
}

/// Each name finds its first value.
fn found(params: &Params, pairs: &[(String, String)]) -> Result<(), String> {
    for (name, _) in pairs.iter().take(8) {
        let first = pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
        ensure!(params.get(name) == first, "another first value: of {name:?}");
    }
    Ok(())
}

/// Written and read, they are what they were.
fn again(params: &Params) -> Result<(), String> {
    let written = params.encode();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"*-._+%&=".contains(&byte);
    ensure!(written.bytes().all(plain), "not encoded: {written:?}");
    let read = Params::decode(written.as_bytes());
    // An empty name with an empty value is written as `=`, and stays one.
    ensure!(read.as_ref() == Ok(params), "lost on the way: {written:?} is read as {read:?}");
    Ok(())
}

/// The second decoder: split, replace, decode, one after the other.
pub(super) fn decode(form: &[u8]) -> Result<Vec<(String, String)>, FormError> {
    let pairs = form.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    if pairs.clone().count() > WEBHOOK_PARAMETERS_MAX {
        return Err(FormError::TooManyParameters);
    }
    pairs
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let mut half = || unescaped(halves.next().unwrap_or_default());
            Ok((half()?, half()?))
        })
        .collect()
}

fn unescaped(text: &[u8]) -> Result<String, FormError> {
    String::from_utf8(bytes(text)).map_err(|_| FormError::NotUtf8)
}

/// The bytes that a name or a value stands for.
pub(super) fn bytes(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let digits = text.get(at + 1..at + 3).filter(|_| text[at] == b'%');
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let code = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                at += 3;
            }
            None => {
                bytes.push(if text[at] == b'+' { b' ' } else { text[at] });
                at += 1;
            }
        }
    }
    bytes
}
