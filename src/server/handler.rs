//! From a request to its response: one handler for each worker thread.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix_web::HttpResponse;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{ConnectionType, StatusCode};

use super::Shared;
use super::receive::receive;
use crate::clock;
use crate::exchange::{ExchangeContext, WebhookReply, exchange};
use crate::gateway::{Gateway, Worker};
use crate::journal::ExchangeLog;
use crate::webhook::ReceiveError;

/// What answers the requests of one worker thread. A clone is the same one.
#[derive(Clone)]
pub(super) struct RequestHandler(Rc<WorkerState>);

struct WorkerState {
    shared: Arc<Shared>,
    /// The worker of the configuration that was at work when this thread last looked.
    current: RefCell<Option<(Arc<Gateway>, Rc<Worker>)>>,
}

/// Whether the last answer of a connection has been given: what the client has sent behind it is
/// not looked at any more (RFC 9112, 9.6), although it may have been read already.
#[derive(Debug, Default)]
pub(super) struct AfterLastResponse(Cell<bool>);

impl RequestHandler {
    pub(super) fn new(shared: Arc<Shared>) -> RequestHandler {
        RequestHandler(Rc::new(WorkerState { shared, current: RefCell::new(None) }))
    }

    /// Answers one request, whatever happens.
    pub(super) async fn answer(
        self,
        mut request: ServiceRequest,
    ) -> actix_web::Result<ServiceResponse> {
        let shared = &self.0.shared;
        let _in_flight = InFlightGuard::begin(shared);
        let began = clock::now();
        let mut log = ExchangeLog::begin(&shared.journal, began);
        let (gateway, worker) = self.current();
        let deadline = began + gateway.config.server.answer_within;
        let target = gateway.routes.at(request.path());
        let was_read = Cell::new(false);
        let received = async {
            if request.conn_data::<AfterLastResponse>().is_some_and(|last| last.0.get()) {
                return Err(ReceiveError::Pipelined.into());
            }
            let received = receive(&gateway, &mut request, deadline).await?;
            was_read.set(true);
            Ok(received)
        };
        let context = ExchangeContext { gateway: &gateway, worker: &worker, deadline };
        let reply = exchange(context, target, pin!(received), &mut log).await;
        let mut response = respond(reply);
        // A request that was refused may be two requests to another reader of the connection, and
        // the rest of a body that was not read must not be taken for the next request.
        let refused = response.status() != StatusCode::OK || !was_read.get();
        let closes = refused || shared.draining.load(Ordering::Relaxed);
        if closes {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        if let Some(last) = request.conn_data::<AfterLastResponse>() {
            last.0.set(closes);
        }
        Ok(request.into_response(response))
    }

    /// The configuration at work, and this thread's worker for it.
    fn current(&self) -> (Arc<Gateway>, Rc<Worker>) {
        let at_work = self.0.shared.gateway.read();
        let mut current = self.0.current.borrow_mut();
        match &*current {
            Some((gateway, worker)) if Arc::ptr_eq(gateway, &at_work) => {
                (Arc::clone(gateway), Rc::clone(worker))
            }
            _ => {
                let Shared { sessions, pending, .. } = &*self.0.shared;
                let worker = Rc::new(at_work.worker(sessions.clone(), pending.clone()));
                *current = Some((Arc::clone(&at_work), Rc::clone(&worker)));
                (Arc::clone(&at_work), worker)
            }
        }
    }
}

fn respond(reply: WebhookReply) -> HttpResponse {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = HttpResponse::new(status);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
    }
    if !reply.document.is_empty() {
        let xml = HeaderValue::from_static("text/xml; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, xml);
    }
    response.set_body(reply.document).map_into_boxed_body()
}

/// Counts a request for as long as it is being answered, also when its client goes away.
struct InFlightGuard<'a>(&'a Shared);

impl InFlightGuard<'_> {
    fn begin(shared: &Shared) -> InFlightGuard<'_> {
        shared.journal.metrics.in_flight.inc();
        InFlightGuard(shared)
    }
}

impl Drop for InFlightGuard<'_> {
    fn drop(&mut self) {
        self.0.journal.metrics.in_flight.dec();
    }
}
