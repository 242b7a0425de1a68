//! Where a body ends, and whether all of it came.

use std::io;

use actix_web::error::PayloadError;
use actix_web::http::Version;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Bytes, BytesMut};
use awc::ClientResponse;

use super::error::Problem;

/// How the end of a body is known.
#[derive(Clone, Copy)]
pub(super) enum Length {
    None,
    Known(usize),
    Chunked,
    UntilClosed,
}

/// A body in pieces. One piece, the usual case, is not copied.
#[derive(Default)]
pub(super) struct Collected {
    first: Bytes,
    all: BytesMut,
}

/// How the end of the body is known (RFC 9112, 6.3), by the head alone. awc decides for itself;
/// what it would get wrong is refused here (A2).
pub(super) fn length(response: &ClientResponse) -> Result<Length, Problem> {
    let headers = response.headers();
    let known = headers.get(header::CONTENT_LENGTH);
    let encoded = headers.get(header::TRANSFER_ENCODING).map(HeaderValue::as_bytes);
    let chunked = encoded.is_some_and(|name| name.trim_ascii().eq_ignore_ascii_case(b"chunked"));
    let wrong = |reason| Err(Problem::Framing { reason });
    let old = response.version() == Version::HTTP_10;
    match (response.status().as_u16(), known) {
        (100..=199 | 204 | 304, _) => Ok(Length::None),
        _ if encoded.is_some() && old => wrong("`Transfer-Encoding` in HTTP/1.0"),
        (_, Some(_)) if encoded.is_some() => wrong("`Content-Length` and `Transfer-Encoding`"),
        (_, Some(value)) => match value.to_str().ok().and_then(|text| text.trim().parse().ok()) {
            Some(length) => Ok(Length::Known(length)),
            None => wrong("`Content-Length` is not a number"),
        },
        (_, None) if chunked => Ok(Length::Chunked),
        (_, None) if old => Ok(Length::UntilClosed),
        (_, None) => Err(Problem::Unframed),
    }
}

/// The body broke off, or is no body.
pub(super) fn broken(error: &PayloadError, received: usize, expected: Option<usize>) -> Problem {
    match error {
        PayloadError::Io(error) if error.kind() == io::ErrorKind::InvalidInput => {
            Problem::Framing { reason: "malformed chunks" }
        }
        PayloadError::Incomplete(Some(error)) if error.kind() == io::ErrorKind::InvalidInput => {
            Problem::Framing { reason: "malformed chunks" }
        }
        _ => truncated(received, expected),
    }
}

pub(super) fn truncated(received: usize, expected: Option<usize>) -> Problem {
    let expected = expected.map_or_else(|| "more chunks".to_owned(), |count| count.to_string());
    Problem::Truncated { received, expected }
}

// === impl Collected ===

impl Collected {
    pub(super) fn len(&self) -> usize {
        self.first.len().max(self.all.len())
    }

    pub(super) fn push(&mut self, chunk: Bytes, expected: Option<usize>) {
        if self.first.is_empty() {
            self.first = chunk;
            return;
        }
        if self.all.is_empty() {
            self.all.reserve(expected.unwrap_or(self.first.len() + chunk.len()));
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&chunk);
    }

    pub(super) fn finish(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}
