//! What happened: one record for each exchange, for the log and the metrics.
//!
//! A record never holds a message body, speech, digits, a telephone number or a token.

mod log_line;
mod trace;
mod log_writer;

pub use log_line::{LogLevel, LogLine};
pub use log_writer::LogWriter;
pub use trace::{ExchangeTrace, TracedCall, TracedCarrierRequest};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::catch_panic::catch;
use crate::clock;
use crate::flow::{CarrierRequest, CarrierRequestError, Execution, FlowWarning};
use crate::function::{Outcome, OutcomeKind};
use crate::metrics::{ExchangeOutcome, Metrics};
use crate::route::Route;
use crate::session::StoreError;
use crate::verify::Proof;
use crate::webhook::{Params, Webhook};

/// One exchange, filled in on its way through the stages, written when it is dropped: also when
/// the client went away in the middle.
#[derive(Debug)]
pub struct ExchangeLog {
    journal: Journal,
    began: Instant,
    route: Option<Arc<Route>>,
    sid: String,
    outcome: ExchangeOutcome,
    status: u16,
    reason: Option<String>,
    unproven: Option<String>,
    call: Option<LastCall>,
    holding: Option<u32>,
    warnings: Vec<FlowWarning>,
    message: &'static str,
    trace: Option<Box<ExchangeTrace>>,
}

/// Where records go. A clone goes to the same place.
#[derive(Clone, Debug)]
pub struct Journal {
    /// The lines.
    pub log: LogWriter,
    /// The counters.
    pub metrics: Arc<Metrics>,
}

/// A function's part in an exchange; of several calls, the last.
#[derive(Debug)]
struct LastCall {
    name: String,
    status: Option<u16>,
    took: Duration,
}

// === impl Journal ===

impl Journal {
    /// Says how many executions were given another name of their flow, or why that failed.
    pub fn log_adoption(&self, adopted: Result<usize, StoreError>) {
        match adopted {
            Ok(0) => {}
            Ok(count) => {
                let message = format!("{count} executions are of a flow that has another name now");
                self.log.note(LogLevel::Info, &message);
            }
            Err(error) => {
                let message = format!("executions under former names of flows are left: {error}");
                self.log.note(LogLevel::Error, &message);
            }
        }
    }
}

// === impl ExchangeLog ===

impl ExchangeLog {
    /// Begins with the arrival of a webhook.
    pub fn begin(journal: &Journal, began: Instant) -> ExchangeLog {
        ExchangeLog {
            journal: journal.clone(),
            began,
            route: None,
            sid: String::new(),
            outcome: ExchangeOutcome::Gone,
            status: 0,
            reason: None,
            unproven: None,
            call: None,
            holding: None,
            warnings: Vec::new(),
            message: "webhook",
            trace: None,
        }
    }

    /// Keeps everything that happens, parameters and all, for [`ExchangeLog::into_trace`].
    pub fn with_trace(mut self) -> ExchangeLog {
        self.trace = Some(Box::default());
        self
    }

    /// What a traced exchange did.
    pub fn into_trace(mut self) -> ExchangeTrace {
        let mut trace = *self.trace.take().unwrap_or_default();
        if self.outcome == ExchangeOutcome::Fallback {
            trace.fallback = self.reason.clone();
        }
        trace.warnings = self.warnings.iter().map(FlowWarning::to_string).collect();
        trace
    }

    /// Stage 2 is passed.
    pub fn record_webhook(&mut self, webhook: &Webhook, proof: Proof) {
        // A sid of a carrier is short and plain; only `report` and `off` let others in.
        let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.');
        self.sid = webhook.sid().unwrap_or_default().chars().filter(plain).take(64).collect();
        if let Proof::Unproven(reason) = proof {
            self.unproven = Some(reason.to_string());
        }
    }

    /// Stage 3 is passed.
    pub fn record_route(&mut self, route: &Arc<Route>) {
        self.route = Some(Arc::clone(route));
    }

    /// The bytes of an earlier answer are given again.
    pub fn record_repeat(&mut self) {
        self.outcome = ExchangeOutcome::Repeated;
    }

    /// A widget's function came back.
    pub fn record_call(
        &mut self,
        widget: &str,
        function: &str,
        parameters: &Params,
        outcome: &Outcome,
    ) {
        let succeeded = !matches!(outcome.kind, OutcomeKind::Fail(_));
        self.journal.metrics.count_call(function, succeeded, outcome.duration);
        let status = outcome.response.as_ref().map(|response| response.status_code);
        self.call = Some(LastCall { name: function.to_owned(), status, took: outcome.duration });
        if let Some(trace) = &mut self.trace {
            trace.calls.push(TracedCall {
                name: function.to_owned(),
                widget: widget.to_owned(),
                parameters: parameters.clone(),
                outcome: outcome.clone(),
            });
        }
    }

    /// A call of a function is pending, and a hold document goes out for the `times`th time.
    pub fn record_pending(&mut self, function: &str, times: u32, took: Duration) {
        if times == 1 {
            self.journal.metrics.count_hold(function);
        }
        self.holding = Some(times);
        self.call = Some(LastCall { name: function.to_owned(), status: None, took });
        if let Some(trace) = &mut self.trace {
            trace.held = Some(function.to_owned());
        }
    }

    /// The carrier's API came back.
    pub fn record_carrier_request(
        &mut self,
        send: &CarrierRequest,
        result: &Result<Map<String, Value>, CarrierRequestError>,
    ) {
        self.journal.metrics.count_carrier_request(result.is_ok());
        if let Some(trace) = &mut self.trace {
            trace.sent.push(TracedCarrierRequest::new(send, result));
        }
    }

    /// The turn is over.
    pub fn record_transitions(&mut self, execution: &Execution) {
        if let Some(trace) = &mut self.trace {
            trace.execution.clone_from(&execution.sid);
            trace.transitions.extend_from_slice(&execution.transitions);
        }
    }

    /// What the flow noted.
    pub fn record_warnings(&mut self, warnings: Vec<FlowWarning>) {
        self.warnings.extend(warnings);
    }

    /// Something else that an operator should know.
    pub fn note(&mut self, text: &str) {
        self.warnings.push(FlowWarning::Failure(text.to_owned()));
    }

    /// It is no webhook, but a wait that is over.
    pub fn begin_timer(&mut self, execution: &str) {
        self.message = "timer";
        self.sid = execution.to_owned();
        self.outcome = ExchangeOutcome::Answered;
    }

    /// The exchange failed, and a fallback or a refusal is answered.
    pub fn record_failure(&mut self, error: &impl fmt::Display) {
        self.outcome = ExchangeOutcome::Fallback;
        self.reason = Some(error.to_string());
    }

    /// The answer is known by its HTTP status.
    pub fn record_reply(&mut self, status: u16) {
        self.status = status;
        self.outcome = match (self.outcome, status) {
            (_, 400..) => ExchangeOutcome::Refused,
            (ExchangeOutcome::Gone, _) => ExchangeOutcome::Answered,
            (known, _) => known,
        };
    }
}

impl Drop for ExchangeLog {
    fn drop(&mut self) {
        // Its answer is there already, and must not be lost for a line of the log.
        let _ = catch(|| {
            let took = clock::now().duration_since(self.began);
            let route = self.route.as_ref().map(|route| &route.metrics);
            self.journal.metrics.count_exchange(route, self.outcome, took);
            let line = log_line::LogLine::new(self, took);
            self.journal.log.write(&line);
        });
    }
}
