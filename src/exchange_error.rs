//! The errors of an exchange, one variant for each stage that can fail.

use crate::catch_panic::Panic;
use crate::flow::Failure;
use crate::route::RouteError;
use crate::session::StoreError;
use crate::verify::VerifyError;
use crate::webhook::ReceiveError;

/// Why the flow does not answer a webhook. `fallback` maps each variant to the reply that the
/// carrier gets instead.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// Stage 1: the request was not read.
    #[error(transparent)]
    Receive(#[from] ReceiveError),
    /// Stage 2: the request is not a webhook, or the carrier did not send it.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// Stage 3: no route answers the webhook.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// Stage 4: the first delivery of this webhook ended without a reply.
    #[error("the delivery that this one repeats ended without a reply")]
    Abandoned,
    /// Stage 4: the store failed, so the reply could not be stored or looked up.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Stages 5 to 8: the flow ended by a failure.
    #[error(transparent)]
    Flow(#[from] Failure),
    /// Stage 4: the first delivery of this webhook is still being answered at the deadline.
    #[error("the delivery that this one repeats was not answered within `server.answer_within_ms`")]
    Deadline,
    /// Stage 4: the step token of the webhook was used before, or was never issued.
    #[error("the webhook names a step that its execution does not wait for: a repeat, or a guess")]
    Step,
    /// Stage 4: `allow_concurrent_calls` is false, and the contact is in another call.
    #[error("the caller is in another call, and the flow's `allow_concurrent_calls` is false")]
    Concurrent,
    /// Stage 4: the flow revision of the execution cannot be compiled any more.
    #[error("the flow that the execution began with can no longer be run: {0}")]
    Revision(String),
    /// A bug of the gateway.
    #[error(transparent)]
    Panic(#[from] Panic),
}
