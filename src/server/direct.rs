//! Requests that no flow answers: for the functions and assets of a project, and for applications
//! behind a prefix.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header;
use actix_web::web::Bytes;

use super::asset::{allow_origins, answer_asset};
use super::receive::{read_body, received};
use crate::exchange::{DirectReply, ExchangeContext, ExchangeError, exchange_directly};
use crate::journal::ExchangeLog;
use crate::limits::{PROJECT_BODY_BYTES_MAX, WEBHOOK_BODY_BYTES_MAX};
use crate::route::{DirectCallee, DirectRoute, DirectTarget, RouteAccess};
use crate::webhook::{ReceiveError, Received};

/// Answers a request for a path that no flow answers.
pub(super) async fn answer_directly(
    context: ExchangeContext<'_>,
    route: &Arc<DirectRoute>,
    request: &mut ServiceRequest,
    log: &mut ExchangeLog,
) -> HttpResponse {
    let is_head = *request.method() == Method::HEAD;
    match &route.target {
        // As at Twilio: a browser asks before it sends a request from another site.
        DirectTarget::Call(DirectCallee::Function(_))
            if route.access == RouteAccess::Open && *request.method() == Method::OPTIONS =>
        {
            log.record_direct_route(route);
            let response = allow_origins();
            log.record_reply(response.status().as_u16());
            response
        }
        DirectTarget::Call(callee) => {
            let received = pin!(receive_all(context, route, request));
            let reply = exchange_directly(context, route, callee, received, log).await;
            respond(reply, is_head)
        }
        DirectTarget::Asset(file) => {
            log.record_direct_route(route);
            let response = answer_asset(context, route, file, request).await;
            let response = response.unwrap_or_else(|error| {
                log.record_failure(&error);
                HttpResponse::new(error.status)
            });
            log.record_reply(response.status().as_u16());
            response
        }
    }
}

/// Who may send a request to a route.
pub(super) fn access_of(route: &DirectRoute, request: &ServiceRequest) -> RouteAccess {
    let query = request.uri().query().unwrap_or_default();
    route.access_of(request.method(), request.path(), query)
}

/// Whether a request for an asset has a body. Only that of a call is read.
pub(super) fn has_unread_body(route: &DirectRoute, request: &ServiceRequest) -> bool {
    let headers = request.headers();
    let has_length = headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0");
    let has_body = has_length || headers.contains_key(header::TRANSFER_ENCODING);
    has_body && matches!(route.target, DirectTarget::Asset(_))
}

/// Reads a request with all its header fields.
pub(super) async fn receive_all(
    context: ExchangeContext<'_>,
    route: &DirectRoute,
    request: &mut ServiceRequest,
) -> Result<Received, ExchangeError> {
    let is_open = access_of(route, request) == RouteAccess::Open;
    // A signature covers the parameters of these two methods.
    if !is_open && !matches!(*request.method(), Method::GET | Method::POST) {
        return Err(ReceiveError::Method.into());
    }
    if !is_open {
        // Before the body is read: a request without a signature must not cost its memory.
        context.gateway.verifier.refuse_early(request.headers())?;
    }
    let most = if is_open { PROJECT_BODY_BYTES_MAX } else { WEBHOOK_BODY_BYTES_MAX };
    let body = read_body(request, most, context.deadline).await?;
    let headers = request.headers().clone();
    Ok(received(request, headers, body))
}

fn respond(reply: DirectReply, is_head: bool) -> HttpResponse {
    let mut response = HttpResponse::new(reply.status);
    let mut length = None;
    for (name, value) in reply.headers {
        // The length of a body that is not sent. Otherwise the listener frames the body itself.
        if name == header::CONTENT_LENGTH {
            length = value.to_str().ok().and_then(|length| length.parse().ok());
            continue;
        }
        response.headers_mut().append(name, value);
    }
    match length.filter(|_| is_head) {
        Some(length) => response.set_body(BoxBody::new(UnsentBody(length))),
        None => response.set_body(reply.body).map_into_boxed_body(),
    }
}

/// The body that a response to HEAD announces and does not send.
struct UnsentBody(u64);

impl MessageBody for UnsentBody {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0)
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}
