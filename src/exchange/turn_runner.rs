//! One turn of an execution: the engine says what must be done, this does it, until there is a
//! document.

use std::sync::Arc;

use actix_web::http::{Method, Uri};
use actix_web::web::Bytes;

use super::{ExchangeContext, pending};
use crate::carrier_api;
use crate::config::{Account, Function};
use crate::flow::{Callee, Event, Execution, Failure, Flow, FunctionCall, Moment, Step, advance};
use crate::function::{Call, Direct, Outcome};
use crate::journal::ExchangeLog;
use crate::twiml::EMPTY;
use crate::webhook::Params;

/// What one turn works with.
pub(super) struct TurnRunner<'a> {
    /// Its deadline is that of the turn.
    pub(super) context: ExchangeContext<'a>,
    pub(super) flow: &'a Flow,
    pub(super) at: Moment,
    /// Whose token signs our calls, and whose credentials ask the carrier's API.
    pub(super) account: Option<&'a Arc<Account>>,
    /// The carrier's parameters, for functions that want them.
    pub(super) params: &'a Params,
    /// The same as they came.
    pub(super) form: Option<&'a Bytes>,
    /// The same when this very turn runs again.
    pub(super) key: &'a str,
}

impl TurnRunner<'_> {
    /// Runs a flow until it has something to say. All that it waits for is functions and the
    /// carrier's API, and each of those ends by the deadline.
    pub(super) async fn run(
        &self,
        execution: &mut Execution,
        event: Event,
        log: &mut ExchangeLog,
    ) -> Result<Bytes, Failure> {
        let mut event = event;
        let ended = loop {
            match advance(self.flow, execution, event, &self.at) {
                Step::Call(call) => {
                    event = match pending::function_of(&call) {
                        Some(function) => self.poll(execution, call, function, log).await,
                        None => {
                            let widget = &execution.widget(self.flow).name;
                            let (name, outcome) = self.call(&call, (widget, execution.steps)).await;
                            log.called(widget, &name, &call.parameters, &outcome);
                            Event::Answered(outcome)
                        }
                    };
                }
                Step::Send(send) => {
                    let key = format!("{}:{}", self.key, execution.steps);
                    let sent = carrier_api::send(
                        &self.context.worker.functions,
                        self.account,
                        &send,
                        &key,
                        self.context.deadline,
                    );
                    let sent = sent.await;
                    log.sent(&send, &sent);
                    event = Event::Sent(sent);
                }
                Step::Reply(document) => break Ok(document),
                Step::End => break Ok(EMPTY),
                Step::Failed(failure) => break Err(failure),
            }
        };
        log.warnings(std::mem::take(&mut execution.remarks));
        log.transitions(execution);
        ended
    }

    /// Calls a function or a URL: signed with the token of the account, and with a key that is the
    /// same when the turn runs again.
    async fn call(&self, call: &FunctionCall, (widget, step): (&str, u32)) -> (String, Outcome) {
        let (function, direct) = match self.callee(call) {
            Ok(callee) => callee,
            Err(place) => return (place.clone(), Outcome::unusable_url(&place)),
        };
        let call = Call {
            function: &function,
            widget,
            direct: direct.as_ref(),
            parameters: &call.parameters,
            webhook: self.params,
            webhook_form: self.form,
            signing_key: self.account.and_then(|a| self.context.gateway.verifier.signing_key(a)),
            deadline: self.context.deadline,
            idempotency_key: &format!("{}:{step}", self.key),
        };
        let outcome = self.context.worker.functions.call(call).await;
        (function.name.clone(), outcome)
    }

    /// Whom to ask, and for what. Where that is no URL that may be asked: its scheme and host.
    fn callee(&self, call: &FunctionCall) -> Result<(Arc<Function>, Option<Direct>), String> {
        let (url, get, fixed) = match &call.callee {
            Callee::Function(function) => return Ok((Arc::clone(function), None)),
            Callee::Rendered { url, get, fixed } => (url.as_str(), *get, *fixed),
            Callee::Url(_) => ("", false, false),
        };
        let rewritten = self.context.gateway.rewritten(url);
        let trusted = fixed || rewritten.is_some();
        let target = rewritten.as_deref().unwrap_or(url);
        let uri: Option<Uri> = target.parse().ok();
        let function = uri.as_ref().and_then(|uri| Function::of_origin(uri, trusted));
        let (Some(uri), Some(function)) = (uri, function) else {
            return Err("a computed URL".to_owned());
        };
        let authorization = match call.with_credentials {
            true => match self.account.filter(|account| carrier_api::is_carrier(account, &uri)) {
                Some(account) => carrier_api::credentials(account),
                // Credentials never go anywhere else, and Studio does not ask either.
                None => return Err(function.name),
            },
            false => None,
        };
        let method = if get { Method::GET } else { Method::POST };
        let body = call.body.clone();
        Ok((Arc::new(function), Some(Direct { url: uri, method, body, authorization, trusted })))
    }
}
