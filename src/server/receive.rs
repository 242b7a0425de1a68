//! From a request to a [`Received`]: bounded in size and time, and refused early where it can be.

use actix_web::FromRequest;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::web;
use tokio::time::{Instant, timeout_at};

use crate::gateway::Gateway;
use crate::limits::WEBHOOK_BODY_BYTES_MAX;
use crate::verify::VerifyError;
use crate::webhook::Received;

/// The header fields that the stages ask for. Copying all of them would cost as much as checking
/// the signature.
static ASKED_FOR: [HeaderName; 8] = [
    header::CONTENT_TYPE,
    header::HOST,
    HeaderName::from_static("x-twilio-signature"),
    HeaderName::from_static("i-twilio-idempotency-token"),
    HeaderName::from_static("x-twilio-webhooks-signature-settings"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-port"),
];

/// Why a request was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// Neither GET nor POST.
    #[error("the method is neither GET nor POST")]
    Method,
    /// Its signature cannot be one, so nothing of its body is worth reading.
    #[error(transparent)]
    Verify(VerifyError),
    /// The body is larger than any webhook.
    #[error("the body has more than {WEBHOOK_BODY_BYTES_MAX} bytes, the most a webhook may have")]
    TooLarge,
    /// The body did not come in time.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// The connection broke, or the framing is wrong.
    #[error("the body cannot be read")]
    Unreadable,
    /// It stands behind a request whose answer was the last one of the connection.
    #[error("it came behind a request that was refused, on the same connection")]
    Behind,
}

impl Refusal {
    pub(super) fn status(&self) -> u16 {
        match self {
            Refusal::Method => 405,
            Refusal::Verify(_) => 403,
            Refusal::TooLarge => 413,
            Refusal::TooSlow => 408,
            Refusal::Unreadable | Refusal::Behind => 400,
        }
    }
}

/// Reads a request. What is refused here has cost no more than its head.
pub(super) async fn receive(
    gateway: &Gateway,
    request: &mut ServiceRequest,
    deadline: Instant,
) -> Result<Received, Refusal> {
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return Err(Refusal::Method);
    }
    gateway.verifier.refuse_early(request.headers()).map_err(Refusal::Verify)?;
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > WEBHOOK_BODY_BYTES_MAX) {
        return Err(Refusal::TooLarge);
    }
    let (head, payload) = request.parts_mut();
    let payload = web::Payload::from_request(head, payload).await;
    let body = payload.map_err(|_| Refusal::Unreadable)?.to_bytes_limited(WEBHOOK_BODY_BYTES_MAX);
    let body = timeout_at(deadline, body).await.map_err(|_| Refusal::TooSlow)?;
    let body = body.map_err(|_| Refusal::TooLarge)?.map_err(|_| Refusal::Unreadable)?;
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    Ok(Received {
        method: request.method().clone(),
        target: target.to_owned(),
        headers: asked_for(request.headers()),
        peer: request.peer_addr().map(|peer| peer.ip()),
        body,
    })
}

/// Those of the fields, with their repetitions.
fn asked_for(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::with_capacity(ASKED_FOR.len());
    for name in &ASKED_FOR {
        for value in headers.get_all(name) {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}
