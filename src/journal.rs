//! The journal: one record for each exchange, written to the log and counted in the metrics.
//!
//! [`ExchangeLog`] collects what the stages report, `log_line` formats it, and `log_writer` writes
//! it on a thread of its own. `trace` is the complete record that the simulated phone shows, and
//! `stored_trace` makes the entry of the stored traces from it. A log line never contains a message
//! body, speech, digits, a telephone number or a token; only a trace does. The journal observes and
//! decides nothing: no stage reads it back, and a failure in it never changes an answer or delays
//! one.

mod log_line;
mod stored_trace;
mod trace;
mod log_writer;

pub(crate) use log_line::LogLevel;
pub use log_line::LogLine;
pub use log_writer::LogWriter;
pub use trace::{ExchangeTrace, TracedCall, TracedCarrierRequest};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use serde_json::{Map, Value};
use stored_trace::TracedWebhook;
use tokio::time::Instant;

use crate::catch_panic::catch;
use crate::clock;
use crate::config::Config;
use crate::flow::{CarrierRequest, CarrierRequestError, Execution, Flow, FlowWarning};
use crate::function::{Outcome, OutcomeKind};
use crate::metrics::{ExchangeOutcome, Metrics};
use crate::node::ConsoleSink;
use crate::route::{DirectRoute, Route};
use crate::session::StoreError;
use crate::trace::{ConversationOutcome, TraceWriter};
use crate::verify::Proof;
use crate::verify::refusal::RefusedRequest;
use crate::webhook::{Params, Webhook};

/// The record of one exchange. The stages fill it in, and it is written when it is dropped, so
/// that an exchange whose client went away is written too.
#[derive(Debug)]
pub struct ExchangeLog {
    journal: Journal,
    began: Instant,
    route: Option<Arc<Route>>,
    direct_route: Option<Arc<DirectRoute>>,
    sid: String,
    outcome: ExchangeOutcome,
    status: u16,
    reason: Option<String>,
    unproven: Option<String>,
    call: Option<LastCall>,
    holding: Option<u32>,
    text: bool,
    warnings: Vec<FlowWarning>,
    /// Whether a defect made the flow go on at the transition of a failure.
    is_degraded: bool,
    message: &'static str,
    /// Of a request that is refused, or would be: what the operator needs to mend it.
    refusal: Option<Box<RefusedRequest>>,
    trace: Option<Box<ExchangeTrace>>,
    /// The webhook and its answer, of an exchange whose trace is stored.
    traced: Option<Box<TracedWebhook>>,
}

/// The outputs for records. A clone has the same outputs.
#[derive(Clone, Debug)]
pub struct Journal {
    /// The log lines.
    pub log: LogWriter,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// The traces.
    pub traces: TraceWriter,
}

/// The last call of a function in an exchange: a log line has room for one.
#[derive(Debug)]
struct LastCall {
    name: String,
    status: Option<u16>,
    took: Duration,
}

// === impl Journal ===

impl Journal {
    /// A journal without traces.
    pub fn new(log: LogWriter, metrics: Arc<Metrics>) -> Journal {
        Journal { log, metrics, traces: TraceWriter::default() }
    }

    /// The journal with the traces of a configuration.
    #[must_use]
    pub fn with_traces(mut self, config: &Config) -> Journal {
        let tokens = config.accounts.iter().flat_map(|account| &account.auth_tokens);
        let keys = config.accounts.iter().flat_map(|account| &account.shared_keys);
        let secrets = tokens.chain(keys.map(|key| &key.secret)).cloned().collect();
        let log = self.log.clone();
        self.traces = TraceWriter::start(&config.trace, secrets, move |failure| {
            let message = format!("traces are not written, and callers are answered: {failure}");
            log.note(LogLevel::Warn, &message);
        });
        self
    }

    /// Logs how many executions got the current name of their flow, or why that failed.
    pub(crate) fn log_adoption(&self, adopted: Result<usize, StoreError>) {
        match adopted {
            Ok(0) => {}
            Ok(count) => {
                let message = format!("{count} executions got the new name of their flow");
                self.log.note(LogLevel::Info, &message);
            }
            Err(error) => {
                let message = format!("executions keep the former names of their flows: {error}");
                self.log.note(LogLevel::Error, &message);
            }
        }
    }
}

impl LogWriter {
    /// A console whose lines become lines of the log.
    pub(crate) fn console(&self) -> ConsoleSink {
        let log = self.clone();
        ConsoleSink::new(move |line| log.write(&LogLine::of_console(&line)))
    }
}

