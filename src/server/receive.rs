//! Reads a request as a [`Received`], within limits of size and time.

use actix_web::FromRequest;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::web::{self, Bytes};
use tokio::time::{Instant, timeout_at};

use crate::exchange::ExchangeError;
use crate::gateway::Gateway;
use crate::limits::WEBHOOK_BODY_BYTES_MAX;
use crate::webhook::{ReceiveError, Received};

/// The header fields that the stages read. Copying all of them would cost as much as checking
/// the signature.
static RELEVANT_HEADERS: [HeaderName; 9] = [
    header::CONTENT_TYPE,
    header::HOST,
    header::COOKIE,
    HeaderName::from_static("x-twilio-signature"),
    HeaderName::from_static("i-twilio-idempotency-token"),
    HeaderName::from_static("x-twilio-webhooks-signature-settings"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-port"),
];

/// Reads a request. A refusal before the body costs no more than the head.
pub(super) async fn receive(
    gateway: &Gateway,
    request: &mut ServiceRequest,
    deadline: Instant,
) -> Result<Received, ExchangeError> {
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return Err(ReceiveError::Method.into());
    }
    // Before the body is read: a request without a signature must not cost its memory.
    gateway.verifier.refuse_early(request.headers())?;
    let body = read_body(request, WEBHOOK_BODY_BYTES_MAX, deadline).await?;
    Ok(received(request, relevant_headers(request.headers()), body))
}

/// Reads the body of a request, up to `most` bytes.
pub(super) async fn read_body(
    request: &mut ServiceRequest,
    most: usize,
    deadline: Instant,
) -> Result<Bytes, ReceiveError> {
    // A declared length is refused at once; a chunked body is limited below, while it is read.
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > most) {
        return Err(ReceiveError::TooLarge);
    }
    let (head, payload) = request.parts_mut();
    let payload = web::Payload::from_request(head, payload).await;
    let body = payload.map_err(|_| ReceiveError::Unreadable)?.to_bytes_limited(most);
    // A client that sends slowly uses up the time for its own answer.
    let body = timeout_at(deadline, body).await.map_err(|_| ReceiveError::TooSlow)?;
    body.map_err(|_| ReceiveError::TooLarge)?.map_err(|_| ReceiveError::Unreadable)
}

/// The request with its body, as the stages get it.
pub(super) fn with_body(request: &ServiceRequest, body: Bytes) -> Received {
    received(request, relevant_headers(request.headers()), body)
}

/// The same with the header fields that a stage reads.
pub(super) fn received(request: &ServiceRequest, headers: HeaderMap, body: Bytes) -> Received {
    // As sent, not normalized: the carrier signs these bytes.
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    Received {
        method: request.method().clone(),
        target: target.to_owned(),
        headers,
        peer: request.peer_addr().map(|peer| peer.ip()),
        body,
    }
}

/// The relevant header fields, with their repetitions.
fn relevant_headers(headers: &HeaderMap) -> HeaderMap {
    let mut relevant = HeaderMap::with_capacity(RELEVANT_HEADERS.len());
    for name in &RELEVANT_HEADERS {
        // All values: a second signature or Host is a reason to refuse, which a stage checks.
        for value in headers.get_all(name) {
            relevant.append(name.clone(), value.clone());
        }
    }
    relevant
}
