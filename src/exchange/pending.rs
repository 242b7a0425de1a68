//! Calls of functions that may outlast their webhook. Each runs in its own task, and each webhook
//! or timer that follows polls for the outcome.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::turn_runner::TurnRunner;
use crate::channel::Channel;
use crate::clock;
use crate::config::Function;
use crate::flow::{CallTarget, Event, Execution, FunctionCall};
use crate::function::Destination;
use crate::journal::ExchangeLog;
use crate::limits::HOLD_WITHIN;
use crate::pending::{CallPoll, DetachedCall, PendingCall, PendingKey};

/// How long to wait for a pending call whose function has no `hold` since a reload.
const DEFAULT_HOLD_AFTER: Duration = Duration::from_secs(4);

/// The configured function of a call, if the call may outlast its webhook.
pub(super) fn pending_function(call: &FunctionCall) -> Option<Arc<Function>> {
    match &call.target {
        CallTarget::Function { function, .. } => {
            let may_outlast = call.pending.is_some() || function.hold.is_some();
            may_outlast.then(|| Arc::clone(function))
        }
        CallTarget::Url(_) => None,
    }
}

impl TurnRunner<'_> {
    /// Makes a call, or finds it running, and waits for its outcome until the hold document is due.
    /// If too many calls are running, the call is made without a task and without a hold document.
    pub(super) async fn poll(
        &self,
        execution: &Execution,
        call: FunctionCall,
        function: Arc<Function>,
        log: &mut ExchangeLog,
    ) -> Event {
        let began = clock::now();
        let key = PendingKey { execution: execution.sid.clone(), step: execution.steps };
        let pending = &self.context.worker.pending;
        let known = pending.find(&key);
        let after = match &function.hold {
            // The outcome wakes the timer, so the timer does not wait for it.
            _ if known.is_some() && !self.turn.answering => Duration::ZERO,
            Some(hold) => hold.after,
            None => DEFAULT_HOLD_AFTER,
        };
        // The hold document needs time to be rendered and committed before the deadline.
        let until = (began + after).min(self.context.deadline - HOLD_WITHIN);
        let call = self.pending_call(execution, call);
        let poll = match known {
            Some(outcome) => outcome.wait(until).await,
            None => self.detach(&key, self.detached_call(execution, &function, &call), until).await,
        };
        match poll {
            CallPoll::Ready(outcome) => {
                if call.times == 0 {
                    // No hold document was sent, so no stored execution refers to the call.
                    pending.forget(&key);
                }
                let widget = &execution.widget(self.flow).name;
                log.record_call(widget, &function.name, &call.parameters, &outcome);
                Event::FunctionReturned(outcome)
            }
            // A lost call is made again by the next poll, under the same key.
            CallPoll::Pending | CallPoll::Lost => {
                if !self.turn.answering || execution.channel == Channel::Message {
                    pending.announce(&key); // no webhook will ask for the outcome
                }
                log.record_pending(&function.name, call.times + 1, clock::now() - began);
                let document = self.context.gateway.hold_documents.get(&function.name).cloned();
                Event::Pending { call, document }
            }
        }
    }

    /// Starts a call in its own task. If the table has no room, makes the call here.
    async fn detach(&self, key: &PendingKey, call: DetachedCall, until: Instant) -> CallPoll {
        match self.context.worker.pending.begin(key) {
            Some((permit, outcome)) => {
                actix_web::rt::spawn(call.make(permit));
                outcome.wait(until).await
            }
            None => CallPoll::Ready(call.outcome(self.context.deadline).await),
        }
    }

    /// The record of a call, which the execution stores: that of the former polls, or a new one.
    fn pending_call(&self, execution: &Execution, call: FunctionCall) -> Box<PendingCall> {
        if let Some(pending) = call.pending {
            return pending;
        }
        let replaced_url = match call.target {
            CallTarget::Function { replaced_url, .. } => replaced_url,
            CallTarget::Url(_) => None,
        };
        Box::new(PendingCall {
            key: format!("{}:{}", self.key, execution.steps),
            times: 0,
            replaced_url,
            content: call.content,
            parameters: Arc::new(call.parameters),
            webhook: Arc::new(self.params.clone()),
            payload: self.payload.cloned().map(Box::new),
        })
    }

    fn detached_call(
        &self,
        execution: &Execution,
        function: &Arc<Function>,
        call: &PendingCall,
    ) -> DetachedCall {
        let key_of = |account| self.context.gateway.verifier.signing_key(account);
        DetachedCall {
            functions: self.context.worker.functions.clone(),
            function: Arc::clone(function),
            widget: execution.widget(self.flow).name.clone(),
            replaced_url: call.replaced_url.clone(),
            content: call.content.clone(),
            credentials: self.credentials(call.content.as_deref()),
            parameters: Arc::clone(&call.parameters),
            webhook: Arc::clone(&call.webhook),
            payload: call.payload.clone(),
            cookies: self.cookies.map(|it| (it.route.to_owned(), it.received.to_owned())),
            // Only the first poll has the form of the webhook that began the call.
            form: self.form.filter(|_| call.times == 0).cloned(),
            signing_key: self.account.and_then(|account| key_of(account)).cloned(),
            timeout: self.timeout_of(Destination::Function(function)),
            key: call.key.clone(),
        }
    }
}
