//! What goes into the engine and what comes out of it: an event, and the step that follows.

use std::sync::Arc;

use actix_web::web::Bytes;
use serde_json::{Map, Value};

use super::carrier_request::{CarrierRequest, CarrierRequestError};
use super::failure::Failure;
use crate::config;
use crate::function::{Outcome, RequestBody};
use crate::liquid::Template;
use crate::pending::PendingCall;
use crate::webhook::Params;

/// What happened outside.
#[derive(Debug)]
pub enum Event {
    /// The webhook or request that begins the execution.
    Trigger,
    /// The function that the last step called came back.
    FunctionReturned(Outcome),
    /// It has not come back, and its caller is to be kept company.
    Pending {
        /// The call.
        call: Box<PendingCall>,
        /// What the caller hears meanwhile; `None`: silence.
        document: Option<Template>,
    },
    /// The carrier's API, which the last step asked, came back.
    CarrierReturned(Result<Map<String, Value>, CarrierRequestError>),
    /// The carrier asks for what follows: the awaited webhook.
    Webhook(Arc<Params>),
    /// `FlowEvent=return`, or a default action URL: whoever had the call gives it back.
    Returned(Arc<Params>),
    /// Nothing came until the wait was over.
    Timeout,
    /// The call is over.
    HangUp(Arc<Params>),
}

/// What the outside must do next.
#[derive(Debug)]
pub enum Step {
    /// Call a function; its outcome is the next event.
    CallFunction(FunctionCall),
    /// Ask the carrier's API; its answer is the next event.
    SendRequest(CarrierRequest),
    /// Answer the carrier with this document. The execution's state says whether it waits or has
    /// ended.
    Reply(Bytes),
    /// The execution waits or has ended, and there is nothing to say: an empty document.
    End,
    /// The execution has ended by a failure that no transition takes.
    Failed(Failure),
}

/// A function or URL to be called.
#[derive(Debug)]
pub struct FunctionCall {
    /// Where it goes.
    pub target: CallTarget,
    /// The parameters, rendered.
    pub parameters: Params,
    /// What is sent instead of a form of the parameters.
    pub body: Option<RequestBody>,
    /// With the account's credentials, as `add_twilio_auth` says.
    pub with_credentials: bool,
    /// The call that this one is again: its outcome may be there, or it is made under its key.
    pub pending: Option<Box<PendingCall>>,
}

/// Where a call goes.
#[derive(Clone, Debug)]
pub enum CallTarget {
    /// To a configured function.
    Function(Arc<config::Function>),
    /// To the URL of an imported flow, still to be rewritten as `[[rewrite]]` says.
    Url(RenderedUrl),
}

/// A URL that a widget calls.
#[derive(Clone, Debug)]
pub struct RenderedUrl {
    /// The URL.
    pub url: String,
    /// Whether the method is `GET`; otherwise it is `POST`.
    pub is_get: bool,
    /// Whether the flow has the URL as it is, so that the operator has seen where it leads.
    pub is_constant: bool,
}
