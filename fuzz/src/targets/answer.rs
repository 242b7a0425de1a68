//! What a function's answer means: any status, headers and body get a verdict, by the rules of
//! `docs/functions.md`.
//!
//! An input is an answer as text: the status, headers, an empty line, the body. A finding is a
//! verdict that the rules below do not give, or an error that shows the body or has two lines.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use serde_json::Value;
use twimlgate::function::{CallError, OutcomeKind, classify};

use super::{Judged, Seen, Target, as_bytes, ensure, size, text};

pub(crate) static TARGET: Target = Target {
    name: "answer",
    tokens: &[
        "200\n",
        "204\n",
        "205\n",
        "301\n",
        "404\n",
        "500\n",
        "599\n",
        "999\n",
        "\n\n",
        "Content-Type: application/json\n",
        "Content-Type: text/xml\n",
        "Content-Type: text/html\n",
        "Content-Type: text/plain\n",
        "Content-Type: image/png\n",
        "Content-Type: \n",
        "Content-Encoding: gzip\n",
        "Content-Encoding: identity\n",
        "Content-Encoding: \n",
        "; charset=utf-8",
        "; charset=\"UTF-8\"",
        "; charset=iso-8859-1",
        "; charset=utf-16le",
        "; charset=",
        ";",
        "{\"a\":1}",
        "{\"a\":1,\"a\":2}",
        "[",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        "]",
        "{",
        "}",
        "\"",
        "\\ud800",
        "\\u0000",
        "1e999",
        "-0",
        "null",
        "<Response/>",
        "<Response>",
        "<Response",
        "<?xml version=\"1.0\"?>",
        "<!-- a -->",
        "<!DOCTYPE html>",
        "<html>",
        "<",
        ">",
        "\u{FEFF}",
        "\u{0}",
        "é",
        " ",
    ],
    seeds: super::no_seeds,
    grow: as_bytes,
    judge,
};

fn judge(input: &[u8]) -> Judged {
    let mut seen = Seen::default();
    let Some(end) = input.windows(2).position(|two| two == b"\n\n") else { return Ok(seen) };
    let (head, body) = (text(&input[..end]), &input[end + 2..]);
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.parse().ok());
    let Some(status) = status.and_then(|status| StatusCode::from_u16(status).ok()) else {
        return Ok(seen);
    };
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let name = HeaderName::try_from(name).ok();
        if let Some((name, value)) = name.zip(HeaderValue::from_bytes(value.as_bytes()).ok()) {
            headers.append(name, value);
        }
    }
    let kind = classify("lookup", status, &headers, &Bytes::copy_from_slice(body));
    seen.note((status.as_u16() / 100, size(body.len()).min(8)));
    let all = |name| headers.get_all(name).map(HeaderValue::as_bytes).collect::<Vec<_>>();
    let (types, encodings) = (all("content-type"), all("content-encoding"));
    let same = types.iter().all(|one| *one == types[0] && visible(one));
    let plain = |encoding: &&[u8]| {
        let encoding = encoding.trim_ascii();
        encoding.is_empty() || encoding.eq_ignore_ascii_case(b"identity")
    };
    let harmless = encodings.iter().all(plain);
    match &kind {
        OutcomeKind::Fail(error) => {
            let problem = &error.cause;
            let said = problem.to_string();
            ensure!(!said.contains('\n') && said.len() < 400, "an error too long: {said:?}");
            seen.note((
                std::mem::discriminant(problem),
                said.split('`').step_by(2).collect::<String>().len(),
            ));
            expected_error(problem, status, same && harmless)?;
        }
        verdict => {
            ensure!(status.is_success(), "a success for {status}: {verdict:?}");
            ensure!(same && harmless, "headers believed: {verdict:?}");
            let essence = types.first().map_or(&[][..], |kind| kind);
            let essence = text(essence).split(';').next().unwrap_or_default().trim().to_lowercase();
            let known = ["text/xml", "application/xml", "application/json", "text/html", ""];
            let known = known.iter().position(|known| *known == essence);
            let is_twiml = matches!(verdict, OutcomeKind::Twiml(_));
            seen.note((known, essence.starts_with("text/"), is_twiml));
            meant(verdict, &essence, status, body)?;
        }
    }
    Ok(seen)
}

/// Whether a header's value is ASCII that can be seen.
fn visible(value: &&[u8]) -> bool {
    value.iter().all(|byte| *byte == b'\t' || (b' '..0x7f).contains(byte))
}

