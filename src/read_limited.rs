//! Files that a person names, read up to a limit.
//!
//! The limit holds while the bytes come: the size of a FIFO or of `/dev/zero` is 0, whatever can be
//! read from it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Standard input, as a path on the command line.
const STDIN: &str = "-";

/// The bytes of a file, at most `most`.
///
/// # Errors
/// Those of the system, and [`io::ErrorKind::FileTooLarge`] for a larger file.
pub(crate) fn read_limited(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_all(File::open(path)?, most)
}

/// The text of a file, at most `most` bytes of UTF-8.
///
/// # Errors
/// As [`read_limited`], and [`io::ErrorKind::InvalidData`] for other bytes than UTF-8.
pub(crate) fn read_text_limited(path: &Path, most: u64) -> io::Result<String> {
    read_limited(path, most).and_then(into_text)
}

/// As [`read_text_limited`], for files that other programs write: also with a byte order mark, and
/// in UTF-16, as PowerShell redirects output.
pub(crate) fn read_any_text_limited(path: &Path, most: u64) -> io::Result<String> {
    read_limited(path, most).and_then(decode_text)
}

/// As [`read_any_text_limited`]; `-` is standard input.
pub(crate) fn read_any_text_argument(path: &Path, most: u64) -> io::Result<String> {
    read_argument(path, most).and_then(decode_text)
}

/// As [`read_limited`]; `-` is standard input.
pub(crate) fn read_argument(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    if is_stdin(path) { read_all(io::stdin().lock(), most) } else { read_limited(path, most) }
}

/// As [`read_text_limited`]; `-` is standard input.
pub(crate) fn read_text_argument(path: &Path, most: u64) -> io::Result<String> {
    read_argument(path, most).and_then(into_text)
}

/// Whether a path of the command line means standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new(STDIN)
}

fn read_all(source: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to see that there are too many.
    source.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let message = format!("it is larger than {most} bytes, the limit");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

fn into_text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

/// Decodes UTF-8 or UTF-16, which a byte order mark or a first ASCII character tells apart. The
/// text has no byte order mark.
fn decode_text(bytes: Vec<u8>) -> io::Result<String> {
    let unit: fn([u8; 2]) -> u16 = match bytes[..] {
        [0xFF, 0xFE, ..] => u16::from_le_bytes,
        [0xFE, 0xFF, ..] => u16::from_be_bytes,
        [first, 0, ..] if first != 0 => u16::from_le_bytes,
        [0, second, ..] if second != 0 => u16::from_be_bytes,
        _ => {
            let text = into_text(bytes)?;
            return Ok(text.strip_prefix('\u{FEFF}').map_or(text.clone(), str::to_owned));
        }
    };
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    let text = String::from_utf16(&units).ok().filter(|_| rest.is_empty());
    let text = text
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 or UTF-16"))?;
    Ok(text.strip_prefix('\u{FEFF}').map_or(text.clone(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_size_is_limited_too() {
        let zero = Path::new("/dev/zero");
        assert_eq!(read_limited(zero, 9).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        let error = read_text_limited(zero, 9).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than 9 bytes, the limit");
        assert_eq!(read_limited(Path::new("/dev/null"), 0).unwrap(), b"");
    }

    #[test]
    fn a_file_may_be_as_large_as_the_limit() {
        let file = Path::new("/proc/self/comm");
        let all = read_limited(file, 100).unwrap();
        assert_eq!(read_limited(file, all.len() as u64).unwrap(), all);
        assert!(read_limited(file, all.len() as u64 - 1).is_err());
    }

    #[test]
    fn texts_of_other_programs_are_decoded() {
        let utf_16 = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(bytes).collect()
        };
        let text = "{\"a\": \"é😀\"}";
        let marked = format!("\u{FEFF}{text}");
        for bytes in [
            text.as_bytes().to_vec(),
            marked.as_bytes().to_vec(),
            utf_16(text, u16::to_le_bytes),
            utf_16(&marked, u16::to_le_bytes),
            utf_16(text, u16::to_be_bytes),
            utf_16(&marked, u16::to_be_bytes),
        ] {
            assert_eq!(decode_text(bytes.clone()).unwrap(), text, "{bytes:?}");
        }
        assert_eq!(decode_text(Vec::new()).unwrap(), "");
        for bytes in [&b"\xFF\xFEa"[..], b"\xFF\xFE\x00\xD8", b"\xE9", b"{\x00\""] {
            assert!(decode_text(bytes.to_vec()).is_err(), "{bytes:?}");
        }
    }
}
