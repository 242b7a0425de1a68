//! What happened: one record for each exchange, for the log and the metrics.
//!
//! A record never holds a message body, speech, digits, a telephone number or a token.

mod line;
mod meter;
mod trace;
mod writer;

pub use line::{Level, Line};
pub use meter::{FunctionMeter, Meters, RouteMeter};
pub use trace::{Called, Sent, Trace};
pub use writer::Log;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::catch_panic::caught;
use crate::clock;
use crate::exchange::{Answer, ExchangeError};
use crate::fallback;
use crate::flow::{Execution, Remark, Send, SendError};
use crate::function::Outcome;
use crate::route::Route;
use crate::session::StoreError;
use crate::verify::Proof;
use crate::webhook::{Params, Webhook};

/// One exchange, filled in on its way through the stages, written when it is dropped: also when
/// the client went away in the middle.
#[derive(Debug)]
pub struct Record {
    journal: Journal,
    began: Instant,
    route: Option<Arc<Route>>,
    sid: String,
    outcome: Kind,
    status: u16,
    reason: Option<String>,
    unproven: Option<String>,
    call: Option<FunctionCalled>,
    holding: Option<u32>,
    remarks: Vec<Remark>,
    message: &'static str,
    trace: Option<Box<Trace>>,
}

/// Where records go. A clone goes to the same place.
#[derive(Clone, Debug)]
pub struct Journal {
    /// The lines.
    pub log: Log,
    /// The counters.
    pub meters: Arc<Meters>,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The flow's own document.
    Answered,
    /// The bytes of an earlier answer.
    Repeated,
    /// A document for failures.
    Fallback,
    /// 400, 403, 404, 405, 413.
    Refused,
    /// The client closed before there was an answer.
    Gone,
}

/// A function's part in an exchange; of several calls, the last.
#[derive(Debug)]
struct FunctionCalled {
    name: String,
    status: Option<u16>,
    took: Duration,
}

// === impl Kind ===

impl Kind {
    /// The word in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Answered => "answered",
            Kind::Repeated => "repeated",
            Kind::Fallback => "fallback",
            Kind::Refused => "refused",
            Kind::Gone => "gone",
        }
    }
}

// === impl Journal ===

impl Journal {
    /// Says how many executions were given another name of their flow, or why that failed.
    pub fn adopted(&self, adopted: Result<usize, StoreError>) {
        match adopted {
            Ok(0) => {}
            Ok(count) => {
                let message = format!("{count} executions are of a flow that has another name now");
                self.log.note(Level::Info, &message);
            }
            Err(error) => {
                let message = format!("executions under former names of flows are left: {error}");
                self.log.note(Level::Error, &message);
            }
        }
    }
}

// === impl Record ===

impl Record {
    /// Begins with the arrival of a webhook.
    pub fn begin(journal: &Journal, began: Instant) -> Record {
        Record {
            journal: journal.clone(),
            began,
            route: None,
            sid: String::new(),
            outcome: Kind::Gone,
            status: 0,
            reason: None,
            unproven: None,
            call: None,
            holding: None,
            remarks: Vec::new(),
            message: "webhook",
            trace: None,
        }
    }

    /// Keeps everything that happens, parameters and all, for [`Record::into_trace`].
    pub fn traced(mut self) -> Record {
        self.trace = Some(Box::default());
        self
    }

    /// Whether it does.
    pub fn is_traced(&self) -> bool {
        self.trace.is_some()
    }

    /// What a traced exchange did.
    pub fn into_trace(mut self) -> Trace {
        let mut trace = *self.trace.take().unwrap_or_default();
        if self.outcome == Kind::Fallback {
            trace.fallback = self.reason.clone();
        }
        trace.remarks = self.remarks.iter().map(Remark::to_string).collect();
        trace
    }

