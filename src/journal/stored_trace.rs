//! What an exchange leaves in the stored traces.

use std::time::Duration;

use actix_web::web::Bytes;

use super::{ExchangeLog, ExchangeTrace, TracedCall, TracedCarrierRequest};
use crate::channel::Channel;
use crate::clock;
use crate::flow::{Execution, ExecutionState, Flow};
use crate::function::OutcomeKind;
use crate::limits::TRACE_TEXT_BYTES_MAX;
use crate::metrics::ExchangeOutcome;
use crate::trace::{
    ConversationOutcome, TraceCall, TraceCarrierRequest, TraceEntry, TraceTransition,
};
use crate::webhook::{Params, Webhook};

/// What a stored trace has beside the trace of the simulated phone.
#[derive(Debug, Default)]
pub(super) struct TracedWebhook {
    parameters: Params,
    contact: String,
    address: String,
    flow: String,
    /// The names of the subflows, by their indices in the flow.
    subflows: Vec<String>,
    pub(super) document: Bytes,
    /// Whether the execution has ended; `None` if no flow ran.
    has_ended: Option<bool>,
    /// The call of a function or an application that answers on its own path. Its answer is the
    /// document.
    direct_call: Option<TraceCall>,
}

/// The identity of a webhook's conversation, for the choice of conversations: the call, or the two
/// addresses of messages in either direction.
pub(super) fn identity(webhook: &Webhook) -> [&str; 2] {
    let param = |name| webhook.param(name).unwrap_or_default();
    match webhook.channel() {
        Some(Channel::Voice) => [param("CallSid"), ""],
        _ => {
            let [from, to] = [param("From"), param("To")];
            [from.min(to), from.max(to)]
        }
    }
}

// === impl TracedWebhook ===

impl TracedWebhook {
    pub(super) fn of_webhook(webhook: &Webhook) -> TracedWebhook {
        let param = |name| webhook.param(name).unwrap_or_default().to_owned();
        TracedWebhook {
            parameters: webhook.params.clone(),
            contact: param("From"),
            address: param("To"),
            ..TracedWebhook::default()
        }
    }

    pub(super) fn record_direct_call(&mut self, name: &str, status: Option<u16>, took: Duration) {
        let (name, took) = (name.to_owned(), to_micros(took));
        self.direct_call =
            Some(TraceCall { name, status, took, attempts: 1, ..Default::default() });
    }

    pub(super) fn record_execution(&mut self, flow: &Flow, execution: &Execution) {
        self.contact.clone_from(&execution.contact);
        self.address.clone_from(&execution.address);
        self.flow.clone_from(&flow.name);
        self.subflows = flow.subflows.iter().map(|subflow| subflow.name.clone()).collect();
        self.has_ended = Some(execution.state == ExecutionState::Ended);
    }
}

/// The entry of an exchange that ends now. `None` if it is not stored: the request was refused, or
/// the budget left its conversation out and it did not fail.
pub(super) fn take_entry(log: &mut ExchangeLog, took: Duration) -> Option<TraceEntry> {
    let is_failure = log.outcome == ExchangeOutcome::Fallback;
    // Anyone can send requests that are refused.
    if log.outcome == ExchangeOutcome::Refused || log.traced.is_none() && !is_failure {
        return None;
    }
    let traced = log.traced.take().unwrap_or_default();
    let trace = log.trace.take().unwrap_or_default();
    let ExchangeTrace { execution, transitions, calls, pending_function, carrier_requests, .. } =
        *trace;
    let is_timer = log.message == "timer";
    let began = clock::wall().saturating_sub(took);
    let conversation = conversation_outcome(log, &traced);
    let subflow = |index: usize| traced.subflows.get(index).cloned();
    Some(TraceEntry {
        at: to_micros(began),
        took: to_micros(took),
        kind: if is_timer { "timer" } else { "webhook" }.to_owned(),
        execution: if is_timer { log.sid.clone() } else { execution },
        carrier_sid: if is_timer { String::new() } else { log.sid.clone() },
        route: log.route_path().unwrap_or_default().to_owned(),
        flow: traced.flow,
        contact: traced.contact,
        address: traced.address,
        outcome: log.outcome.name().to_owned(),
        conversation,
        status: log.status,
        reason: log.reason.clone(),
        findings: log.warnings.iter().map(ToString::to_string).collect(),
        parameters: to_pairs(&traced.parameters),
        document: to_text(&traced.document),
        transitions: transitions
            .into_iter()
            .map(|transition| TraceTransition {
                subflow: transition.subflow.and_then(subflow),
                from: transition.from,
                event: transition.event,
                to: transition.to,
                output: transition.output,
            })
            .collect(),
        calls: calls.iter().map(to_call).chain(traced.direct_call).collect(),
        pending_function,
        carrier_requests: carrier_requests.iter().map(to_carrier_request).collect(),
    })
}

/// What the exchange makes of its conversation; `None` if it changes nothing.
fn conversation_outcome(log: &ExchangeLog, traced: &TracedWebhook) -> Option<ConversationOutcome> {
    if log.outcome == ExchangeOutcome::Fallback {
        return Some(ConversationOutcome::Failed);
    }
    match traced.has_ended? {
        false => Some(ConversationOutcome::Active),
        // Every other status of a call is that of one that has ended.
        true => match traced.parameters.get("CallStatus") {
            None | Some("" | "ringing" | "queued" | "initiated" | "in-progress") => {
                Some(ConversationOutcome::Completed)
            }
            Some(_) => Some(ConversationOutcome::HungUp),
        },
    }
}

fn to_call(call: &TracedCall) -> TraceCall {
    let outcome = &call.outcome;
    let response = outcome.response.as_ref();
    TraceCall {
        name: call.name.clone(),
        widget: call.widget.clone(),
        parameters: to_pairs(&call.parameters),
        status: response.map(|response| response.status_code),
        content_type: response.and_then(|response| response.content_type.clone()),
        body: response.map(|response| to_text(&response.body)).unwrap_or_default(),
        took: to_micros(outcome.duration),
        attempts: outcome.attempts,
        failure: match &outcome.kind {
            OutcomeKind::Fail(error) => Some(error.cause.to_string()),
            OutcomeKind::Success { .. } | OutcomeKind::Twiml(_) => None,
        },
    }
}

fn to_carrier_request(request: &TracedCarrierRequest) -> TraceCarrierRequest {
    TraceCarrierRequest {
        path: request.path.clone(),
        parameters: to_pairs(&request.form),
        result: match &request.result {
            Ok(created) => {
                let sid = created.get("sid").and_then(serde_json::Value::as_str);
                Ok(sid.unwrap_or_default().to_owned())
            }
            Err(error) => Err(error.to_string()),
        },
    }
}

fn to_pairs(params: &Params) -> Vec<(String, String)> {
    params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Bytes as text, up to a length.
fn to_text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(TRACE_TEXT_BYTES_MAX)]);
    if bytes.len() > TRACE_TEXT_BYTES_MAX { format!("{text}…") } else { text.into_owned() }
}

fn to_micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
