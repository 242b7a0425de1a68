//! A request for a function of the project by the function's own path, or for an application behind
//! a prefix: it is answered with what the user's code says. `forward` has what is only done for an
//! application.
//!
//! The rules of every webhook hold: it is verified unless the path is open, a repeat gets the reply
//! of the first delivery, and a call or a message whose function fails gets a document.

use std::future::Future;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{CONNECTION, CONTENT_LENGTH, DATE, HeaderMap, TRANSFER_ENCODING};
use actix_web::web::Bytes;

use super::direct_reply::DirectReply;
use super::forward::Forwarding;
use super::turn::TurnResult;
use super::{ExchangeContext, NewTurn, OpenedTurn, in_time};
use crate::catch_panic::catch_async;
use crate::channel::Channel;
use crate::clock;
use crate::exchange_error::ExchangeError;
use crate::function::{CallError, Destination, DirectCall, TransportError};
use crate::journal::ExchangeLog;
use crate::limits::FUNCTION_WITHIN;
use crate::route::{Application, DirectCallee, DirectRoute, RouteAccess};
use crate::session::ClaimGuard;
use crate::verify::Verification;
use crate::webhook::{Received, Webhook};

/// A request as it came, and as it is passed on.
pub(super) struct PassedRequest {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) peer: Option<IpAddr>,
}

/// What must be finished when a stage fails or panics.
#[derive(Default)]
struct DirectProgress {
    claim: Option<ClaimGuard>,
    /// The kind of webhook, if it is one: it is owed a document.
    channel: Option<Channel>,
}

/// Answers a request that no flow answers by the deadline, in every case.
pub async fn exchange_directly(
    context: ExchangeContext<'_>,
    route: &Arc<DirectRoute>,
    callee: &DirectCallee,
    received: Pin<&mut impl Future<Output = Result<Received, ExchangeError>>>,
    log: &mut ExchangeLog,
) -> DirectReply {
    log.record_direct_route(route);
    let mut progress = DirectProgress::default();
    let stages = async {
        let exchange = DirectExchange { context, route, callee };
        exchange.answer(received.await?, &mut progress, log).await
    };
    let caught = catch_async(pin!(stages)).await;
    let error = match caught {
        Ok(Ok(reply)) => {
            log.record_document(&reply.body);
            log.record_reply(reply.status.as_u16());
            return reply;
        }
        Ok(Err(error)) => error,
        Err(panic) => panic.into(),
    };
    log.record_failure(&error);
    let document = progress.channel.map(|channel| route.fallback.of(channel));
    let reply = DirectReply::of_failure(&error, document);
    // As any other reply: a repeat must not call a function again that was called before.
    if progress.claim.is_some() {
        let result = TurnResult::stateless(reply.encode());
        let commit = result.commit(context.worker, progress.claim.take());
        let _ = in_time(context.deadline, commit).await;
    }
    log.record_document(&reply.body);
    log.record_reply(reply.status.as_u16());
    reply
}

/// One request for a function or an application.
struct DirectExchange<'a> {
    context: ExchangeContext<'a>,
    route: &'a DirectRoute,
    callee: &'a DirectCallee,
}