fn expected_error(problem: &CallError, status: StatusCode, fair: bool) -> Result<(), String> {
    match problem {
        CallError::Status { status: told } => {
            ensure!(!status.is_success(), "a status refused: {status}");
            ensure!(*told == status.as_u16(), "another status: {told}, not {status}");
        }
        _ => ensure!(status.is_success(), "judged by its body: {status}: {problem}"),
    }
    let header = matches!(problem, CallError::Header { .. } | CallError::ContentEncoding { .. });
    ensure!(!(header && fair), "a header refused: {problem}");
    Ok(())
}

/// Whether the outcome is that of the table.
fn meant(kind: &OutcomeKind, essence: &str, status: StatusCode, body: &[u8]) -> Result<(), String> {
    let xml = matches!(essence, "text/xml" | "application/xml");
    let told = format!("{kind:?} of {essence:?} with {:?}", text(body));
    if body.is_empty() {
        let twiml = xml && status != StatusCode::NO_CONTENT;
        ensure!(matches!(kind, OutcomeKind::Twiml(_)) == twiml, "an empty body: {told}");
        return Ok(());
    }
    let checked = xml || essence == "application/json" || essence.starts_with("text/");
    let sound = std::str::from_utf8(body).is_ok() && !body.contains(&0);
    let sound = sound && !body.starts_with("\u{FEFF}".as_bytes());
    ensure!(!checked || sound, "no text: {told}");
    match kind {
        OutcomeKind::Twiml(document) => {
            ensure!(document == body, "another document: {told}");
            let root =
                text(body).contains("<Response") || body.trim_ascii_end().ends_with(b"</Response>");
            ensure!(xml || (essence == "text/html" && root), "no document: {told}");
        }
        OutcomeKind::Success { parsed: Some(object) } => {
            let parsed: Option<Value> = serde_json::from_slice(body).ok();
            let parsed = parsed.or_else(|| serde_json::from_str(&with_whole_pairs(body)).ok());
            let object = Value::Object(object.clone());
            let same = parsed.as_ref().is_some_and(|parsed| is_same(&object, parsed));
            ensure!(essence == "application/json" && same, "other variables: {told}");
        }
        OutcomeKind::Success { parsed: None } => {
            ensure!(!xml, "a document not seen: {told}");
            let object = body.trim_ascii_start().first() == Some(&b'{');
            ensure!(essence != "application/json" || !object, "an object not seen: {told}");
        }
        OutcomeKind::Fail(_) => return Err(format!("no success: {told}")),
    }
    Ok(())
}

/// Whether both say the same. A number keeps its digits, but a short one may be written as a float
/// is: `5e0` as `5.0`.
fn is_same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Number(found), Value::Number(expected)) => {
            let is_short = expected.to_string().len() <= 16;
            found == expected || is_short && found.as_f64() == expected.as_f64()
        }
        (Value::Array(found), Value::Array(expected)) => {
            let pairs = || found.iter().zip(expected);
            found.len() == expected.len() && pairs().all(|(one, other)| is_same(one, other))
        }
        (Value::Object(found), Value::Object(expected)) => {
            let same = |(name, one): (&String, &Value)| {
                expected.get(name).is_some_and(|other| is_same(one, other))
            };
            found.len() == expected.len() && found.iter().all(same)
        }
        _ => found == expected,
    }
}

/// The JSON with the code units of its escapes decoded, run by run: half a surrogate pair becomes
/// U+FFFD. A second opinion on the repair of the gateway, which looks at one escape at a time.
fn with_whole_pairs(body: &[u8]) -> String {
    let text = text(body);
    let mut rest = text.as_ref();
    let mut whole = String::with_capacity(rest.len());
    while let Some(at) = rest.find('\\') {
        whole.push_str(&rest[..at]);
        rest = &rest[at..];
        let (units, after) = code_units(rest);
        if units.is_empty() {
            // Another escape, such as `\\`: both characters, so that the second begins none.
            let end = rest.char_indices().nth(2).map_or(rest.len(), |(end, _)| end);
            whole.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        for found in char::decode_utf16(units) {
            let quoted = Value::from(found.unwrap_or(char::REPLACEMENT_CHARACTER).to_string());
            let quoted = quoted.to_string();
            whole.push_str(&quoted[1..quoted.len() - 1]);
        }
        rest = after;
    }
    whole + rest
}

/// The code units of the `\u` escapes at the beginning of a text, and what follows them.
fn code_units(text: &str) -> (Vec<u16>, &str) {
    let (mut units, mut rest) = (Vec::new(), text);
    while let Some(digits) = rest.strip_prefix("\\u").and_then(|rest| rest.get(..4))
        && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    {
        units.extend(u16::from_str_radix(digits, 16));
        rest = &rest[6..];
    }
    (units, rest)
}