// === impl ExchangeLog ===

impl ExchangeLog {
    /// Begins the record of a webhook that arrived at `began`.
    pub fn begin(journal: &Journal, began: Instant) -> ExchangeLog {
        ExchangeLog {
            journal: journal.clone(),
            began,
            route: None,
            direct_route: None,
            sid: String::new(),
            // Until there is a reply: if the client goes away, the handler is dropped, and cannot
            // set an outcome.
            outcome: ExchangeOutcome::Gone,
            status: 0,
            reason: None,
            unproven: None,
            call: None,
            holding: None,
            text: false,
            warnings: Vec::new(),
            is_degraded: false,
            message: "webhook",
            refusal: None,
            trace: journal.log.shows_path().then(Box::default),
            traced: None,
        }
    }

    /// Also collects a trace, with all parameters, for [`ExchangeLog::into_trace`].
    pub fn with_trace(mut self) -> ExchangeLog {
        self.trace = Some(Box::default());
        self
    }

    /// The trace of the exchange. It is empty without [`ExchangeLog::with_trace`].
    pub fn into_trace(mut self) -> ExchangeTrace {
        let mut trace = *self.trace.take().unwrap_or_default();
        if self.outcome == ExchangeOutcome::Fallback {
            trace.fallback = self.reason.clone();
        }
        trace.warnings = self.warnings.iter().map(FlowWarning::to_string).collect();
        trace
    }

    /// Records a webhook that passed stage 2.
    pub(crate) fn record_webhook(&mut self, webhook: &Webhook, proof: Proof) {
        // The modes `report` and `off` let anyone send a sid, and the log must not become a place
        // to write to. The sid of a carrier is short and has only these characters.
        let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.');
        self.sid = webhook.sid().unwrap_or_default().chars().filter(plain).take(64).collect();
        if let Proof::Unproven(reason) = proof {
            self.unproven = Some(reason.to_string());
        }
        if self.journal.traces.is_on()
            && self.journal.traces.selects(&stored_trace::identity(webhook))
        {
            self.trace.get_or_insert_default();
            self.traced = Some(Box::new(TracedWebhook::of_webhook(webhook)));
        }
    }

    /// Records the route that stage 3 found.
    pub(crate) fn record_route(&mut self, route: &Arc<Route>) {
        self.route = Some(Arc::clone(route));
    }

    /// Records the path of a project that answers.
    pub(crate) fn record_direct_route(&mut self, route: &Arc<DirectRoute>) {
        self.direct_route = Some(Arc::clone(route));
    }

    /// Records that the stored reply to an earlier delivery is sent again.
    pub(crate) fn record_repeat(&mut self) {
        self.outcome = ExchangeOutcome::Repeated;
    }

