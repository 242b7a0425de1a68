//! Takes interim answers (100, 103) out of the bytes of a connection, for awc would take the first
//! one for the final answer.

use std::io;

use crate::limits::FUNCTION_INTERIM_BYTES_MAX;

/// As much of a status line as says which kind of answer it is: `HTTP/1.1 103`.
const STATUS_BYTES: usize = 12;

/// Looks at the bytes of one answer until its final head begins.
#[derive(Debug, Default)]
pub(super) struct Sieve {
    state: State,
    /// The beginning of a status line that is not yet long enough to judge.
    held: Vec<u8>,
    /// Bytes of interim answers so far.
    dropped: usize,
}

#[derive(Debug, Default, PartialEq)]
enum State {
    /// At the beginning of a status line.
    #[default]
    Start,
    /// In an interim answer; so many bytes of the empty line that ends it were seen.
    Interim(usize),
    /// In the final answer: nothing more to do.
    Final,
}

/// The error of [`Sieve::sift`], to be told from other errors of the connection.
#[derive(Debug, thiserror::Error)]
#[error("too many interim answers")]
pub(super) struct TooManyInterim;

impl Sieve {
    /// Whether the final answer has begun, so that the bytes may pass unseen.
    pub(super) fn is_final(&self) -> bool {
        self.state == State::Final
    }

    /// What was held back: it comes before the bytes that are read next.
    pub(super) fn held(&self) -> &[u8] {
        &self.held
    }

    /// Judges `bytes`, which begin with what was held back. Returns where the final answer begins
    /// in them; `None` when all of them were dropped or are held back.
    pub(super) fn sift(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        self.held.clear();
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            match self.state {
                State::Final => return Ok(Some(at)),
                State::Start => match is_interim(rest) {
                    Some(true) => self.state = State::Interim(0),
                    Some(false) => self.state = State::Final,
                    None => {
                        self.held.extend_from_slice(rest);
                        return Ok(None);
                    }
                },
                State::Interim(seen) => {
                    let used = self.skip(rest, seen);
                    at += used;
                    self.dropped += used;
                    if self.dropped > FUNCTION_INTERIM_BYTES_MAX {
                        return Err(io::Error::new(io::ErrorKind::InvalidData, TooManyInterim));
                    }
                    if self.state != State::Start {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Passes over the rest of an interim head; returns how many bytes that took.
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
                self.state = State::Start;
                return index + 1;
            }
        }
        self.state = State::Interim(seen);
        bytes.len()
    }
}

/// Whether a status line says 1xx, other than 101, which is an answer of its own kind. `None` while
/// there is too little of it.
fn is_interim(bytes: &[u8]) -> Option<bool> {
    let line = &bytes[..bytes.len().min(STATUS_BYTES)];
    let pattern = b"HTTP/1.? 1??";
    let fits = line.iter().zip(pattern).all(|(byte, expected)| match expected {
        b'?' => byte.is_ascii_digit(),
        _ => byte == expected,
    });
    match fits {
        false => Some(false),
        true if line.len() < STATUS_BYTES => None,
        true => Some(!line.ends_with(b"101")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes through when the bytes arrive in pieces of `size`.
    fn through(text: &str, size: usize) -> io::Result<String> {
        let (mut sieve, mut out) = (Sieve::default(), Vec::new());
        for piece in text.as_bytes().chunks(size) {
            if sieve.is_final() {
                out.extend_from_slice(piece);
                continue;
            }
            let bytes = [sieve.held(), piece].concat();
            if let Some(from) = sieve.sift(&bytes)? {
                out.extend_from_slice(&bytes[from..]);
            }
        }
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn interim_answers_are_taken_out_however_they_arrive() {
        let last = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        let interim = "HTTP/1.1 100 Continue\r\n\r\n";
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX: \r\n\r\n";
        let bare = "HTTP/1.1 102 P\nX: y\n\n";
        for size in 1..90 {
            for before in ["", interim, hints, bare, &format!("{interim}{hints}{bare}{interim}")] {
                assert_eq!(through(&format!("{before}{last}"), size).unwrap(), last, "{size}");
            }
        }
    }

    #[test]
    fn everything_else_passes() {
        for text in ["HTTP/1.1 101 Switching\r\n\r\n", "HTTP/2 100 \r\n\r\n", "SSH-2.0-x\r\n", "H"]
        {
            for size in 1..30 {
                let out = through(text, size).unwrap();
                assert!(out == text || (text == "H" && out.is_empty()), "{text:?} {out:?}");
            }
        }
    }

    #[test]
    fn a_storm_ends() {
        let storm = "HTTP/1.1 100 Continue\r\n\r\n".repeat(FUNCTION_INTERIM_BYTES_MAX);
        assert!(through(&storm, 1000).is_err());
        let endless = format!("HTTP/1.1 103 x\r\n{}", "A: b\r\n".repeat(10_000));
        assert!(through(&endless, 1000).is_err());
    }
}
