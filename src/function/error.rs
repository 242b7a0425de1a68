//! Why a call of a function failed, for the log: what happened and what to do about it.
//!
//! Invariant: no message holds a query string, a body or a parameter; hosts and media types only.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::limits::{FUNCTION_INTERIM_BYTES_MAX, FUNCTION_REDIRECTS_MAX};

/// A failed call: which function, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("function `{function}` {problem}")]
pub struct FunctionError {
    /// The function's configured name.
    pub function: String,
    /// What went wrong.
    pub problem: Problem,
}

/// What went wrong. Each message continues "function `name` …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Its URL is none that may be asked: a placeholder, or not the carrier's where credentials
    /// would go.
    #[error("has no URL that may be asked, expected one with http:// or https:// and a host")]
    Unusable,
    /// Too many failures in a row: not called at all.
    #[error(
        "is not called: its last calls failed one after the other, and one call every few \
         seconds finds out whether it is back; look at the failures before this one"
    )]
    BreakerOpen,
    /// Every connection of the worker to this function was in use until the time was over.
    #[error(
        "was not called within {after:?}: all {connections} `connections` of this worker were \
         in use; raise that number, or make the function faster"
    )]
    Busy {
        /// The time that the call had.
        after: Duration,
        /// The configured limit.
        connections: usize,
    },
    /// Every connection of the worker to this function is in use, and whoever waits already takes
    /// all the time that there is.
    #[error(
        "is not called: all {connections} `connections` of this worker are in use, and whoever \
         waits already takes too long; raise that number, or make the function faster"
    )]
    Crowded {
        /// The configured limit.
        connections: usize,
    },
    /// The name server has no address.
    #[error("cannot be called: the host `{host}` was not found ({reason}); is it spelled right?")]
    Resolve {
        /// The host of the URL.
        host: String,
        /// In the words of the resolver.
        reason: String,
    },
    /// The host leads to an address that we must not connect to.
    #[error(
        "cannot be called: `{host}` leads to the {kind} address {address}, which is refused; \
         add `{address}` to `allow` under `[egress]` if that is meant"
    )]
    Egress {
        /// The host of the URL.
        host: String,
        /// Where it leads.
        address: IpAddr,
        /// Which kind of address that is.
        kind: &'static str,
    },
    /// Nobody listens, or the network does not reach it.
    #[error("cannot be reached at {address}: {reason}; is it running?")]
    Connect {
        /// Address and port.
        address: String,
        /// In the words of the operating system.
        reason: String,
    },
    /// No TLS connection came about.
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
    /// The time was over.
    #[error("took longer than {after:?}: the time was over while {phase}")]
    Timeout {
        /// The time that the call had.
        after: Duration,
        /// What was waited for.
        phase: Phase,
    },
    /// The connection ended before an answer began.
    #[error("closed the connection without an answer ({reason}); see the function's own log")]
    Closed {
        /// In the words of the operating system.
        reason: String,
    },
    /// What came is not HTTP/1.
    #[error("sent what is not an HTTP/1.1 answer ({reason})")]
    Head {
        /// What the parser stumbled over.
        reason: String,
    },
    /// Neither `Content-Length` nor chunked: nobody can tell a whole body from half of one.
    #[error(
        "sent an HTTP/1.1 answer with neither `Content-Length` nor `Transfer-Encoding: chunked`, \
         so a cut-off body would look whole; let the function send one of them, or set \
         `http_version = \"1.0\"` to read until it closes"
    )]
    Unframed,
    /// The length is said in two ways, or in a wrong one.
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
    /// Interim answers without end.
    #[error(
        "sent more than {FUNCTION_INTERIM_BYTES_MAX} bytes of interim (1xx) answers, expected \
         a final one"
    )]
    Interim,
    /// A header that must be one is several, or is unreadable.
    #[error("sent a `{name}` header that {reason}")]
    Header {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A `Location` that leads nowhere.
    #[error("redirected (status {status}) without a usable `Location`: {reason}")]
    Location {
        /// The status.
        status: u16,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A redirect to another scheme than http and https, or from https to http.
    #[error("redirected to `{scheme}` at `{host}`, expected {expected}")]
    Scheme {
        /// The scheme it leads to.
        scheme: String,
        /// The host it leads to.
        host: String,
        /// What may be there.
        expected: &'static str,
    },
    /// A redirect to where the call was already.
    #[error("redirects in a circle, by way of `{host}`")]
    RedirectLoop {
        /// The host it leads to.
        host: String,
    },
    /// More redirects than we follow.
    #[error("redirected more than {FUNCTION_REDIRECTS_MAX} times, at last to `{host}`")]
    TooManyRedirects {
        /// The host it leads to.
        host: String,
    },
    /// A status other than success.
    #[error("answered with status {status}, expected 2xx")]
    Status {
        /// The status.
        status: u16,
    },
    /// A compressed body.
    #[error(
        "sent a body with `Content-Encoding: {encoding}`, expected none: the request says \
         `Accept-Encoding: identity`"
    )]
    ContentEncoding {
        /// What it said.
        encoding: String,
    },
    /// Text in another encoding than UTF-8.
    #[error("sent `{content_type}` that {reason}, expected UTF-8")]
    Text {
        /// The media type.
        content_type: String,
        /// What is wrong with it.
        reason: String,
    },
    /// `application/json` that is not JSON.
    #[error("sent `application/json` that does not parse as JSON: {reason}")]
    Json {
        /// What the parser stumbled over, with line and column.
        reason: String,
    },
}