    /// Records the outcome of a function that a widget called.
    pub(crate) fn record_call(
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

    /// Records the call of a function that a path of the project stands for.
    pub(crate) fn record_direct_call(&mut self, name: &str, status: Option<u16>, took: Duration) {
        self.journal.metrics.count_call(name, status.is_some_and(|status| status < 500), took);
        self.call = Some(LastCall { name: name.to_owned(), status, took });
        if let Some(traced) = &mut self.traced {
            traced.record_direct_call(name, status, took);
        }
    }

    /// Records that a call of a function is pending, and that the hold document is sent for the
    /// `times`th time.
    pub(crate) fn record_pending(&mut self, function: &str, times: u32, took: Duration) {
        // Later polls belong to the same call: the metric counts calls, not documents.
        if times == 1 {
            self.journal.metrics.count_hold(function);
        }
        self.holding = Some(times);
        self.call = Some(LastCall { name: function.to_owned(), status: None, took });
        if let Some(trace) = &mut self.trace {
            trace.pending_function = Some(function.to_owned());
        }
    }

    /// Records that the answer is a text of the function, and not a document.
    pub(crate) fn record_text(&mut self) {
        self.text = true;
    }

    /// Records a request to the carrier's API, and its result.
    pub(crate) fn record_carrier_request(
        &mut self,
        request: &CarrierRequest,
        result: &Result<Map<String, Value>, CarrierRequestError>,
    ) {
        self.journal.metrics.count_carrier_request(result.is_ok());
        if let Some(trace) = &mut self.trace {
            trace.carrier_requests.push(TracedCarrierRequest::new(request, result));
        }
    }

    /// Records the document that is sent.
    pub(crate) fn record_document(&mut self, document: &Bytes) {
        if let Some(traced) = &mut self.traced {
            traced.document.clone_from(document);
        }
    }

    /// Records that another execution takes the place of one.
    pub(crate) fn record_replaced(&self, execution: &str) {
        self.journal.traces.end(execution, ConversationOutcome::Replaced);
    }

    /// Records the transitions of a turn that is complete.
    pub(crate) fn record_transitions(&mut self, flow: &Flow, execution: &Execution) {
        if let Some(traced) = &mut self.traced {
            traced.record_execution(flow, execution);
        }
        if let Some(trace) = &mut self.trace {
            trace.execution.clone_from(&execution.sid);
            trace.transitions.extend_from_slice(&execution.transitions);
        }
    }

    /// Records the warnings of a flow.
    pub(crate) fn record_warnings(&mut self, warnings: Vec<FlowWarning>) {
        let is_unwired = |warning: &FlowWarning| matches!(warning, FlowWarning::Unwired { .. });
        if warnings.iter().any(is_unwired) {
            let route = self.route.as_ref().map(|route| &route.metrics);
            self.journal.metrics.count_unwired(route);
        }
        self.is_degraded |= warnings.iter().any(|it| matches!(it, FlowWarning::Defect(_)));
        self.warnings.extend(warnings);
        // A timer has its outcome already.
        self.outcome = self.outcome.degraded_if(self.is_degraded);
    }

    /// Records something else that an operator should know.
    pub(crate) fn note(&mut self, text: &str) {
        self.warnings.push(FlowWarning::Failure(text.to_owned()));
    }

    /// The path that answers.
    fn route_path(&self) -> Option<&str> {
        let project = || self.direct_route.as_ref().map(|route| route.path.as_str());
        self.route.as_ref().map(|route| route.path.as_str()).or_else(project)
    }

    /// Turns the record into one of a wait that has ended: there is no webhook.
    pub(crate) fn begin_timer(&mut self, execution: &str) {
        // No client waits for a reply, so without a failure the exchange counts as answered.
        self.message = "timer";
        self.sid = execution.to_owned();
        self.outcome = ExchangeOutcome::Answered;
        if self.journal.traces.selects(&[execution]) {
            self.trace.get_or_insert_default();
            self.traced = Some(Box::default());
        }
    }

    /// Records the failure of the exchange. The answer is a fallback document or a refusal.
    pub(crate) fn record_failure(&mut self, error: &impl fmt::Display) {
        self.outcome = ExchangeOutcome::Fallback;
        self.reason = Some(error.to_string());
    }

    /// Whether the request was refused, or would have been in mode `enforce`. Such a record needs
    /// [`ExchangeLog::record_refusal`].
    pub(crate) fn is_refusal(&self) -> bool {
        self.outcome == ExchangeOutcome::Refused || self.unproven.is_some()
    }

    /// Records what was refused, and why.
    pub(crate) fn record_refusal(&mut self, refusal: RefusedRequest) {
        self.refusal = Some(Box::new(refusal));
    }

    /// Records the HTTP status of the answer.
    pub(crate) fn record_reply(&mut self, status: u16) {
        self.status = status;
        // Last, because a refusal was recorded as a failure before its status was known. A fallback
        // or a repeat has status 200 and remains what it is.
        self.outcome = match (self.outcome, status) {
            (_, 400..) => ExchangeOutcome::Refused,
            (ExchangeOutcome::Gone, _) => ExchangeOutcome::Answered.degraded_if(self.is_degraded),
            (known, _) => known,
        };
    }
}

impl Drop for ExchangeLog {
    fn drop(&mut self) {
        // The answer exists already, and a panic here would lose it for the sake of a log line.
        let _ = catch(|| {
            let took = clock::now().duration_since(self.began);
            let route = self.route.as_ref().map(|route| &route.metrics);
            let route = route.or(self.direct_route.as_ref().map(|route| &route.metrics));
            self.journal.metrics.count_exchange(route, self.outcome, took);
            let search = self.refusal.as_mut().and_then(|refusal| refusal.search.take());
            let line = log_line::LogLine::new(self, took);
            match search {
                None => self.journal.log.write(&line),
                Some(search) => self.journal.log.write_explained(&line, move || search.run()),
            }
            if self.journal.traces.is_on()
                && let Some(entry) = stored_trace::take_entry(self, took)
            {
                self.journal.traces.write(entry);
            }
        });
    }
}
