//! A request for a function of the project, by the function's own path: it is answered with what
//! the function says, as at Twilio.
//!
//! The rules of every webhook hold: it is verified unless the path is open, a repeat gets the reply
//! of the first delivery, and a call or a message whose function fails gets a document.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue,
    TRANSFER_ENCODING,
};
use actix_web::web::Bytes;
use tokio::time::timeout_at;

use super::turn::TurnResult;
use super::{ExchangeContext, NewTurn, in_time};
use crate::catch_panic::catch_async;
use crate::channel::Channel;
use crate::clock;
use crate::config::Function;
use crate::exchange_error::ExchangeError;
use crate::fallback;
use crate::function::{CallError, DirectCall, DirectResponse};
use crate::journal::ExchangeLog;
use crate::limits::DOCUMENT_BYTES_MAX;
use crate::media_type::essence;
use crate::route::{ProjectRoute, RouteAccess};
use crate::session::{ClaimGuard, TurnOutcome};
use crate::twiml::read::{DocumentLimits, parse_document};
use crate::verify::Verification;
use crate::webhook::{Params, Received};

/// The response to a request for a function.
#[derive(Clone, Debug)]
pub struct DirectReply {
    /// The status.
    pub status: StatusCode,
    /// The header fields of the function.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// What must be finished when a stage fails or panics.
#[derive(Default)]
struct DirectProgress {
    claim: Option<ClaimGuard>,
    /// The kind of webhook, if it is one: it is owed a document.
    channel: Option<Channel>,
}

/// Answers a request for a function by the deadline, in every case.
pub async fn exchange_directly(
    context: ExchangeContext<'_>,
    route: &Arc<ProjectRoute>,
    function: &Function,
    received: Pin<&mut impl Future<Output = Result<Received, ExchangeError>>>,
    log: &mut ExchangeLog,
) -> DirectReply {
    log.record_project_route(route);
    let mut progress = DirectProgress::default();
    let stages = async {
        let exchange = DirectExchange { context, route, function };
        exchange.answer(received.await?, &mut progress, log).await
    };
    let caught = catch_async(pin!(stages)).await;
    let error = match caught {
        Ok(Ok(reply)) => {
            log.record_reply(reply.status.as_u16());
            return reply;
        }
        Ok(Err(error)) => error,
        Err(panic) => panic.into(),
    };
    log.record_failure(&error);
    let reply = DirectReply::of_failure(&error, progress.channel);
    // As any other reply: a repeat must not call a function again that was called before.
    if progress.claim.is_some() {
        let result = TurnResult::stateless(reply.encode());
        let commit = result.commit(context.worker, progress.claim.take());
        let _ = in_time(context.deadline, commit).await;
    }
    log.record_reply(reply.status.as_u16());
    reply
}

/// One request for a function.
struct DirectExchange<'a> {
    context: ExchangeContext<'a>,
    route: &'a ProjectRoute,
    function: &'a Function,
}

impl DirectExchange<'_> {
    async fn answer(
        self,
        received: Received,
        progress: &mut DirectProgress,
        log: &mut ExchangeLog,
    ) -> Result<DirectReply, ExchangeError> {
        let ExchangeContext { gateway, worker, deadline } = self.context;
        let (method, target) = (received.method.clone(), received.target.clone());
        let (headers, body) = (received.headers.clone(), received.body.clone());
        let mut params = Params::default();
        if self.route.access != RouteAccess::Open {
            let Verification { mut webhook, proof } = gateway.verifier.verify(received)?;
            log.record_webhook(&webhook, proof);
            progress.channel = webhook.channel();
            let channel = progress.channel.unwrap_or(Channel::Message);
            let document_of = |reply: &Bytes| DirectReply::decode(reply.clone()).body;
            let turn = NewTurn { webhook: &webhook, channel, session: None, keeps_state: false };
            match turn.open(self.context, document_of, &mut progress.claim).await? {
                TurnOutcome::Answered { reply, .. } => {
                    log.record_repeat();
                    return Ok(DirectReply::decode(reply));
                }
                TurnOutcome::Running(first) => {
                    let reply = timeout_at(deadline, first.reply()).await;
                    let reply = reply.map_err(|_| ExchangeError::Deadline)?;
                    log.record_repeat();
                    return reply.map(DirectReply::decode).ok_or(ExchangeError::Abandoned);
                }
                TurnOutcome::Locked => return Err(ExchangeError::Deadline),
                TurnOutcome::First(_) => {}
            }
            params = std::mem::take(&mut webhook.params);
        }
        let call = DirectCall {
            function: self.function,
            method,
            target: &target,
            headers,
            body,
            webhook: &params,
            is_verified: self.route.access != RouteAccess::Open,
            deadline,
        };
        let reply = self.call(call, progress.channel, log).await;
        if progress.claim.is_some() {
            let result = TurnResult::stateless(reply.encode());
            in_time(deadline, result.commit(worker, progress.claim.take())).await?;
        }
        Ok(reply)
    }

    async fn call(
        &self,
        call: DirectCall<'_>,
        channel: Option<Channel>,
        log: &mut ExchangeLog,
    ) -> DirectReply {
        let began = clock::now();
        let result = self.context.worker.functions.call_directly(call).await;
        let took = clock::now().duration_since(began);
        let status = result.as_ref().ok().map(|response| response.status.as_u16());
        log.record_direct_call(&self.function.name, status, took);
        let name = &self.function.name;
        let reply = match result {
            Ok(response) => DirectReply::of_response(response),
            Err(error) => {
                log.record_failure(&format_args!("function `{name}` {error}"));
                return DirectReply::of_call_error(&error, channel);
            }
        };
        let Some(channel) = channel else { return reply };
        // A caller must not hear the carrier's words for an error.
        match reply.unusable_document() {
            Some(reason) => {
                log.record_failure(&format_args!("function `{name}` {reason}"));
                DirectReply::document(fallback::built_in(channel))
            }
            None => reply,
        }
    }
}