    /// Stage 2 is passed.
    pub fn webhook(&mut self, webhook: &Webhook, proof: Proof) {
        // A sid of a carrier is short and plain; only `report` and `off` let others in.
        let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.');
        self.sid = webhook.sid().unwrap_or_default().chars().filter(plain).take(64).collect();
        if let Proof::Unproven(reason) = proof {
            self.unproven = Some(reason.to_string());
        }
    }

    /// Stage 3 is passed.
    pub fn route(&mut self, route: &Arc<Route>) {
        self.route = Some(Arc::clone(route));
    }

    /// The bytes of an earlier answer are given again.
    pub fn repeated(&mut self, reply: Bytes) -> Bytes {
        self.outcome = Kind::Repeated;
        reply
    }

    /// A widget's function came back.
    pub fn called(&mut self, widget: &str, asked: (&str, &Params), outcome: &Outcome) {
        let (function, parameters) = asked;
        self.journal.meters.called(function, outcome);
        let status = outcome.answer.as_ref().map(|answer| answer.status_code);
        self.call =
            Some(FunctionCalled { name: function.to_owned(), status, took: outcome.duration });
        if let Some(trace) = &mut self.trace {
            trace.calls.push(Called {
                name: function.to_owned(),
                widget: widget.to_owned(),
                parameters: parameters.clone(),
                outcome: outcome.clone(),
            });
        }
    }

    /// A function did not come back in time, so its caller is held, the `times`th time.
    pub fn held(&mut self, function: &str, times: u32, took: Duration) {
        if times == 1 {
            self.journal.meters.held(function);
        }
        self.holding = Some(times);
        self.call = Some(FunctionCalled { name: function.to_owned(), status: None, took });
        if let Some(trace) = &mut self.trace {
            trace.held = Some(function.to_owned());
        }
    }

    /// The carrier's API came back.
    pub fn sent(&mut self, send: &Send, result: &Result<Map<String, Value>, SendError>) {
        self.journal.meters.sent(result.is_ok());
        if let Some(trace) = &mut self.trace {
            trace.sent.push(Sent::new(send, result));
        }
    }

    /// The turn is over.
    pub fn walked(&mut self, execution: &Execution) {
        if let Some(trace) = &mut self.trace {
            trace.execution.clone_from(&execution.sid);
            trace.taken.extend_from_slice(&execution.taken);
        }
    }

    /// What the flow noted.
    pub fn remarks(&mut self, remarks: Vec<Remark>) {
        self.remarks.extend(remarks);
    }

    /// Something else that an operator should know.
    pub fn note(&mut self, text: &str) {
        self.remarks.push(Remark::Failure(text.to_owned()));
    }

    /// It is no webhook, but a wait that is over.
    pub fn timer(&mut self, execution: &str) {
        self.message = "timer";
        self.sid = execution.to_owned();
        self.outcome = Kind::Answered;
    }

    /// The exchange failed; gives what is answered instead.
    pub fn failed(&mut self, error: &ExchangeError) -> Answer {
        self.outcome = Kind::Fallback;
        self.reason = Some(error.to_string());
        fallback::answer(error, self.route.as_deref())
    }

    /// It was refused before it was an exchange.
    pub fn refused(&mut self, status: u16, reason: &str) {
        self.outcome = Kind::Refused;
        self.status = status;
        self.reason = Some(reason.to_owned());
    }

    /// The answer is known.
    pub fn answered(&mut self, answer: &Answer) {
        self.status = answer.status;
        self.outcome = match (self.outcome, answer.status) {
            (_, 400..) => Kind::Refused,
            (Kind::Gone, _) => Kind::Answered,
            (known, _) => known,
        };
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // Its answer is there already, and must not be lost for a line of the log.
        let _ = caught(|| {
            let took = clock::now().duration_since(self.began);
            self.journal.meters.exchange(self.route.as_deref(), self.outcome, took);
            let line = line::Line::new(self, took);
            self.journal.log.write(&line);
        });
    }
}
