//! The trace of an exchange: everything that a flow did, with all parameters.
//!
//! The simulated phone and the flow tests show it. It contains what the log must not, so an
//! [`ExchangeLog`](super::ExchangeLog) has one only on request, and the gateway never requests it.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::flow::{CarrierRequest, CarrierRequestError, TransitionRecord};
use crate::function::{Outcome, OutcomeKind};
use crate::trace::{WidgetStep, format_path};
use crate::webhook::Params;

/// Everything that one webhook, or the end of one wait, caused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExchangeTrace {
    /// The sid of the execution; empty if there was none.
    pub execution: String,
    /// The transitions, in order.
    pub transitions: Vec<TransitionRecord>,
    /// The calls of functions and URLs, in order.
    pub calls: Vec<TracedCall>,
    /// The function that is still running, while the caller hears the hold document.
    pub pending_function: Option<String>,
    /// The requests to the carrier's API, in order.
    pub carrier_requests: Vec<TracedCarrierRequest>,
    /// The reason for a fallback; `None` if the caller got an answer of the flow.
    pub fallback: Option<String>,
    /// The warnings that the log would show.
    pub warnings: Vec<String>,
    /// What functions of the project wrote on their console meanwhile.
    pub console: Vec<String>,
}

/// One call of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct TracedCall {
    /// The name of the function, or the scheme and host of a URL in the flow.
    pub name: String,
    /// The widget that made the call.
    pub widget: String,
    /// The parameters that the flow sent.
    pub parameters: Params,
    /// The outcome of the call.
    pub outcome: Outcome,
}

/// One request to the carrier's API.
#[derive(Clone, Debug, PartialEq)]
pub struct TracedCarrierRequest {
    /// The path in the API, with `{account}` in place of the account's sid.
    pub path: String,
    /// The parameters of the request.
    pub form: Params,
    /// The resource that was created, or the reason for the failure.
    pub result: Result<Map<String, Value>, CarrierRequestError>,
}

impl ExchangeTrace {
    /// The path through the flow, up to its current widget; empty if no widget has finished.
    pub(crate) fn path(&self) -> String {
        format_path(self.transitions.iter().map(|transition| WidgetStep {
            from: &transition.from,
            event: &transition.event,
            to: transition.to.as_deref(),
        }))
    }
}

impl TracedCall {
    /// A short text for the answer: `200`, `200 TwiML`, or the reason why there is none.
    pub fn answer(&self) -> String {
        let status = self.outcome.response.as_ref().map(|response| response.status_code);
        // A failure with a status is an answer: the status says more than the cause.
        match (&self.outcome.kind, status) {
            (OutcomeKind::Twiml(_), Some(status)) => format!("{status} TwiML"),
            (OutcomeKind::Fail(error), None) => error.cause.to_string(),
            (_, Some(status)) => status.to_string(),
            (_, None) => String::new(),
        }
    }

    /// The time from the call to its outcome.
    pub fn took(&self) -> Duration {
        self.outcome.duration
    }
}

impl TracedCarrierRequest {
    /// The trace of a request and its result.
    pub(super) fn new(
        request: &CarrierRequest,
        result: &Result<Map<String, Value>, CarrierRequestError>,
    ) -> TracedCarrierRequest {
        TracedCarrierRequest {
            // With the placeholder: flow tests compare the path, and do not name an account.
            path: request.path.clone(),
            form: request.form.clone(),
            result: result.clone(),
        }
    }
}
