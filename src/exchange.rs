//! One webhook in, one document out: the stages in order.
//!
//! [`exchange`] walks them and is the one place that catches a panic on the path of a webhook.
//! `decide` has all rules about what a webhook means, `load` reads executions back, `turn` takes one
//! a turn further for a webhook and `resume` without one; both leave the walk through the flow to
//! `turn_runner`.
//!
//! Invariant: what a webhook has changed is committed together with its reply, before the reply
//! leaves. What the carrier gets for an error is [`fallback`](crate::fallback)'s matter; the log
//! only observes.

mod adopt;
mod decide;
mod load;
mod pending;
mod resume;
mod send_replies;
mod turn;
mod turn_runner;

pub use adopt::adopt;
pub use resume::resume_due;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

use actix_web::web::Bytes;
use tokio::time::{Instant, timeout_at};

pub use crate::exchange_error::ExchangeError;
pub use crate::fallback::WebhookReply;

use crate::catch_panic::catch_async;
use crate::fallback;
use crate::gateway::{Gateway, Worker};
use crate::journal::ExchangeLog;
use crate::route::Route;
use crate::session::{ClaimGuard, ClaimKey, ClaimOutcome, StoreError};
use crate::verify::Verification;
use crate::webhook::Received;
use turn::{TurnResult, WebhookHandler};

/// Where an exchange takes place.
#[derive(Clone, Copy)]
pub struct ExchangeContext<'a> {
    /// The configuration that answers.
    pub gateway: &'a Gateway,
    /// What this thread answers with.
    pub worker: &'a Worker,
    /// When the answer must have left.
    pub deadline: Instant,
}

/// How far a webhook has come: what is left to do when a stage fails or panics.
#[derive(Default)]
struct ExchangeProgress<'a> {
    route: Option<&'a Arc<Route>>,
    /// The right to answer the webhook, until its reply is committed.
    claim: Option<ClaimGuard>,
}

/// Answers a webhook, whatever happens, by the deadline. `received` reads the request; `target` is the
/// route of its path, whose fallback is sent where a stage before the route panics.
pub async fn exchange<'a>(
    context: ExchangeContext<'a>,
    target: Option<&'a Arc<Route>>,
    received: Pin<&mut impl Future<Output = Result<Received, ExchangeError>>>,
    log: &mut ExchangeLog,
) -> WebhookReply {
    let mut progress = ExchangeProgress::default();
    let mut failed: Option<WebhookReply> = None;
    let mut received = Some(received);
    let reply = loop {
        let stages = async {
            match (received.take(), &failed) {
                (Some(received), _) => answer(context, received, &mut progress, log).await,
                (None, reply) => commit_fallback(context, reply.as_ref(), &mut progress).await,
            }
        };
        // Pinned here and lent: a future that is handed on is copied whole.
        let caught = catch_async(pin!(stages)).await;
        let error = match caught {
            Ok(Ok(document)) => break failed.unwrap_or(WebhookReply::document(document)),
            Ok(Err(error)) => error,
            Err(panic) => {
                progress.route = progress.route.or(target);
                progress.route.inspect(|route| log.record_route(route));
                panic.into()
            }
        };
        log.record_failure(&error);
        let reply = fallback::reply_to(&error, progress.route.map(Arc::as_ref));
        if progress.claim.is_none() {
            break reply;
        }
        // Stored like any other reply: a function that was called before the failure is not called
        // again by a repeat.
        failed = Some(reply);
    };
    log.record_reply(reply.status);
    reply
}

/// Verify, route, claim, run, commit: the way of a webhook.
async fn answer<'a>(
    context: ExchangeContext<'a>,
    received: Pin<&mut impl Future<Output = Result<Received, ExchangeError>>>,
    progress: &mut ExchangeProgress<'a>,
    log: &mut ExchangeLog,
) -> Result<Bytes, ExchangeError> {
    let ExchangeContext { gateway, worker, deadline } = context;
    let Verification { webhook, proof } = gateway.verifier.verify(received.await?)?;
    log.record_webhook(&webhook, proof);
    let route = gateway.routes.find(&webhook)?;
    progress.route = Some(route);
    log.record_route(route);
    let claim = worker.sessions.claim(ClaimKey::from_webhook(&webhook, route.channel));
    match in_time(deadline, claim).await? {
        ClaimOutcome::Answered(reply) => {
            log.record_repeat();
            return Ok(reply);
        }
        ClaimOutcome::Running(first) => {
            let reply = timeout_at(deadline, first.reply()).await;
            let reply = reply.map_err(|_| ExchangeError::Deadline)?;
            log.record_repeat();
            return reply.ok_or(ExchangeError::Abandoned);
        }
        ClaimOutcome::First(claim) => progress.claim = Some(claim),
        ClaimOutcome::Unclaimed => {}
    }
    let result = WebhookHandler { context, route }.turn(webhook, log).await?;
    // Too late for this delivery is not too late for its repeats: the write goes on.
    in_time(deadline, result.commit(worker, progress.claim.take())).await
}

/// Stores the fallback of a failed webhook for its repeats.
async fn commit_fallback(
    context: ExchangeContext<'_>,
    reply: Option<&WebhookReply>,
    progress: &mut ExchangeProgress<'_>,
) -> Result<Bytes, ExchangeError> {
    let document = reply.map_or_else(Bytes::new, |reply| reply.document.clone());
    let result = TurnResult::stateless(document);
    in_time(context.deadline, result.commit(context.worker, progress.claim.take())).await
}

/// What a store does for a webhook, as long as the carrier waits for it: a disk may take seconds for
/// each write.
async fn in_time<T, E: From<StoreError>>(
    deadline: Instant,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    timeout_at(deadline, work).await.unwrap_or_else(|_| Err(StoreError::Busy.into()))
}