impl DirectExchange<'_> {
    async fn answer(
        self,
        received: Received,
        progress: &mut DirectProgress,
        log: &mut ExchangeLog,
    ) -> Result<DirectReply, ExchangeError> {
        let ExchangeContext { gateway, worker, deadline } = self.context;
        let verifier = &gateway.verifier;
        let access = self.route.access_of(&received.method, received.path(), received.query());
        let forwarding = match self.callee {
            DirectCallee::Application(application) => {
                Some(Forwarding::new(application, verifier, &received)?)
            }
            DirectCallee::Function(_) => None,
        };
        let mut request = PassedRequest::new(&received);
        let mut verified = None;
        if access != RouteAccess::Open {
            let Verification { webhook, proof } = verifier.verify(received)?;
            log.record_webhook(&webhook, proof);
            if let Some(reply) = self.claim_delivery(&webhook, progress, log).await? {
                return Ok(reply);
            }
            verified = Some(webhook);
        }
        if let Some(forwarding) = &forwarding {
            forwarding.prepare_request(&mut request, verified.as_ref(), verifier);
        }
        let params = verified.map(|webhook| webhook.params).unwrap_or_default();
        let is_open = access == RouteAccess::Open;
        let (destination, timeout) = self.destination(is_open);
        let PassedRequest { method, target, headers, body, .. } = request;
        let webhook = &params;
        let call = DirectCall {
            destination,
            timeout,
            method,
            target: &target,
            headers,
            body,
            webhook,
            is_verified: !is_open,
            deadline,
        };
        let result = self.call(call, log).await;
        let reply = match (result, forwarding) {
            (Ok(reply), Some(forwarding)) => {
                self.read_forwarded(reply, &forwarding, progress.channel, log)
            }
            (Ok(reply), None) => self.check_reply(reply, progress.channel, log),
            (Err(error), _) => self.reply_to_call_error(&error, progress.channel, log),
        };
        if progress.claim.is_some() {
            let result = TurnResult::stateless(reply.encode());
            in_time(deadline, result.commit(worker, progress.claim.take())).await?;
        }
        Ok(reply)
    }

    /// Claims a webhook, and finds what it is owed. The reply if another delivery has it.
    async fn claim_delivery(
        &self,
        webhook: &Webhook,
        progress: &mut DirectProgress,
        log: &mut ExchangeLog,
    ) -> Result<Option<DirectReply>, ExchangeError> {
        let channel = webhook.channel();
        // The carrier reads no document in the response to a report. A function of the project
        // gives one all the same.
        let is_application = matches!(self.callee, DirectCallee::Application(_));
        progress.channel = channel.filter(|_| !is_application || !webhook.is_status_report());
        let channel = channel.unwrap_or(Channel::Message);
        let document_of = |reply: &Bytes| DirectReply::decode(reply.clone()).body;
        let turn = NewTurn { webhook, channel, session: None, keeps_state: false };
        match turn.open(self.context, document_of, &mut progress.claim, log).await? {
            OpenedTurn::Repeat(reply) => Ok(Some(DirectReply::decode(reply))),
            OpenedTurn::First(_) => Ok(None),
        }
    }

    /// Where a request goes, and the time that its call may take.
    fn destination(&self, is_open: bool) -> (Destination<'_>, Duration) {
        match self.callee {
            DirectCallee::Function(function) => {
                (Destination::Function(function), function.timeout.unwrap_or(FUNCTION_WITHIN))
            }
            DirectCallee::Application(application) => {
                let Application { webhooks, open_server, timeout, .. } = &**application;
                let server = if is_open { open_server } else { webhooks };
                (Destination::Application(server), *timeout)
            }
        }
    }

    async fn call(
        &self,
        call: DirectCall<'_>,
        log: &mut ExchangeLog,
    ) -> Result<DirectReply, CallError> {
        let began = clock::now();
        let name = call.destination.name();
        let result = self.context.worker.functions.call_directly(call).await;
        let took = clock::now().duration_since(began);
        let status = result.as_ref().ok().map(|response| response.status.as_u16());
        log.record_direct_call(name, status, took);
        result.map(DirectReply::of_response)
    }

    /// The reply of a function, unless a caller cannot hear it.
    fn check_reply(
        &self,
        mut reply: DirectReply,
        channel: Option<Channel>,
        log: &mut ExchangeLog,
    ) -> DirectReply {
        // The listener frames the body itself, and decides about its connection.
        for name in [CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING] {
            reply.headers.remove(name);
        }
        let Some(channel) = channel else { return reply };
        // A caller must not hear the carrier's words for an error.
        match reply.unusable_document() {
            Some(reason) => self.fail(&reason, channel, log),
            None => reply,
        }
    }

    /// The reply of an application, as the carrier gets it.
    fn read_forwarded(
        &self,
        mut reply: DirectReply,
        forwarding: &Forwarding<'_>,
        channel: Option<Channel>,
        log: &mut ExchangeLog,
    ) -> DirectReply {
        forwarding.prepare_response(&mut reply.headers);
        let Some(channel) = channel else { return reply };
        match forwarding.read_answer(&mut reply, channel, log) {
            Ok(()) => reply,
            Err(reason) => self.fail(&reason, channel, log),
        }
    }

    fn reply_to_call_error(
        &self,
        error: &CallError,
        channel: Option<Channel>,
        log: &mut ExchangeLog,
    ) -> DirectReply {
        let reason = match (error, self.callee) {
            // The advice for a function names a key that an application does not have.
            (
                CallError::Transport(TransportError::TooLarge { limit }),
                DirectCallee::Application(_),
            ) => format!("sent more than {limit} bytes, the most that is passed on"),
            _ => error.to_string(),
        };
        match channel {
            Some(channel) => self.fail(&reason, channel, log),
            None => {
                self.record_failure(&reason, log);
                DirectReply::of_call_error(error, self.callee)
            }
        }
    }

    /// Records a failure, and gives the document for it.
    fn fail(&self, reason: &str, channel: Channel, log: &mut ExchangeLog) -> DirectReply {
        self.record_failure(reason, log);
        DirectReply::document(self.route.fallback.of(channel))
    }

    fn record_failure(&self, reason: &str, log: &mut ExchangeLog) {
        let (kind, name) = match self.callee {
            DirectCallee::Function(function) => ("function", &function.name),
            DirectCallee::Application(_) => ("application", &self.route.path),
        };
        log.record_failure(&format_args!("{kind} `{name}` {reason}"));
    }
}

// === impl PassedRequest ===

impl PassedRequest {
    fn new(received: &Received) -> PassedRequest {
        PassedRequest {
            method: received.method.clone(),
            target: received.target.clone(),
            headers: received.headers.clone(),
            body: received.body.clone(),
            peer: received.peer,
        }
    }
}
