//! The handler of webhooks, one for each worker thread: from a request to its response.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix_web::HttpResponse;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::web::Bytes;

use super::Shared;
use super::direct::{access_of, answer_directly, has_unread_body};
use super::receive::{receive, with_body};
use crate::clock;
use crate::exchange::{ExchangeContext, WebhookReply, exchange};
use crate::gateway::{Gateway, Worker};
use crate::journal::ExchangeLog;
use crate::route::RouteAccess;
use crate::verify::refusal::RefusedRequest;
use crate::webhook::ReceiveError;

/// Answers the requests of one worker thread. A clone has the same state.
#[derive(Clone)]
pub(super) struct RequestHandler(Rc<WorkerState>);

struct WorkerState {
    shared: Arc<Shared>,
    /// The gateway that this thread used last, with its worker.
    current: RefCell<Option<(Arc<Gateway>, Rc<Worker>)>>,
}

/// Whether the last response of a connection was sent. Requests that the client has sent after it
/// are not processed (RFC 9112, section 9.6), although they may have been read already.
#[derive(Debug, Default)]
pub(super) struct AfterLastResponse(Cell<bool>);

impl RequestHandler {
    pub(super) fn new(shared: Arc<Shared>) -> RequestHandler {
        RequestHandler(Rc::new(WorkerState { shared, current: RefCell::new(None) }))
    }

    /// Answers one request. It never fails: every error has a response.
    pub(super) async fn answer(
        self,
        mut request: ServiceRequest,
    ) -> actix_web::Result<ServiceResponse> {
        let shared = &self.0.shared;
        // The first line, and dropped last: a drain must not end between a request and its answer.
        let _in_flight = shared.in_flight.begin();
        let began = clock::now();
        let mut log = ExchangeLog::begin(&shared.journal, began);
        let (gateway, worker) = self.current();
        // Looked up before the request is read, so that a failure to read it gets the fallback of
        // its route.
        let target = gateway.routes.at(request.path());
        let direct = if target.is_none() { gateway.direct_route(request.path()) } else { None };
        let deadline = began + gateway.answer_within(target, direct);
        let context = ExchangeContext { gateway: &gateway, worker: &worker, deadline };
        let is_after_last =
            request.conn_data::<AfterLastResponse>().is_some_and(|last| last.0.get());
        if let Some(route) = direct.filter(|_| !is_after_last) {
            let answer = answer_directly(context, route, &mut request, &mut log);
            // Boxed, so that its future takes no room in that of every webhook.
            let mut response = Box::pin(answer).await;
            let is_forbidden = response.status() == StatusCode::FORBIDDEN;
            if is_forbidden && access_of(route, &request) == RouteAccess::Signed {
                let mut refused = examine(&gateway, &request, None, 403);
                if let (Some(cause), Some(_)) = (&mut refused.cause, route.application()) {
                    cause.push_str("; media and pages for a browser have to be in `open`");
                }
                log.record_refusal(refused);
            }
            // Nothing may be read behind a body that was not: that of a refusal, or for an asset.
            let is_unread = response.status().is_client_error() || has_unread_body(route, &request);
            self.set_connection(&request, &mut response, is_unread);
            return Ok(request.into_response(response));
        }
        // Of a request that was read, for the record of its refusal.
        let body = Cell::new(None);
        let received = async {
            if is_after_last {
                return Err(ReceiveError::Pipelined.into());
            }
            let received = receive(&gateway, &mut request, deadline).await?;
            body.set(Some(received.body.clone()));
            Ok(received)
        };
        let reply = exchange(context, target, pin!(received), &mut log).await;
        let body = body.take();
        let was_read = body.is_some();
        if log.is_refusal() {
            log.record_refusal(examine(&gateway, &request, body, reply.status));
        }
        let mut response = respond(reply);
        // After a refusal the connection closes. A proxy may read two requests where this server
        // reads one, and the rest of an unread body must not count as the next request.
        let refused = response.status() != StatusCode::OK || !was_read;
        self.set_connection(&request, &mut response, refused);
        Ok(request.into_response(response))
    }

    /// Closes the connection after a refusal, and while the server drains: a connection that stays
    /// open would bring more requests.
    fn set_connection(&self, request: &ServiceRequest, response: &mut HttpResponse, refused: bool) {
        let closes = refused || self.0.shared.draining.load(Ordering::Relaxed);
        if closes {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        if let Some(last) = request.conn_data::<AfterLastResponse>() {
            last.0.set(closes);
        }
    }

    /// The current gateway, and this thread's worker of it.
    fn current(&self) -> (Arc<Gateway>, Rc<Worker>) {
        let latest = self.0.shared.gateway.read();
        let mut current = self.0.current.borrow_mut();
        match &*current {
            Some((gateway, worker)) if Arc::ptr_eq(gateway, &latest) => {
                (Arc::clone(gateway), Rc::clone(worker))
            }
            // The first request of the thread, or the first after a reload. Requests in progress
            // own the former worker, so it lives until the last of them ends.
            _ => {
                let worker = Rc::new(self.0.shared.worker(&latest));
                *current = Some((Arc::clone(&latest), Rc::clone(&worker)));
                (Arc::clone(&latest), worker)
            }
        }
    }
}

/// What the log says of a request that was refused. The body is missing if it was not read.
fn examine(
    gateway: &Gateway,
    request: &ServiceRequest,
    body: Option<Bytes>,
    status: u16,
) -> RefusedRequest {
    let has_body = body.is_some();
    let received = with_body(request, body.unwrap_or_default());
    let mut refused = gateway.verifier.examine(&received, has_body);
    if status == 404 {
        // The signature of such a request is right, or does not matter.
        refused.search = None;
        refused.cause = gateway.explain_unknown(received.path());
    }
    refused
}

fn respond(reply: WebhookReply) -> HttpResponse {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = HttpResponse::new(status);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        // RFC 9110, section 15.5.6 requires it.
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
    }
    if let Some(first) = reply.document.first() {
        // The answer to an event may be JSON. No document of TwiML begins as JSON does.
        let content_type = match first {
            b'{' | b'[' => "application/json",
            _ => "text/xml; charset=utf-8",
        };
        let content_type = HeaderValue::from_static(content_type);
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    for cookie in &reply.cookies {
        if let Ok(cookie) = HeaderValue::from_str(cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response.set_body(reply.document).map_into_boxed_body()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_future<A, B, F: Fn(A, B) -> T, T: Future>(_: F) -> usize {
        size_of::<T>()
    }

    // It is moved into a box once. Over 8 KiB, the copy costs the C library a multiple.
    #[test]
    fn the_future_of_a_webhook_is_small() {
        let size = size_of_future(RequestHandler::answer);
        assert!(size <= 8192, "{size} bytes");
    }
}
