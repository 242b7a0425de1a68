//! The record of a pending call in its execution.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::function::CallContent;
use crate::webhook::{Params, WebhookPayload, as_form};

/// A function call that an execution waits for: everything that is needed to make the same call
/// again if the table has lost it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingCall {
    /// The `Idempotency-Key`, made from the webhook that began the call.
    pub key: String,
    /// The number of hold documents sent so far.
    pub times: u32,
    /// The rendered URL of the widget that the function replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_url: Option<Box<str>>,
    /// What the widget says of its request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Box<CallContent>>,
    /// The flow's parameters, rendered.
    #[serde(with = "as_form")]
    pub parameters: Arc<Params>,
    /// The carrier's parameters, for a function with `forward_webhook`.
    #[serde(with = "as_form")]
    pub webhook: Arc<Params>,
    /// The carrier's body, if it is not a form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Box<WebhookPayload>>,
}
