//! Where an HTTP/1.1 message ends. Enough for peers that we start ourselves.

/// The head of a message.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    /// Bytes up to and including the empty line.
    pub length: usize,
    /// Bytes of the body, where the head says so.
    pub content_length: Option<usize>,
}

const CONTENT_LENGTH: &[u8] = b"content-length:";

/// The head at the front of `bytes`; `None` while it is not complete.
pub fn head(bytes: &[u8]) -> Option<Head> {
    let length = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let lines = bytes[..length].split(|byte| *byte == b'\n');
    let content_length = lines.into_iter().find_map(|line| {
        let (name, value) = line.split_at_checked(CONTENT_LENGTH.len())?;
        if !name.eq_ignore_ascii_case(CONTENT_LENGTH) {
            return None;
        }
        std::str::from_utf8(value).ok()?.trim().parse().ok()
    });
    Some(Head { length, content_length })
}

/// The status code of an answer; 0 where there is none.
pub fn status(answer: &[u8]) -> u16 {
    let digits = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_end_of_a_message() {
        let answer = b"HTTP/1.1 403 Forbidden\r\nDate: x\r\ncontent-LENGTH:  12 \r\n\r\nabc";
        assert_eq!(head(answer), Some(Head { length: 57, content_length: Some(12) }));
        assert_eq!(status(answer), 403);
        assert_eq!(head(&answer[..50]), None);
        assert_eq!(head(b"GET / HTTP/1.1\r\n\r\n").and_then(|head| head.content_length), None);
        assert_eq!(status(b"HTTP"), 0);
    }
}
