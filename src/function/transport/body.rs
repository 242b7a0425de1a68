//! Where a body ends, and whether all of it came.

use std::io;

use actix_web::error::PayloadError;
use actix_web::http::Version;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Bytes, BytesMut};
use awc::ClientResponse;

use super::error::TransportError;

/// How the end of a body is known.
#[derive(Clone, Copy)]
pub(super) enum BodyLength {
    Empty,
    Known(usize),
    Chunked,
    UntilClosed,
}

/// A body in pieces. One piece, the usual case, is not copied.
#[derive(Default)]
pub(super) struct BodyBuffer {
    first: Bytes,
    all: BytesMut,
}

/// The body broke off, or its chunks are malformed.
pub(super) fn body_error(
    error: &PayloadError,
    received: usize,
    expected: Option<usize>,
) -> TransportError {
    match error {
        PayloadError::Io(error) if error.kind() == io::ErrorKind::InvalidInput => {
            TransportError::Framing { reason: "malformed chunks" }
        }
        PayloadError::Incomplete(Some(error)) if error.kind() == io::ErrorKind::InvalidInput => {
            TransportError::Framing { reason: "malformed chunks" }
        }
        _ => truncated_error(received, expected),
    }
}

/// The body ended early. Without an expected length more chunks were to come.
pub(super) fn truncated_error(received: usize, expected: Option<usize>) -> TransportError {
    let expected = expected.map_or_else(|| "more chunks".to_owned(), |count| count.to_string());
    TransportError::Truncated { received, expected }
}

// === impl BodyLength ===

impl BodyLength {
    /// How the end of the body is known (RFC 9112, 6.3), by the head alone. awc decides for itself;
    /// what it would get wrong is refused here (A2).
    pub(super) fn of(response: &ClientResponse) -> Result<BodyLength, TransportError> {
        let headers = response.headers();
        let known = headers.get(header::CONTENT_LENGTH);
        let encoding = headers.get(header::TRANSFER_ENCODING).map(HeaderValue::as_bytes);
        let chunked =
            encoding.is_some_and(|name| name.trim_ascii().eq_ignore_ascii_case(b"chunked"));
        let wrong = |reason| Err(TransportError::Framing { reason });
        let old = response.version() == Version::HTTP_10;
        match (response.status().as_u16(), known) {
            // These have no body, whatever their headers say.
            (100..=199 | 204 | 304, _) => Ok(BodyLength::Empty),
            _ if encoding.is_some() && old => wrong("`Transfer-Encoding` in HTTP/1.0"),
            // Two lengths are how requests are smuggled past each other: neither is believed.
            (_, Some(_)) if encoding.is_some() => wrong("`Content-Length` and `Transfer-Encoding`"),
            (_, Some(value)) => {
                match value.to_str().ok().and_then(|text| text.trim().parse().ok()) {
                    Some(length) => Ok(BodyLength::Known(length)),
                    None => wrong("`Content-Length` is not a number"),
                }
            }
            (_, None) if chunked => Ok(BodyLength::Chunked),
            (_, None) if old => Ok(BodyLength::UntilClosed),
            (_, None) => Err(TransportError::Unframed),
        }
    }

    /// Whether the head says how many bytes come.
    pub(super) fn is_announced(self) -> bool {
        matches!(self, BodyLength::Empty | BodyLength::Known(_))
    }
}

// === impl BodyBuffer ===

impl BodyBuffer {
    /// The bytes so far.
    pub(super) fn len(&self) -> usize {
        self.first.len().max(self.all.len())
    }

    /// Adds a piece. `expected` is the length of the whole body, if it is known.
    pub(super) fn push(&mut self, chunk: Bytes, expected: Option<usize>) {
        if self.first.is_empty() {
            self.first = chunk;
            return;
        }
        // From the second piece on, `all` holds everything and `first` a part of it.
        if self.all.is_empty() {
            self.all.reserve(expected.unwrap_or(self.first.len() + chunk.len()));
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&chunk);
    }

    /// The whole body.
    pub(super) fn into_bytes(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}
