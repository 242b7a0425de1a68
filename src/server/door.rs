//! Where a request comes in and its answer goes out: one for each worker thread.

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
use super::receive::{Refusal, receive};
use crate::catch_panic::unwinding;
use crate::clock;
use crate::exchange::{Answer, exchange, panicked_at};
use crate::gateway::{Gateway, Worker};
use crate::journal::Record;

/// One worker's door. A clone is the same door.
#[derive(Clone)]
pub(super) struct Door(Rc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    /// The worker of the configuration that was at work when this thread last looked.
    current: RefCell<Option<(Arc<Gateway>, Rc<Worker>)>>,
}

/// Whether the last answer of a connection has been given: what the client has sent behind it is
/// not looked at any more (RFC 9112, 9.6), although it may have been read already.
#[derive(Debug, Default)]
pub(super) struct Last(Cell<bool>);

impl Door {
    pub(super) fn new(shared: Arc<Shared>) -> Door {
        Door(Rc::new(Inner { shared, current: RefCell::new(None) }))
    }

    /// Answers one request, whatever happens.
    pub(super) async fn answer(
        self,
        mut request: ServiceRequest,
    ) -> actix_web::Result<ServiceResponse> {
        let shared = &self.0.shared;
        let _in_flight = InFlight::begin(shared);
        let began = clock::now();
        let mut record = Record::begin(&shared.journal, began);
        let (gateway, worker) = self.current();
        let deadline = began + gateway.config.server.answer_within;
        let behind = request.conn_data::<Last>().is_some_and(|last| last.0.get());
        let received = match behind {
            true => Ok(Err(Refusal::Behind)),
            false => unwinding(pin!(receive(&gateway, &mut request, deadline))).await,
        };
        let read = matches!(received, Ok(Ok(_)));
        let mut response = match received {
            Ok(Ok(received)) => {
                respond(exchange(&gateway, &worker, received, &mut record, deadline).await)
            }
            Ok(Err(refusal)) => {
                record.refused(refusal.status(), &refusal.to_string());
                refuse(&refusal)
            }
            Err(panicked) => {
                let at = gateway.routes.at(request.path());
                respond(panicked_at(at, panicked, &mut record))
            }
        };
        // Who was refused may have said what another reader takes for two requests, and what is
        // left of a body that was not read must not be taken for the next one.
        let refused = response.status() != StatusCode::OK || !read;
        let closes = refused || shared.draining.load(Ordering::Relaxed);
        if closes {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        if let Some(last) = request.conn_data::<Last>() {
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
                let worker = Rc::new(at_work.worker(self.0.shared.sessions.clone()));
                *current = Some((Arc::clone(&at_work), Rc::clone(&worker)));
                (Arc::clone(&at_work), worker)
            }
        }
    }
}

fn respond(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::new(status);
    if !answer.document.is_empty() {
        let xml = HeaderValue::from_static("text/xml; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, xml);
    }
    response.set_body(answer.document).map_into_boxed_body()
}

fn refuse(refusal: &Refusal) -> HttpResponse {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = HttpResponse::new(status);
    if let Refusal::Method = refusal {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
    }
    response.set_body(Bytes::new()).map_into_boxed_body()
}

/// Counts a request for as long as it is being answered, also when its client goes away.
struct InFlight<'a>(&'a Shared);

impl InFlight<'_> {
    fn begin(shared: &Shared) -> InFlight<'_> {
        shared.journal.meters.in_flight.inc();
        InFlight(shared)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.journal.meters.in_flight.dec();
    }
}
