//! A call that goes on while its caller is kept company: made in a task that outlives the webhook,
//! and waited for a little while by each webhook that asks for it.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use tokio::time::Instant;

use super::run::Run;
use crate::channel::Channel;
use crate::clock;
use crate::config::Function;
use crate::flow::{Callee, Event, Execution, FunctionCall, HeldCall};
use crate::function::{Call, Functions, Outcome, Place, Task, Waited};
use crate::journal::Record;
use crate::limits::HOLD_WITHIN;
use crate::verify::SigningKey;
use crate::webhook::Params;

/// A call with all that it needs, so that it can outlive the turn that made it.
struct Own {
    functions: Functions,
    function: Arc<Function>,
    widget: String,
    parameters: Arc<Params>,
    webhook: Arc<Params>,
    form: Option<Bytes>,
    signing_key: Option<SigningKey>,
    key: String,
}

/// How long a call is waited for that is held although a new configuration has no `hold` for it.
const AFTER: Duration = Duration::from_secs(4);

/// The function that a call is for, if its caller can be kept company meanwhile.
pub(super) fn function(call: &FunctionCall) -> Option<Arc<Function>> {
    match &call.callee {
        Callee::Function(function) if call.held.is_some() || function.hold.is_some() => {
            let plain = call.body.is_none() && !call.with_credentials;
            plain.then(|| Arc::clone(function))
        }
        _ => None,
    }
}

impl Run<'_> {
    /// Makes a call, or finds it under way, and waits for its outcome for as long as its caller
    /// can be left alone. Where too many are under way, it is a call like any other.
    pub(super) async fn held(
        &self,
        execution: &Execution,
        call: FunctionCall,
        function: Arc<Function>,
        record: &mut Record,
    ) -> Event {
        let began = clock::now();
        let place = Place { execution: execution.sid.clone(), step: execution.steps };
        let (table, known) = (&self.gateway.held, self.gateway.held.wait(&place));
        let after = match &function.hold {
            // Who is told of an outcome need not wait for it, and keeps nobody else waiting.
            _ if known.is_some() && !self.at.answering => Duration::ZERO,
            Some(hold) => hold.after,
            None => AFTER,
        };
        let until = (began + after).min(self.deadline - HOLD_WITHIN);
        let held = call.held.unwrap_or_else(|| self.first(execution, call.parameters));
        let waited = match known {
            Some(waiting) => waiting.outcome(until).await,
            None => self.begin(&place, self.own(execution, &function, &held), until).await,
        };
        match waited {
            Waited::Done(outcome) => {
                if held.times == 0 {
                    table.forget(&place);
                }
                let widget = &execution.widget(self.flow).name;
                record.called(widget, (&function.name, &held.parameters), &outcome);
                Event::Answered(outcome)
            }
            // One that was lost is begun again by whoever asks next.
            Waited::Late | Waited::Lost => {
                if !self.at.answering || execution.channel == Channel::Message {
                    table.unasked(&place);
                }
                record.held(&function.name, held.times + 1, clock::now() - began);
                let document = self.gateway.holds.get(&function.name).cloned();
                Event::Slow { call: held, document }
            }
        }
    }

    /// Begins a call in a task of its own; where as many as may be are under way, makes it here.
    async fn begin(&self, place: &Place, own: Own, until: Instant) -> Waited {
        match self.gateway.held.begin(place) {
            Some((task, waiting)) => {
                actix_web::rt::spawn(own.make(task));
                waiting.outcome(until).await
            }
            None => Waited::Done(own.outcome(self.deadline).await),
        }
    }

    /// What a call is known by, once and for all who may ask for it.
    fn first(&self, execution: &Execution, parameters: Params) -> Box<HeldCall> {
        Box::new(HeldCall {
            key: format!("{}:{}", self.key, execution.steps),
            times: 0,
            parameters: Arc::new(parameters),
            webhook: Arc::new(self.params.clone()),
        })
    }

    fn own(&self, execution: &Execution, function: &Arc<Function>, held: &HeldCall) -> Own {
        let signing_key = self.account.and_then(|a| self.gateway.verifier.signing_key(a));
        Own {
            functions: self.worker.functions.clone(),
            function: Arc::clone(function),
            widget: execution.widget(self.flow).name.clone(),
            parameters: Arc::clone(&held.parameters),
            webhook: Arc::clone(&held.webhook),
            // The form of another webhook is not what the call was begun with.
            form: self.form.filter(|_| held.times == 0).cloned(),
            signing_key: signing_key.cloned(),
            key: held.key.clone(),
        }
    }
}

// === impl Own ===

impl Own {
    /// Makes the call for whoever asks for it. Its function's own timeout ends it.
    async fn make(self, task: Task) {
        let outcome = self.outcome(clock::now() + self.function.timeout).await;
        task.done(outcome);
    }

    async fn outcome(&self, deadline: Instant) -> Outcome {
        let call = Call {
            function: &self.function,
            widget: &self.widget,
            direct: None,
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
