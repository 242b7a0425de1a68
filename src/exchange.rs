//! One webhook in, one document out: the stages in order.

mod adopt;
mod conversation;
mod decide;
mod deliver;
mod hold;
mod run;
mod saved;
mod timer;

pub use adopt::adopt;
#[doc(hidden)]
pub use saved::FORM;
pub use saved::{ended, pair, read as stored, requested};
pub use timer::fire;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use actix_web::web::Bytes;
use tokio::time::{Instant, timeout_at};

use crate::catch_panic::unwinding;
use crate::flow::Failure;
use crate::gateway::{Gateway, Worker};
use crate::journal::Record;
use crate::route::{Route, RouteError};
use crate::session::{ClaimKey, ClaimOutcome, StoreError};
use crate::verify::{Verification, VerifyError};
use crate::webhook::Received;
use conversation::Answering;

pub use crate::catch_panic::Panicked;

/// What goes back to the carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// 200 with a document, or a refusal without a body.
    pub status: u16,
    /// TwiML, or nothing.
    pub document: Bytes,
}

/// Everything that can keep a webhook from its answer, one variant for each stage.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// Stage 2: it cannot be read, or the carrier did not send it.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// Stage 3: nothing answers here.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// Stage 4: another delivery was being worked on, and ended without a reply.
    #[error("the delivery that this one repeats ended without a reply")]
    Abandoned,
    /// Stage 4: what would be answered cannot be kept.
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
    /// A bug of ours.
    #[error(transparent)]
    Panic(#[from] Panicked),
}

/// Answers a webhook, whatever happens, by `deadline`.
pub async fn exchange(
    gateway: &Gateway,
    worker: &Worker,
    received: Received,
    record: &mut Record,
    deadline: Instant,
) -> Answer {
    let at = gateway.routes.at(received.path());
    // Pinned here and lent: a future that is handed on is copied whole.
    let document = {
        let stages = pin!(stages(gateway, worker, received, record, deadline));
        unwinding(stages).await
    };
    let answer = match document {
        Ok(Ok(document)) => Answer { status: 200, document },
        Ok(Err(error)) => record.failed(&error),
        Err(panicked) => return panicked_at(at, panicked, record),
    };
    record.answered(&answer);
    answer
}

/// What is answered to whatever came to a path when nothing else can be: the fallback of its route,
/// which tells nothing, whoever asked for it.
pub(crate) fn panicked_at(
    at: Option<&Arc<Route>>,
    panicked: Panicked,
    record: &mut Record,
) -> Answer {
    if let Some(route) = at {
        record.route(route);
    }
    let answer = record.failed(&panicked.into());
    record.answered(&answer);
    answer
}

/// Verify, route, claim, run: the way of a webhook.
async fn stages(
    gateway: &Gateway,
    worker: &Worker,
    received: Received,
    record: &mut Record,
    deadline: Instant,
) -> Result<Bytes, ExchangeError> {
    let Verification { webhook, proof } = gateway.verifier.verify(received)?;
    record.webhook(&webhook, proof);
    let route = gateway.routes.find(&webhook)?;
    record.route(route);
    let claim = worker.sessions.claim(ClaimKey::from_webhook(&webhook, route.channel));
    let claim = match in_time(deadline, claim).await? {
        ClaimOutcome::Answered(reply) => return Ok(record.repeated(reply)),
        ClaimOutcome::Running(first) => {
            let reply = timeout_at(deadline, first.reply()).await;
            let reply = reply.map_err(|_| ExchangeError::Deadline)?;
            return Ok(record.repeated(reply.ok_or(ExchangeError::Abandoned)?));
        }
        ClaimOutcome::First(claim) => Some(claim),
        ClaimOutcome::Unclaimed => None,
    };
    let answering = Answering { gateway, worker, route, deadline };
    let said = answering.webhook(webhook, record).await;
    // Too late for this delivery is not too late for its repeats: the write goes on.
    in_time(deadline, said.keep(worker, claim)).await
}

/// What a store does for a webhook, as long as somebody waits for it: a disk may take seconds for
/// each write.
async fn in_time<T, E: From<StoreError>>(
    deadline: Instant,
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    timeout_at(deadline, asked).await.unwrap_or_else(|_| Err(StoreError::Busy.into()))
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;
    use crate::fallback;

    /// P18: whatever a stage panics with, the exchange ends with an error that has its answer. What
    /// is made at run time may quote somebody.
    #[actix_web::test]
    async fn a_panic_is_an_error_like_any_other() {
        let panics: [fn() -> Bytes; 3] = [
            || panic!("a text"),
            || panic!("a text of {}", black_box(2)),
            || std::panic::panic_any(7),
        ];
        for (panics, text) in panics.into_iter().zip(["a text", "not shown", "not shown"]) {
            let stage = pin!(async move {
                tokio::task::yield_now().await;
                panics()
            });
            let Err(panicked) = unwinding(stage).await else { panic!("it went on") };
            assert!(panicked.to_string().ends_with(text), "{panicked}");
            let answer = fallback::answer(&panicked.into(), None);
            assert_eq!((answer.status, answer.document), (200, crate::twiml::EMPTY));
        }
        let goes_on = pin!(async { 1 });
        assert_eq!(unwinding(goes_on).await.ok(), Some(1));
    }
}
