//! The exchange: one webhook in, one document out.
//!
//! [`exchange`] runs the stages in order, and is the one place that catches a panic on the path of
//! a webhook. `decide` has every rule about what a webhook means, except that `later_turn` says
//! which request is the next turn of a call and not a repeat. `load` reads executions from the
//! store. `turn` advances an execution for a webhook, and `resume` advances one without a webhook;
//! both leave the steps to `turn_runner`. `pending` makes calls that may outlast their webhook.
//! `direct` answers for functions of the project on their own paths and, with `forward`, for
//! applications, without a flow.
//! `send_replies` sends a document over the carrier's API where no webhook waits for it.
//! `step_request` sends one request for a tool that runs the engine itself.
//! `stored_reply` has the bytes of a reply in the store. `adopt` renames stored executions when
//! their flow has another name.
//!
//! Invariant: what a webhook has changed is committed in one transaction with its reply, before the
//! reply leaves. This folder does not know HTTP on the carrier's side, the form of the store, or
//! what a widget does. [`fallback`] alone maps errors to replies, and the log only
//! observes.

mod adopt;
mod decide;
mod direct;
mod direct_reply;
mod forward;
mod later_turn;
mod load;
mod pending;
mod resume;
mod send_replies;
mod step_request;
mod stored_reply;
mod turn;
mod turn_runner;

pub use adopt::adopt;
pub use direct::exchange_directly;
pub use direct_reply::DirectReply;
pub use resume::resume_due;
pub use step_request::send_step_request;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

use actix_web::web::Bytes;
use tokio::time::{Instant, timeout_at};

pub use crate::exchange_error::ExchangeError;
pub use crate::fallback::WebhookReply;

use crate::catch_panic::catch_async;
use crate::channel::Channel;
use crate::fallback;
use crate::flow::Persistence;
use crate::gateway::{Gateway, Worker};
use crate::journal::ExchangeLog;
use crate::route::Route;
use crate::session::{ClaimGuard, ClaimKey, OpenTurn, StoreError, TurnOutcome, TurnRequest};
use crate::verify::Verification;
use crate::webhook::{Received, Webhook};
use decide::conversation;
use stored_reply::decode_reply;
use turn::{TurnResult, WebhookHandler};

/// The surroundings of an exchange: configuration, worker and deadline.
#[derive(Clone, Copy)]
pub struct ExchangeContext<'a> {
    /// The configuration at the time the webhook arrived. A reload does not change it.
    pub gateway: &'a Gateway,
    /// The store, the function clients and the pending calls of this thread.
    pub worker: &'a Worker,
    /// When the answer must have left.
    pub deadline: Instant,
}

/// What must be finished when a stage fails or panics.
#[derive(Default)]
struct ExchangeProgress<'a> {
    route: Option<&'a Arc<Route>>,
    /// The right to answer the webhook, until its reply is committed.
    claim: Option<ClaimGuard>,
}

/// Answers a webhook by the deadline, in every case. `received` reads the request. `target` is the
/// route of the request's path: its fallback is sent where a stage before the route panics.
pub async fn exchange<'a>(
    context: ExchangeContext<'a>,
    target: Option<&'a Arc<Route>>,
    received: Pin<&mut impl Future<Output = Result<Received, ExchangeError>>>,
    log: &mut ExchangeLog,
) -> WebhookReply {
    let mut progress = ExchangeProgress::default();
    // The reply of a failure, once a stage has failed while the claim was held.
    let mut failed: Option<WebhookReply> = None;
    let mut received = Some(received);
    // At most two rounds: the webhook itself, then the commit of its fallback. Both are under the
    // same catch, because the commit of a fallback can panic as well.
    let reply = loop {
        let stages = async {
            match (received.take(), &failed) {
                (Some(received), _) => answer(context, received, &mut progress, log).await,
                (None, reply) => commit_fallback(context, reply.as_ref(), &mut progress).await,
            }
        };
        // Pinned here and borrowed: a future that is moved into `catch_async` would be copied
        // whole.
        let caught = catch_async(pin!(stages)).await;
        let error = match caught {
            Ok(Ok(reply)) => break failed.unwrap_or(reply),
            Ok(Err(error)) => error,
            Err(panic) => {
                // A panic in verify or route comes before the route is known from the webhook.
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
        // The fallback is stored like any other reply: a repeat must not call again a function that
        // was called before the failure.
        failed = Some(reply);
    };
    log.record_document(&reply.document);
    log.record_reply(reply.status);
    reply
}

/// Verifies, routes, claims, runs and commits a webhook, in this order.
async fn answer<'a>(
    context: ExchangeContext<'a>,
    received: Pin<&mut impl Future<Output = Result<Received, ExchangeError>>>,
    progress: &mut ExchangeProgress<'a>,
    log: &mut ExchangeLog,
) -> Result<WebhookReply, ExchangeError> {
    let ExchangeContext { gateway, worker, deadline } = context;
    let Verification { mut webhook, proof } = gateway.verifier.verify(received.await?)?;
    log.record_webhook(&webhook, proof);
    let route = gateway.routes.find(&webhook)?;
    progress.route = Some(route);
    log.record_route(route);
    let conversation = conversation(&webhook, route);
    let turn = NewTurn {
        webhook: &webhook,
        channel: route.channel,
        session: conversation.session(),
        keeps_state: route.flow.persistence != Persistence::Never,
    };
    let document_of = |reply: &Bytes| decode_reply(reply.clone()).document;
    let opened = match turn.open(context, document_of, &mut progress.claim, log).await? {
        OpenedTurn::First(opened) => opened,
        OpenedTurn::Repeat(reply) => return Ok(decode_reply(reply)),
    };
    let handler = WebhookHandler { context, route };
    let result = handler.turn(&mut webhook, conversation, opened, log).await?;
    // At the deadline this delivery gets the fallback, and the write goes on: a repeat then gets
    // the reply.
    in_time(deadline, result.commit(worker, progress.claim.take())).await
}

/// A webhook whose turn is about to begin.
struct NewTurn<'a> {
    webhook: &'a Webhook,
    channel: Channel,
    session: Option<&'a str>,
    /// Whether the turns of its route change more than the count of calls.
    keeps_state: bool,
}

