//! What an exchange did, for whoever tries a flow at the desk. A [`ExchangeLog`](super::ExchangeLog) has one
//! only where it was asked for: it holds what a log must not.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::flow::{CarrierRequest, CarrierRequestError, TransitionRecord};
use crate::function::{Outcome, OutcomeKind};
use crate::webhook::Params;

/// Everything that one webhook, or one wait that was over, made happen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExchangeTrace {
    /// The execution that it was about; empty where there was none.
    pub execution: String,
    /// The transitions, in order.
    pub transitions: Vec<TransitionRecord>,
    /// The functions and URLs that were asked, in order.
    pub calls: Vec<TracedCall>,
    /// The function that is still at work, while its caller is held.
    pub held: Option<String>,
    /// What was asked of the carrier's API, in order.
    pub sent: Vec<TracedCarrierRequest>,
    /// Whether the caller got a fallback, and why.
    pub fallback: Option<String>,
    /// What the log would warn of.
    pub warnings: Vec<String>,
}

/// One function that was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct TracedCall {
    /// The function's name, or the scheme and host of a URL of the flow's own.
    pub name: String,
    /// The widget that asked.
    pub widget: String,
    /// The parameters of the flow.
    pub parameters: Params,
    /// What came back.
    pub outcome: Outcome,
}

/// One request to the carrier's API.
#[derive(Clone, Debug, PartialEq)]
pub struct TracedCarrierRequest {
    /// The path below the service, with `{account}` where the account's sid goes.
    pub path: String,
    /// What was asked for.
    pub form: Params,
    /// The resource that was made, or why none was.
    pub result: Result<Map<String, Value>, CarrierRequestError>,
}

impl TracedCall {
    /// A word for what came back: `200`, `200 TwiML`, or the reason why nothing did.
    pub fn answer(&self) -> String {
        let status = self.outcome.response.as_ref().map(|response| response.status_code);
        match (&self.outcome.kind, status) {
            (OutcomeKind::Twiml(_), Some(status)) => format!("{status} TwiML"),
            (OutcomeKind::Fail(error), None) => error.cause.to_string(),
            (_, Some(status)) => status.to_string(),
            (_, None) => String::new(),
        }
    }

    /// From the call to its outcome.
    pub fn took(&self) -> Duration {
        self.outcome.duration
    }
}

impl TracedCarrierRequest {
    /// What was sent, and what came of it.
    pub(super) fn new(
        send: &CarrierRequest,
        result: &Result<Map<String, Value>, CarrierRequestError>,
    ) -> TracedCarrierRequest {
        TracedCarrierRequest {
            path: send.path.clone(),
            form: send.form.clone(),
            result: result.clone(),
        }
    }
}
