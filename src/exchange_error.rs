//! Everything that can keep a webhook from its answer.

use crate::catch_panic::Panic;
use crate::flow::Failure;
use crate::gateway::RevisionError;
use crate::route::RouteError;
use crate::session::StoreError;
use crate::verify::VerifyError;
use crate::webhook::ReceiveError;

/// Why a webhook is not answered by its flow, one variant for each stage. What the carrier gets
/// instead is [`fallback`](crate::fallback)'s matter.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// Stage 1: the request was not read.
    #[error(transparent)]
    Receive(#[from] ReceiveError),
    /// Stage 2: it cannot be read as a webhook, or the carrier did not send it.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// Stage 3: nothing answers here.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// Stage 4: another delivery was being worked on, and ended without a reply.
    #[error("the delivery that this one repeats ended without a reply")]
    Abandoned,
    /// Stage 4: the store failed, so the reply could not be stored or looked up.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Stages 5 to 8: the flow ended by a failure.
    #[error(transparent)]
    Flow(#[from] Failure),
    /// Stage 4: another delivery is being worked on, and its reply did not come in time.
    #[error("the delivery that this one repeats was not answered within `server.answer_within_ms`")]
    Deadline,
    /// Stage 4: the step that the webhook names has been taken, or never was one.
    #[error("the webhook names a step that its execution does not wait for: a repeat, or a guess")]
    Step,
    /// Stage 4: `allow_concurrent_calls` is false, and the caller has a call already.
    #[error("the caller is in another call, and the flow's `allow_concurrent_calls` is false")]
    Concurrent,
    /// Stage 4: the revision of the flow that an execution is on cannot be made any more.
    #[error("the flow that the execution began with can no longer be run: {0}")]
    Revision(String),
    /// A bug of the gateway.
    #[error(transparent)]
    Panic(#[from] Panic),
}

impl From<RevisionError> for ExchangeError {
    fn from(error: RevisionError) -> ExchangeError {
        match error {
            RevisionError::Store(error) => ExchangeError::Store(error),
            RevisionError::Gone(why) => ExchangeError::Revision(why),
        }
    }
}
