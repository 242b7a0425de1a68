//! A call that owns everything it needs, so that it can outlast the webhook that began it.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::HeaderValue;
use actix_web::web::Bytes;
use tokio::time::Instant;

use super::table::CallPermit;
use crate::clock;
use crate::config::Function;
use crate::function::{CallContent, CallCookies, CallRequest, Destination, Functions, Outcome};
use crate::verify::SigningKey;
use crate::webhook::{Params, WebhookPayload};

/// A call of a configured function that borrows nothing from a webhook.
pub(crate) struct DetachedCall {
    /// The clients of the thread that makes the call.
    pub functions: Functions,
    /// The function.
    pub function: Arc<Function>,
    /// The name of the widget that calls.
    pub widget: String,
    /// The rendered URL of the widget that the function replaces.
    pub replaced_url: Option<Box<str>>,
    /// What the widget says of its request.
    pub content: Option<Box<CallContent>>,
    /// The value of `Authorization`, if the widget asks for it.
    pub credentials: Option<Box<HeaderValue>>,
    /// The flow's parameters, rendered.
    pub parameters: Arc<Params>,
    /// The carrier's parameters, for a function with `forward_webhook`.
    pub webhook: Arc<Params>,
    /// The same parameters as the carrier encoded them, if this webhook has them.
    pub form: Option<Bytes>,
    /// The carrier's body, if it is not a form.
    pub payload: Option<Box<WebhookPayload>>,
    /// The path of the route and the carrier's cookies, if the route passes cookies on.
    pub cookies: Option<(String, String)>,
    /// The key that signs the request.
    pub signing_key: Option<SigningKey>,
    /// The time for the whole call.
    pub timeout: Duration,
    /// The `Idempotency-Key`.
    pub key: String,
}

impl DetachedCall {
    /// Makes the call, and completes the permit with its outcome. The function's timeout ends it,
    /// not the deadline of the webhook.
    pub(crate) async fn make(self, permit: CallPermit) {
        let outcome = self.outcome(clock::now() + self.timeout).await;
        permit.complete(outcome);
    }

    /// Makes the call, with a deadline.
    pub(crate) async fn outcome(&self, deadline: Instant) -> Outcome {
        let call = CallRequest {
            destination: Destination::Function(&self.function),
            widget: &self.widget,
            replaced_url: self.replaced_url.as_deref(),
            content: self.content.as_deref(),
            credentials: self.credentials.as_deref(),
            parameters: &self.parameters,
            webhook: &self.webhook,
            webhook_form: self.form.as_ref(),
            webhook_payload: self.payload.as_deref(),
            cookies: self.cookies.as_ref().map(|(route, received)| CallCookies { route, received }),
            signing_key: self.signing_key.as_ref(),
            timeout: self.timeout,
            deadline,
            idempotency_key: &self.key,
        };
        self.functions.call(call).await
    }
}
