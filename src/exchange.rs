//! One webhook in, one document out: the stages in order.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use actix_web::web::Bytes;
use tokio::time::{Instant, timeout_at};

use crate::clock;
use crate::flow::{Event, Execution, Failure, FunctionCall, Step, advance};
use crate::function::{Call, Outcome};
use crate::gateway::{Gateway, Worker};
use crate::journal::Record;
use crate::random;
use crate::route::{Route, RouteError};
use crate::session::{Claim, Commit, Key, StoreError, Ticket};
use crate::verify::VerifyError;
use crate::webhook::{Params, Received, Webhook};

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
    /// A bug of ours.
    #[error(transparent)]
    Panic(#[from] Panicked),
}

/// A panic inside a stage, caught at the border of the exchange.
#[derive(Debug, thiserror::Error)]
#[error("the gateway panicked, please report it: {0}")]
pub struct Panicked(String);

/// An empty document: hang up, or no reply.
pub const EMPTY: Bytes = Bytes::from_static(b"<Response/>");

/// Answers a webhook, whatever happens, by `deadline`.
pub async fn exchange(
    gateway: &Gateway,
    worker: &Worker,
    received: Received,
    record: &mut Record,
    deadline: Instant,
) -> Answer {
    // Pinned here and lent: a future that is handed on is copied whole.
    let document = {
        let stages = pin!(stages(gateway, worker, received, record, deadline));
        unwinding(stages).await.unwrap_or_else(|panic| Err(panic.into()))
    };
    let answer = match document {
        Ok(document) => Answer { status: 200, document },
        Err(error) => record.failed(&error),
    };
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
    let webhook = gateway.verifier.verify(received)?;
    record.webhook(&webhook);
    let route = gateway.routes.find(&webhook)?;
    record.route(route);
    let turn = Turn { gateway, worker, route, deadline };
    match worker.sessions.claim(Key::of(&webhook, route.channel)).await? {
        Claim::Answered(reply) => Ok(record.repeated(reply)),
        Claim::Running(first) => match timeout_at(deadline, first.reply()).await {
            Ok(reply) => Ok(record.repeated(reply.ok_or(ExchangeError::Abandoned)?)),
            Err(_) => Err(ExchangeError::Deadline),
        },
        Claim::First(ticket) => {
            let document = document(turn, webhook, record).await;
            // Too late for this delivery is not too late for its repeats: the write goes on.
            let kept = timeout_at(deadline, keep(worker, ticket, &document)).await;
            kept.unwrap_or(Err(StoreError::Busy))?;
            Ok(document)
        }
        Claim::Unclaimed => Ok(document(turn, webhook, record).await),
    }
}

/// Keeps the reply for the webhook's repeats, before it leaves.
async fn keep(worker: &Worker, ticket: Ticket, reply: &Bytes) -> Result<(), StoreError> {
    let (reply, now) = (reply.clone(), clock::wall());
    let commit = Commit { ticket: Some(ticket), reply, execution: None, steps: Vec::new(), now };
    worker.sessions.commit(commit).await
}

/// The document of a route for a webhook: the flow's, or the fallback of whatever stopped it.
async fn document(turn: Turn<'_>, webhook: Webhook, record: &mut Record) -> Bytes {
    match run(turn, webhook, record).await {
        Ok(document) => document,
        Err(failure) => record.failed(&failure.into()).document,
    }
}

/// Runs a flow until it has something to say: the engine decides, this does. All that it waits for
/// is functions, and each call of one ends by the deadline.
async fn run(turn: Turn<'_>, mut webhook: Webhook, record: &mut Record) -> Result<Bytes, Failure> {
    let params = Arc::new(std::mem::take(&mut webhook.params));
    let route = turn.route;
    let mut execution = Execution::begin(random::sid("FN"), route.channel, Arc::clone(&params));
    let mut event = Event::Trigger;
    let ended = loop {
        match advance(&route.flow, &mut execution, event, clock::wall()) {
            Step::Call(call) => {
                let outcome = turn.call(&call, &webhook, &params, execution.steps).await;
                record.called(&call.function.name, &outcome);
                event = Event::Answered(outcome);
            }
            Step::Reply(document) => break Ok(document),
            Step::End => break Ok(EMPTY),
            Step::Failed(failure) => break Err(failure),
        }
    };
    record.remarks(execution.remarks);
    ended
}

/// What one run of a flow works with.
#[derive(Clone, Copy)]
struct Turn<'a> {
    gateway: &'a Gateway,
    worker: &'a Worker,
    route: &'a Route,
    deadline: Instant,
}

impl Turn<'_> {
    /// Calls a function for a webhook: signed with the token of the account that the webhook came
    /// from, and with a key that is the same when the carrier repeats the webhook.
    async fn call(
        &self,
        call: &FunctionCall,
        webhook: &Webhook,
        params: &Params,
        step: u32,
    ) -> Outcome {
        let account = webhook.account.as_deref();
        let event = webhook.idempotency_token.as_deref();
        let event = event.or_else(|| params.sid()).unwrap_or_default();
        let call = Call {
            function: &call.function,
            parameters: &call.parameters,
            webhook: params,
            webhook_form: (!params.is_empty() && !webhook.body.is_empty()).then_some(&webhook.body),
            signing_key: account.and_then(|account| self.gateway.verifier.signing_key(account)),
            deadline: self.deadline,
            idempotency_key: &format!("{event}:{step}"),
        };
        self.worker.functions.call(call).await
    }
}

/// Turns a panic inside `future` into an error, so that the caller still hears something.
async fn unwinding<T>(mut future: Pin<&mut impl Future<Output = T>>) -> Result<T, Panicked> {
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        polled.map_or_else(
            |panic| Poll::Ready(Err(Panicked::of(panic.as_ref()))),
            |poll| poll.map(Ok),
        )
    })
    .await
}

// === impl Panicked ===

impl Panicked {
    fn of(panic: &(dyn std::any::Any + Send)) -> Panicked {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Panicked(text.unwrap_or("without a word").to_owned())
    }
}
