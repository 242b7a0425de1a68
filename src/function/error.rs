//! Why a call failed, for the log: what happened and what to do about it.
//!
//! Invariant: no message holds a query string, a body or a parameter; hosts and media types only.

use std::time::Duration;

use super::transport::{CallPhase, TransportError};
use crate::limits::FUNCTION_REDIRECTS_MAX;

/// A failed call: the function and the cause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("function `{function}` {cause}")]
pub struct FunctionError {
    /// The function's configured name; of another URL its scheme, host and port.
    pub function: String,
    /// What went wrong.
    pub cause: CallError,
}

/// What went wrong in a call. Each message continues "function `name` …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The URL is a placeholder, or the account's credentials must not go there.
    #[error("has no URL that may be asked, expected one with http:// or https:// and a host")]
    Unusable,
    /// The parameters of a GET make a URL that is too long.
    #[error("cannot be called: the parameters do not fit into a URL; use `method = \"POST\"`")]
    UrlTooLong,
    /// The circuit breaker is open: the last calls failed one after the other.
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
    /// Every connection of the worker to this function is in use, and the calls in the queue
    /// already need all the time that there is.
    #[error(
        "is not called: all {connections} `connections` of this worker are in use, and the queue \
         of calls already takes too long; raise that number, or make the function faster"
    )]
    Crowded {
        /// The configured limit.
        connections: usize,
    },
    /// The time was over.
    #[error("took longer than {after:?}: the time was over while {phase}")]
    Timeout {
        /// The time that the call had.
        after: Duration,
        /// What the call was waiting for.
        phase: CallPhase,
    },
    /// No whole response came over the network.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// A header that must be one is several, or is unreadable.
    #[error("sent a `{name}` header that {reason}")]
    Header {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A redirect without a usable `Location`.
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
        /// What is allowed.
        expected: &'static str,
    },
    /// A redirect to a URL that the call has visited.
    #[error("redirects in a circle, by way of `{host}`")]
    RedirectLoop {
        /// The host it leads to.
        host: String,
    },
    /// More redirects than are followed.
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

impl CallError {
    /// The error of a transport in a call that had `after` in all.
    pub(super) fn from_transport(error: TransportError, after: Duration) -> CallError {
        match error {
            // The user configured the time of the whole call, not that of one request.
            TransportError::Timeout { phase } => CallError::Timeout { after, phase },
            error => CallError::Transport(error),
        }
    }

    /// The class of the error as one word for logs and metrics. The words are stable.
    pub fn kind(&self) -> &'static str {
        match self {
            CallError::Unusable => "unusable",
            CallError::UrlTooLong => "head",
            CallError::BreakerOpen => "breaker_open",
            CallError::Busy { .. } | CallError::Crowded { .. } => "busy",
            CallError::Timeout { .. } => "timeout",
            CallError::Transport(error) => error.kind(),
            CallError::Header { .. } => "head",
            CallError::Location { .. } | CallError::Scheme { .. } => "redirect",
            CallError::RedirectLoop { .. } | CallError::TooManyRedirects { .. } => "redirect",
            CallError::Status { .. } => "status",
            CallError::ContentEncoding { .. } | CallError::Text { .. } => "encoding",
            CallError::Json { .. } => "json",
        }
    }
}
