//! The border of the engine: the events that it takes, and the steps that it returns.

use std::sync::Arc;

use actix_web::web::Bytes;
use serde_json::{Map, Value};

use super::carrier_request::{CarrierRequest, CarrierRequestError};
use super::failure::Failure;
use crate::config;
use crate::function::{CallContent, Outcome};
use crate::liquid::Template;
use crate::pending::PendingCall;
use crate::webhook::Params;

/// The input of the engine: something that happened outside the flow.
#[derive(Debug)]
pub enum Event {
    /// A webhook or a request begins the execution.
    Trigger,
    /// The function that the last step called has returned.
    FunctionReturned(Outcome),
    /// The function has not returned in time, and its configuration has `hold`.
    Pending {
        /// The call to poll.
        call: Box<PendingCall>,
        /// The template of the hold document; `None` for a pause.
        document: Option<Template>,
    },
    /// The carrier's API has answered the request of the last step.
    CarrierReturned(Result<Map<String, Value>, CarrierRequestError>),
    /// The awaited webhook arrives.
    Webhook(Arc<Params>),
    /// Foreign TwiML returns the call, with `FlowEvent=return` or by a default action URL.
    Returned(Arc<Params>),
    /// The wait ends by its time.
    Timeout,
    /// The call has ended.
    HangUp(Arc<Params>),
}

/// The output of the engine: what its caller must do next.
#[derive(Debug)]
pub enum Step {
    // A step asks and an event answers. No widget waits for two answers at once.
    /// Call a function; the next event is [`Event::FunctionReturned`] or [`Event::Pending`].
    CallFunction(FunctionCall),
    /// Send a request to the carrier's API; the next event is [`Event::CarrierReturned`].
    SendRequest(CarrierRequest),
    /// Reply with this document. The execution now waits or has ended; its state says which.
    Reply(Bytes),
    /// Reply with an empty document. The execution now waits or has ended.
    End,
    /// Reply with the fallback: the execution has ended by a failure that no transition takes.
    Failed(Failure),
}

/// A call of a function or URL.
#[derive(Debug)]
pub struct FunctionCall {
    /// The function or URL.
    pub target: CallTarget,
    /// The rendered parameters.
    pub parameters: Params,
    /// What a `make-http-request` says of its request; `None` for a `run-function`.
    pub content: Option<Box<CallContent>>,
    /// The pending call that this step polls. If its outcome is lost, it is made again under the
    /// same key.
    pub pending: Option<Box<PendingCall>>,
}

/// The target of a call.
#[derive(Clone, Debug)]
pub enum CallTarget {
    /// A configured function.
    Function {
        /// The function.
        function: Arc<config::Function>,
        /// The rendered URL that it replaces, if that may have more than a host and a path.
        replaced_url: Option<Box<str>>,
    },
    /// The URL of an imported flow, before `[[rewrite]]` applies.
    Url(RenderedUrl),
}

/// A rendered URL that a widget calls.
#[derive(Clone, Debug)]
pub struct RenderedUrl {
    /// The URL.
    pub url: String,
    // A URL from Liquid may come from a caller, so it must not reach private addresses.
    /// Whether the operator has chosen the host: the flow has it without Liquid, or a `[[rewrite]]`
    /// has replaced its Liquid.
    pub is_constant: bool,
}
