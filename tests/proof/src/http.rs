//! As much of HTTP/1.1 as both ends of the gateway need.

use std::io::{self, BufRead, Read};

/// A request or a response: its first line, its other lines, its body, and all of it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) first: String,
    pub(crate) lines: Vec<String>,
    pub(crate) body: Vec<u8>,
}

/// Reads a message with a `Content-Length`. What ends before its end is an error.
pub(crate) fn read(reader: &mut impl BufRead) -> io::Result<Message> {
    let first = line(reader)?;
    let mut lines = Vec::new();
    loop {
        let line = line(reader)?;
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let mut message = Message { first, lines, body: Vec::new() };
    let length = message.header("content-length").and_then(|length| length.parse().ok());
    message.body.resize(length.unwrap_or(0), 0);
    reader.read_exact(&mut message.body)?;
    Ok(message)
}

fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.by_ref().take(16 * 1024).read_line(&mut line)?;
    match line.strip_suffix("\r\n") {
        Some(whole) => Ok(whole.to_owned()),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

impl Message {
    /// The value of a header; the name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.lines.iter().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The status of a response.
    pub(crate) fn status(&self) -> u16 {
        self.first.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default()
    }
}