// === impl DirectReply ===

impl DirectReply {
    /// A document for the carrier.
    fn document(document: Bytes) -> DirectReply {
        let xml = HeaderValue::from_static("text/xml; charset=utf-8");
        DirectReply::new(StatusCode::OK, CONTENT_TYPE, xml, document)
    }

    fn new(status: StatusCode, name: HeaderName, value: HeaderValue, body: Bytes) -> DirectReply {
        let mut headers = HeaderMap::with_capacity(1);
        headers.insert(name, value);
        DirectReply { status, headers, body }
    }

    fn of_response(response: DirectResponse) -> DirectReply {
        let DirectResponse { status, mut headers, body } = response;
        // The listener frames the body itself, and decides about its connection.
        for name in [CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING] {
            headers.remove(name);
        }
        DirectReply { status, headers, body }
    }

    /// The reply where the function gave none.
    fn of_call_error(error: &CallError, channel: Option<Channel>) -> DirectReply {
        if let Some(channel) = channel {
            return DirectReply::document(fallback::built_in(channel));
        }
        let status = match error {
            CallError::Timeout { .. } => StatusCode::GATEWAY_TIMEOUT,
            CallError::BreakerOpen | CallError::Busy { .. } | CallError::Crowded { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        DirectReply::refusal(status)
    }

    /// The reply where a stage failed before the function was called, or after.
    fn of_failure(error: &ExchangeError, channel: Option<Channel>) -> DirectReply {
        let reply = fallback::reply_to(error, None);
        let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::BAD_REQUEST);
        match channel {
            Some(channel) if status == StatusCode::OK => {
                DirectReply::document(fallback::built_in(channel))
            }
            // What a route would answer with a document: here no document is expected.
            None if status == StatusCode::OK => {
                DirectReply::refusal(StatusCode::SERVICE_UNAVAILABLE)
            }
            _ => DirectReply { status, headers: HeaderMap::new(), body: Bytes::new() },
        }
    }

    fn refusal(status: StatusCode) -> DirectReply {
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        let body = Bytes::from_static(br#"{"message":"The function failed.","name":"Error"}"#);
        DirectReply::new(status, CONTENT_TYPE, json, body)
    }

    /// Why the carrier could not use the response to a call or a message.
    fn unusable_document(&self) -> Option<String> {
        if self.status.is_server_error() {
            return Some(format!("answered with status {}", self.status.as_u16()));
        }
        let content_type = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_xml = matches!(
            essence(content_type.unwrap_or_default()).to_ascii_lowercase().as_str(),
            "text/xml" | "application/xml"
        );
        if !self.status.is_success() || !is_xml || self.body.is_empty() {
            return None;
        }
        if self.body.len() > DOCUMENT_BYTES_MAX {
            return Some(format!("sent a document of more than {DOCUMENT_BYTES_MAX} bytes"));
        }
        let parsed = parse_document(&self.body, &DocumentLimits::default());
        parsed.err().map(|error| format!("sent a document that is not TwiML: {error}"))
    }

    /// The reply as the session stores it for repeats: the head in a line of JSON, and the body.
    fn encode(&self) -> Bytes {
        let fields = self
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let fields: Vec<_> = fields.collect();
        let head = serde_json::json!([self.status.as_u16(), fields]).to_string();
        [head.as_bytes(), b"\n", &self.body].concat().into()
    }

    /// The reply of an earlier delivery.
    fn decode(stored: Bytes) -> DirectReply {
        let end = stored.iter().position(|byte| *byte == b'\n').unwrap_or(stored.len());
        let head: Option<(u16, Vec<(String, String)>)> =
            serde_json::from_slice(&stored[..end]).ok();
        // A reply of a route that had this path before: a document.
        let Some((status, fields)) = head else { return DirectReply::document(stored) };
        let mut headers = HeaderMap::with_capacity(fields.len());
        for (name, value) in fields {
            let name = HeaderName::try_from(name).ok();
            if let Some((name, value)) = name.zip(HeaderValue::from_str(&value).ok()) {
                headers.append(name, value);
            }
        }
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        DirectReply { status, headers, body: stored.slice((end + 1).min(stored.len())..) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_reply_is_the_reply() {
        let mut reply = DirectReply::document(Bytes::from_static(b"<Response/>\n\0"));
        let cookie = |text| HeaderValue::from_static(text);
        for value in ["a=1", "b=2"] {
            reply.headers.append(HeaderName::from_static("set-cookie"), cookie(value));
        }
        let decoded = DirectReply::decode(reply.encode());
        assert_eq!((decoded.status, &decoded.body), (reply.status, &reply.body));
        let fields = |reply: &DirectReply| {
            let mut fields: Vec<_> = reply
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), value.clone()))
                .collect();
            fields.sort();
            fields
        };
        assert_eq!(fields(&decoded), fields(&reply));
        let document = DirectReply::decode(Bytes::from_static(b"<Response/>"));
        assert_eq!(&document.body[..], b"<Response/>");
    }
}
