//! Why a request never became a webhook.

use crate::limits::WEBHOOK_BODY_BYTES_MAX;

/// Why a request was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiveError {
    /// Neither GET nor POST.
    #[error("the method is neither GET nor POST")]
    Method,
    /// The body is larger than any webhook.
    #[error("the body has more than {WEBHOOK_BODY_BYTES_MAX} bytes, the most a webhook may have")]
    TooLarge,
    /// The body did not come in time.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// The connection broke, or the framing is wrong.
    #[error("the body cannot be read")]
    Unreadable,
    /// It was sent behind a request whose answer was the last one of the connection.
    #[error("it came behind a request that was refused, on the same connection")]
    Pipelined,
}
