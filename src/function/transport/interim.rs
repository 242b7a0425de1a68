//! Removes interim responses (100, 103) from the bytes of a connection, because awc would take the
//! first one for the final response (A9).

use std::io;

use crate::limits::FUNCTION_INTERIM_BYTES_MAX;

/// The part of a status line that shows the class of the response: `HTTP/1.1 103`.
const STATUS_BYTES: usize = 12;

/// Filters the bytes of one response until its final head begins.
#[derive(Debug, Default)]
pub(super) struct InterimFilter {
    state: FilterState,
    /// The beginning of a status line that is too short to be classified.
    pending: Vec<u8>,
    /// Bytes of interim responses so far.
    dropped: usize,
}

#[derive(Debug, Default, PartialEq)]
enum FilterState {
    /// At the beginning of a status line.
    #[default]
    Start,
    /// In an interim response; so many bytes of the empty line that ends it were seen.
    Interim(usize),
    /// In the final response: nothing more to do.
    Final,
}

/// The error of [`InterimFilter::filter`]. It is a type so that it can be recognized among the
/// errors of the connection.
#[derive(Debug, thiserror::Error)]
#[error("too many interim answers")]
pub(super) struct TooManyInterim;

impl InterimFilter {
    /// Whether the final response has begun, so that the bytes need no filter.
    pub(super) fn is_final(&self) -> bool {
        self.state == FilterState::Final
    }

    /// The bytes that were held back. They come before those that are read next.
    pub(super) fn pending(&self) -> &[u8] {
        &self.pending
    }

    /// Filters `bytes`, which begin with those that were held back. Returns where the final
    /// response begins in them; `None` when all of them were dropped or are held back.
    ///
    /// # Errors
    /// After more interim bytes than the limit.
    pub(super) fn filter(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        self.pending.clear();
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            match self.state {
                FilterState::Final => return Ok(Some(at)),
                FilterState::Start => match is_interim(rest) {
                    Some(true) => self.state = FilterState::Interim(0),
                    Some(false) => self.state = FilterState::Final,
                    // awc must not see it before it is known to be final.
                    None => {
                        self.pending.extend_from_slice(rest);
                        return Ok(None);
                    }
                },
                FilterState::Interim(seen) => {
                    let used = self.skip(rest, seen);
                    at += used;
                    self.dropped += used;
                    // Each is valid HTTP, so without a limit they could go on until the deadline.
                    if self.dropped > FUNCTION_INTERIM_BYTES_MAX {
                        return Err(io::Error::new(io::ErrorKind::InvalidData, TooManyInterim));
                    }
                    if self.state != FilterState::Start {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Skips the rest of an interim head; returns how many bytes that took.
    fn skip(&mut self, bytes: &[u8], mut seen: usize) -> usize {
        for (index, byte) in bytes.iter().enumerate() {
            seen = match (seen, byte) {
                (0 | 2, b'\r') => seen + 1,
                (1 | 3, b'\n') => seen + 1,
                // A bare line feed ends a line, too (RFC 9112, 2.2).
                (0, b'\n') => 2,
                (2, b'\n') => 4,
                _ => 0,
            };
            if seen == 4 {
                self.state = FilterState::Start;
                return index + 1;
            }
        }
        self.state = FilterState::Interim(seen);
        bytes.len()
    }
}

/// Whether a status line says 1xx. 101 is none: it is a final response. `None` while the line is
/// too short.
fn is_interim(bytes: &[u8]) -> Option<bool> {
    let line = &bytes[..bytes.len().min(STATUS_BYTES)];
    let pattern = b"HTTP/1.? 1??";
    let fits = line.iter().zip(pattern).all(|(byte, expected)| match expected {
        b'?' => byte.is_ascii_digit(),
        _ => byte == expected,
    });
    if !fits {
        Some(false)
    } else if line.len() < STATUS_BYTES {
        None
    } else {
        Some(!line.ends_with(b"101"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that pass when they arrive in pieces of `size`.
    fn filtered(text: &str, size: usize) -> io::Result<String> {
        let (mut filter, mut out) = (InterimFilter::default(), Vec::new());
        for piece in text.as_bytes().chunks(size) {
            if filter.is_final() {
                out.extend_from_slice(piece);
                continue;
            }
            let bytes = [filter.pending(), piece].concat();
            if let Some(from) = filter.filter(&bytes)? {
                out.extend_from_slice(&bytes[from..]);
            }
        }
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn interim_responses_are_removed_however_they_arrive() {
        let last = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        let interim = "HTTP/1.1 100 Continue\r\n\r\n";
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX: \r\n\r\n";
        let bare = "HTTP/1.1 102 P\nX: y\n\n";
        for size in 1..90 {
            for before in ["", interim, hints, bare, &format!("{interim}{hints}{bare}{interim}")] {
                assert_eq!(filtered(&format!("{before}{last}"), size).unwrap(), last, "{size}");
            }
        }
    }

    #[test]
    fn other_bytes_pass() {
        for text in ["HTTP/1.1 101 Switching\r\n\r\n", "HTTP/2 100 \r\n\r\n", "SSH-2.0-x\r\n", "H"]
        {
            for size in 1..30 {
                let out = filtered(text, size).unwrap();
                assert!(out == text || (text == "H" && out.is_empty()), "{text:?} {out:?}");
            }
        }
    }

    #[test]
    fn a_storm_ends() {
        let storm = "HTTP/1.1 100 Continue\r\n\r\n".repeat(FUNCTION_INTERIM_BYTES_MAX);
        assert!(filtered(&storm, 1000).is_err());
        let endless = format!("HTTP/1.1 103 x\r\n{}", "A: b\r\n".repeat(10_000));
        assert!(filtered(&endless, 1000).is_err());
    }
}