/// What is to be done for a webhook.
enum OpenedTurn {
    /// It is new: work on it. `None` where it has no session.
    First(Option<Box<OpenTurn>>),
    /// It is a repeat, and gets the stored reply.
    Repeat(Bytes),
}

impl NewTurn<'_> {
    /// Claims the webhook, and locks and reads its session. A repeat waits for the reply of the
    /// first delivery.
    async fn open(
        self,
        context: ExchangeContext<'_>,
        document_of: impl Fn(&Bytes) -> Bytes,
        claim: &mut Option<ClaimGuard>,
        log: &mut ExchangeLog,
    ) -> Result<OpenedTurn, ExchangeError> {
        let reply = match self.claim(context, document_of, claim).await? {
            TurnOutcome::First(opened) => return Ok(OpenedTurn::First(opened)),
            TurnOutcome::Locked => return Err(ExchangeError::Deadline),
            TurnOutcome::Answered { reply, .. } => Some(reply),
            TurnOutcome::Running(first) => {
                let reply = timeout_at(context.deadline, first.reply()).await;
                reply.map_err(|_| ExchangeError::Deadline)?
            }
        };
        log.record_repeat();
        reply.map(OpenedTurn::Repeat).ok_or(ExchangeError::Abandoned)
    }

    /// Claims the webhook, and locks and reads its session. One that equals an answered one is its
    /// repeat, unless it has another idempotency token and the reply has asked for it: then it is
    /// claimed as the turn after that one.
    ///
    /// Unless the route `keeps_state`, the carrier alone knows when a call stops ringing: one reply
    /// that has asked is enough for all later tokens.
    async fn claim(
        self,
        context: ExchangeContext<'_>,
        document_of: impl Fn(&Bytes) -> Bytes,
        claim: &mut Option<ClaimGuard>,
    ) -> Result<TurnOutcome, ExchangeError> {
        let NewTurn { webhook, channel, session, keeps_state } = self;
        let ExchangeContext { worker, deadline, .. } = context;
        let mut key = ClaimKey::from_webhook(webhook, channel);
        let mut is_due = false;
        loop {
            let request = TurnRequest { key: key.as_ref(), session, deadline };
            let outcome = in_time(deadline, worker.sessions.open_turn(request, claim)).await?;
            let TurnOutcome::Answered { reply, is_other_delivery: true } = &outcome else {
                return Ok(outcome);
            };
            is_due = (is_due && !keeps_state)
                || later_turn::asks_for_equal_request(&document_of(reply), webhook, channel);
            if !is_due || !key.as_mut().is_some_and(ClaimKey::advance) {
                return Ok(outcome);
            }
        }
    }
}

/// Stores the fallback of a failed webhook, so that its repeats get the same reply.
async fn commit_fallback(
    context: ExchangeContext<'_>,
    reply: Option<&WebhookReply>,
    progress: &mut ExchangeProgress<'_>,
) -> Result<WebhookReply, ExchangeError> {
    let document = reply.map_or_else(Bytes::new, |reply| reply.document.clone());
    let result = TurnResult::stateless(document);
    in_time(context.deadline, result.commit(context.worker, progress.claim.take())).await
}

/// Waits for the store until the deadline. A slow disk may take seconds for each write, and the
/// carrier does not wait that long.
async fn in_time<T, E: From<StoreError>>(
    deadline: Instant,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    timeout_at(deadline, work).await.unwrap_or_else(|_| Err(StoreError::Busy.into()))
}
