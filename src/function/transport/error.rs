//! Why a request got no whole response.
//!
//! Invariant: no message holds a query string, a body or a parameter; hosts and addresses only.

use std::fmt;
use std::io;

use crate::function::egress::RefusedAddress;
use crate::limits::FUNCTION_INTERIM_BYTES_MAX;
use crate::node::ProcessError;

/// Why a request got no whole response. Each message continues "function `name` …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The name server has no address.
    #[error("cannot be called: the host `{host}` was not found ({reason}); is it spelled right?")]
    Resolve {
        /// The host of the URL.
        host: String,
        /// In the words of the resolver.
        reason: String,
    },
    /// The host leads to an address that the egress policy refuses.
    #[error(transparent)]
    Egress(#[from] RefusedAddress),
    /// No process listens on the port, or the network does not reach it.
    #[error("cannot be reached at {address}: {reason}; is it running?")]
    Connect {
        /// Address and port.
        address: String,
        /// The operating system's class of the error.
        kind: io::ErrorKind,
        /// In the words of the operating system.
        reason: String,
    },
    /// The TLS handshake failed.
    #[error(
        "is not trusted: TLS with `{host}` failed ({reason}); a private authority is named in \
         `ca_file` under `[egress]`"
    )]
    Tls {
        /// The host of the URL.
        host: String,
        /// In the words of the TLS library.
        reason: String,
    },
    /// The deadline passed, or the connection took longer than it may.
    #[error("took too long: the time was over while {phase}")]
    Timeout {
        /// What the request was waiting for.
        phase: CallPhase,
    },
    /// The connection ended before a response began.
    #[error("closed the connection without an answer ({reason}); see the function's own log")]
    Closed {
        /// In the words of the operating system.
        reason: String,
    },
    /// The response is not HTTP/1.
    #[error("sent what is not an HTTP/1.1 answer ({reason})")]
    Head {
        /// What the parser stumbled over.
        reason: String,
    },
    /// Neither `Content-Length` nor chunked: a whole body looks the same as half of one.
    #[error(
        "sent an HTTP/1.1 answer with neither `Content-Length` nor `Transfer-Encoding: chunked`, \
         so a cut-off body would look whole; let the function send one of them, or set \
         `http_version = \"1.0\"` to read until it closes"
    )]
    Unframed,
    /// The length is given in two ways, or in a malformed one.
    #[error("sent a body whose length is contradictory or malformed ({reason})")]
    Framing {
        /// What contradicts what.
        reason: &'static str,
    },
    /// The body ended early.
    #[error("sent a body that ended early: {received} bytes came, expected {expected}")]
    Truncated {
        /// How much came.
        received: usize,
        /// What was announced.
        expected: String,
    },
    /// The body is over the limit.
    #[error("sent more than {limit} bytes, the limit; raise `max_body_bytes` or send less")]
    TooLarge {
        /// The configured limit.
        limit: usize,
    },
    /// The gateway runs the function itself, and its process gave no answer.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// Too many interim responses.
    #[error(
        "sent more than {FUNCTION_INTERIM_BYTES_MAX} bytes of interim (1xx) answers, expected \
         a final one"
    )]
    Interim,
}

/// What a call was waiting for when its time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallPhase {
    /// A free connection within the concurrency limit.
    Queue,
    /// The name server.
    Resolve,
    /// The TCP connection.
    Connect,
    /// The TLS handshake.
    Handshake,
    /// The head of the response.
    Head,
    /// The rest of the response's body.
    Body,
    /// The end of the code, which the gateway runs itself.
    Run,
}

impl TransportError {
    /// The class of the error as one word for logs and metrics. The words are stable.
    pub fn kind(&self) -> &'static str {
        match self {
            TransportError::Resolve { .. } => "resolve",
            TransportError::Egress(_) => "egress",
            TransportError::Connect { .. } => "connect",
            TransportError::Tls { .. } => "tls",
            TransportError::Timeout { .. } => "timeout",
            TransportError::Closed { .. } => "closed",
            TransportError::Head { .. } => "head",
            TransportError::Unframed | TransportError::Framing { .. } => "framing",
            TransportError::Truncated { .. } => "truncated",
            TransportError::TooLarge { .. } => "too_large",
            TransportError::Process(error) => error.kind(),
            TransportError::Interim => "interim",
        }
    }
}

impl fmt::Display for CallPhase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            CallPhase::Queue => "waiting for a free connection",
            CallPhase::Resolve => "looking up its host",
            CallPhase::Connect => "connecting",
            CallPhase::Handshake => "setting up TLS",
            CallPhase::Head => "waiting for the answer to begin",
            CallPhase::Body => "reading the rest of the answer",
            CallPhase::Run => "it was running, so its process was ended",
        })
    }
}

/// The system's words for a message, whole: the reason is mostly at their end.
pub(in crate::function) fn describe_system_error(error: &io::Error) -> String {
    let text = error.to_string();
    text.chars().map(|c| if c.is_control() { '?' } else { c }).take(SYSTEM_ERROR_MAX).collect()
}

/// Characters of an error of the system: more than any of them has.
const SYSTEM_ERROR_MAX: usize = 400;

/// The server's words for a message: at most 60 characters, printable ASCII, so that a hostile
/// server cannot forge lines of the log.
pub(in crate::function) fn printable(text: &[u8]) -> String {
    text.iter()
        .take(60)
        .map(|byte| if matches!(byte, b' '..=b'~') { *byte as char } else { '?' })
        .collect()
}
