//! The strict reading of what goes over a connection (RFC 9112): where each request ends, as long
//! as there is only one way to see it; and what came back.

use super::super::{ensure, text};

/// What is known of the requests.
pub(super) struct Requests {
    /// Of each whole one, whether it is a `HEAD`, whose answer has no body.
    pub(super) heads: Vec<bool>,
    pub(super) end: End,
}

/// What is behind the last whole request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum End {
    /// Nothing.
    Nothing,
    /// Some of a head.
    Head,
    /// Some of a body.
    Body,
    /// Something that is no request, or of which two servers could see the end in two places.
    Doubt,
}

/// Takes requests apart.
pub(super) fn requests(bytes: &[u8]) -> Requests {
    let mut heads = Vec::new();
    let mut rest = bytes;
    loop {
        // Servers pass over empty lines in front of a request.
        while let [b'\r', b'\n', behind @ ..] | [b'\n', behind @ ..] = rest {
            rest = behind;
        }
        if rest.is_empty() {
            return Requests { heads, end: End::Nothing };
        }
        match request(rest) {
            Ok((is_head, behind)) => {
                heads.push(is_head);
                rest = behind;
            }
            Err(end) => return Requests { heads, end },
        }
    }
}

/// One request, and what is behind it.
fn request(bytes: &[u8]) -> Result<(bool, &[u8]), End> {
    let (lines, body) = head(bytes)?;
    let mut lines = lines.into_iter();
    let line = lines.next().unwrap_or_default();
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let [method, target, version] = words[..] else { return Err(End::Doubt) };
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let visible = |byte: &u8| (0x21..0x7f).contains(byte);
    let sound = !method.is_empty() && method.iter().all(token);
    let sound = sound && !target.is_empty() && target.iter().all(visible);
    if !sound || !matches!(version, b"HTTP/1.1" | b"HTTP/1.0") {
        return Err(End::Doubt);
    }
    let (mut lengths, mut codings) = (Vec::new(), Vec::new());
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':').ok_or(End::Doubt)?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.is_empty() || !name.iter().all(token) {
            return Err(End::Doubt);
        }
        if line[colon + 1..].iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f) {
            return Err(End::Doubt);
        }
        match name.to_ascii_lowercase().as_slice() {
            b"content-length" => lengths.push(value),
            b"transfer-encoding" => codings.push(value),
            // What is behind it may be another protocol.
            b"upgrade" => return Err(End::Doubt),
            _ => {}
        }
    }
    if method == b"CONNECT" {
        return Err(End::Doubt);
    }
    let is_head = method == b"HEAD";
    match (&lengths[..], &codings[..]) {
        ([], []) => Ok((is_head, body)),
        ([length], []) => {
            let digits = length.iter().all(u8::is_ascii_digit);
            let length = text(length).parse::<usize>().ok().filter(|_| digits);
            let length = length.ok_or(End::Doubt)?;
            body.get(length..).map(|behind| (is_head, behind)).ok_or(End::Body)
        }
        ([], [coding]) if coding.eq_ignore_ascii_case(b"chunked") && version == b"HTTP/1.1" => {
            chunks(body).map(|behind| (is_head, behind))
        }
        _ => Err(End::Doubt),
    }
}

/// The lines of a head, and what is behind the empty one.
fn head(bytes: &[u8]) -> Result<(Vec<&[u8]>, &[u8]), End> {
    let mut lines = Vec::new();
    let mut rest = bytes;
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or(End::Head)?;
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        rest = &rest[end + 1..];
        if line.is_empty() {
            return Ok((lines, rest));
        }
        if line.contains(&b'\r') || (!lines.is_empty() && matches!(line[0], b' ' | b'\t')) {
            return Err(End::Doubt);
        }
        lines.push(line);
    }
}

/// What is behind a body in chunks, without extensions.
fn chunks(mut rest: &[u8]) -> Result<&[u8], End> {
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n");
        let Some(end) = end else {
            let sound = rest.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'\r');
            return Err(if sound { End::Body } else { End::Doubt });
        };
        let size = &rest[..end];
        let sound = !size.is_empty() && size.len() < 9 && size.iter().all(u8::is_ascii_hexdigit);
        let size = usize::from_str_radix(&text(size), 16).ok().filter(|_| sound);
        let size = size.ok_or(End::Doubt)?;
        let data = &rest[end + 2..];
        if size == 0 {
            return trailers(data);
        }
        let behind = data.get(size..).ok_or(End::Body)?;
        rest = match behind {
            [b'\r', b'\n', behind @ ..] => behind,
            [] | [b'\r'] => return Err(End::Body),
            _ => return Err(End::Doubt),
        };
    }
}

/// What is behind the trailer section: lines, up to an empty one.
fn trailers(mut rest: &[u8]) -> Result<&[u8], End> {
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or(End::Body)?;
        let line = rest[..end].strip_suffix(b"\r").ok_or(End::Doubt)?;
        rest = &rest[end + 1..];
        if line.is_empty() {
            return Ok(rest);
        }
        if line.contains(&b'\r') {
            return Err(End::Doubt);
        }
    }
}

/// The statuses of the responses, each of them well-formed, and whether each is said to be the last
/// one of its connection; interim ones are left out.
pub(super) fn responses(bytes: &[u8], heads: &[bool]) -> Result<Vec<(u16, bool)>, String> {
    let mut statuses = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let shown = || format!("{:?}", text(bytes));
        let end = rest.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.ok_or_else(|| format!("half a response: {}", shown()))?;
        let head = text(&rest[..end]).into_owned();
        rest = &rest[end + 4..];
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap_or_default();
        let version = line.strip_prefix("HTTP/1.1 ").or(line.strip_prefix("HTTP/1.0 "));
        let status = version.and_then(|version| version.get(..3)?.parse::<u16>().ok());
        let status = status.ok_or_else(|| format!("no response: {}", shown()))?;
        let fields: Vec<(String, &str)> = lines
            .map(|line| line.split_once(": ").ok_or(line))
            .map(|field| field.map(|(name, value)| (name.to_ascii_lowercase(), value)))
            .collect::<Result<_, _>>()
            .map_err(|line| format!("no header: {line:?}"))?;
        if status < 200 {
            continue;
        }
        let mut lengths = fields.iter().filter(|(name, _)| name == "content-length");
        let length = lengths.next().and_then(|(_, value)| value.parse::<usize>().ok());
        let length = length.filter(|_| lengths.next().is_none());
        let length = length.ok_or_else(|| format!("no length: {}", shown()))?;
        let bare = heads.get(statuses.len()) == Some(&true);
        if !bare {
            ensure!(rest.len() >= length, "half a body: {}", shown());
            rest = &rest[length..];
        }
        let closes = |(name, value): &(String, &str)| name == "connection" && *value == "close";
        statuses.push((status, fields.iter().any(closes)));
    }
    Ok(statuses)
}