/// What a call was waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A connection of its own to become free.
    Queue,
    /// The name server.
    Resolve,
    /// The TCP connection.
    Connect,
    /// The TLS handshake.
    Handshake,
    /// The head of the answer.
    Head,
    /// The rest of the answer's body.
    Body,
}

/// Whose fault a failure is, so that the log can say whom to wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The function, or the network on the way to it.
    Function,
    /// The configuration.
    Operator,
    /// The gateway is short of something.
    Gateway,
}

// === impl FunctionError ===

impl FunctionError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        self.problem.fault()
    }
}

// === impl Problem ===

impl Problem {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Problem::Unusable | Problem::Resolve { .. } => Fault::Operator,
            Problem::Egress { .. } | Problem::Tls { .. } => Fault::Operator,
            Problem::Busy { .. } | Problem::Crowded { .. } => Fault::Gateway,
            Problem::BreakerOpen
            | Problem::Connect { .. }
            | Problem::Timeout { .. }
            | Problem::Closed { .. }
            | Problem::Head { .. }
            | Problem::Unframed
            | Problem::Framing { .. }
            | Problem::Truncated { .. }
            | Problem::TooLarge { .. }
            | Problem::Interim
            | Problem::Header { .. }
            | Problem::Location { .. }
            | Problem::Scheme { .. }
            | Problem::RedirectLoop { .. }
            | Problem::TooManyRedirects { .. }
            | Problem::Status { .. }
            | Problem::ContentEncoding { .. }
            | Problem::Text { .. }
            | Problem::Json { .. } => Fault::Function,
        }
    }

    /// One word for logs and metrics; stable.
    pub fn kind(&self) -> &'static str {
        match self {
            Problem::Unusable => "unusable",
            Problem::BreakerOpen => "breaker_open",
            Problem::Busy { .. } | Problem::Crowded { .. } => "busy",
            Problem::Resolve { .. } => "resolve",
            Problem::Egress { .. } => "egress",
            Problem::Connect { .. } => "connect",
            Problem::Tls { .. } => "tls",
            Problem::Timeout { .. } => "timeout",
            Problem::Closed { .. } => "closed",
            Problem::Head { .. } | Problem::Header { .. } => "head",
            Problem::Unframed | Problem::Framing { .. } => "framing",
            Problem::Truncated { .. } => "truncated",
            Problem::TooLarge { .. } => "too_large",
            Problem::Interim => "interim",
            Problem::Location { .. } | Problem::Scheme { .. } => "redirect",
            Problem::RedirectLoop { .. } | Problem::TooManyRedirects { .. } => "redirect",
            Problem::Status { .. } => "status",
            Problem::ContentEncoding { .. } | Problem::Text { .. } => "encoding",
            Problem::Json { .. } => "json",
        }
    }
}

// === impl Phase ===

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Phase::Queue => "waiting for a free connection",
            Phase::Resolve => "looking up its host",
            Phase::Connect => "connecting",
            Phase::Handshake => "setting up TLS",
            Phase::Head => "waiting for the answer to begin",
            Phase::Body => "reading the rest of the answer",
        })
    }
}

/// A word of the function's for a message: at most 60 printable ASCII characters of it.
pub(super) fn word(text: &[u8]) -> String {
    text.iter()
        .take(60)
        .map(|byte| if matches!(byte, b' '..=b'~') { *byte as char } else { '?' })
        .collect()
}
