//! A call with all that it needs, so that it can outlast the webhook that began it.

use std::sync::Arc;

use actix_web::web::Bytes;
use tokio::time::Instant;

use super::table::CallPermit;
use crate::clock;
use crate::config::Function;
use crate::function::{CallRequest, Destination, Functions, Outcome};
use crate::verify::SigningKey;
use crate::webhook::Params;

/// A call of a configured function that borrows nothing of a webhook.
pub struct DetachedCall {
    /// The clients of the thread that makes it.
    pub functions: Functions,
    /// What is called.
    pub function: Arc<Function>,
    /// The name of the widget that calls.
    pub widget: String,
    /// The flow's parameters, rendered.
    pub parameters: Arc<Params>,
    /// The carrier's parameters, for a function that wants them.
    pub webhook: Arc<Params>,
    /// The same as they came, where they came with this webhook.
    pub form: Option<Bytes>,
    /// What signs the request.
    pub signing_key: Option<SigningKey>,
    /// Its `Idempotency-Key`.
    pub key: String,
}

impl DetachedCall {
    /// Makes the call, and hands its outcome in. The function's own timeout ends it.
    pub async fn make(self, permit: CallPermit) {
        let outcome = self.outcome(clock::now() + self.function.timeout).await;
        permit.complete(outcome);
    }

    /// The outcome of the call, by a deadline.
    pub async fn outcome(&self, deadline: Instant) -> Outcome {
        let call = CallRequest {
            destination: Destination::Function(&self.function),
            widget: &self.widget,
            parameters: &self.parameters,
            webhook: &self.webhook,
            webhook_form: self.form.as_ref(),
            signing_key: self.signing_key.as_ref(),
            deadline,
            idempotency_key: &self.key,
        };
        self.functions.call(call).await
    }
}
