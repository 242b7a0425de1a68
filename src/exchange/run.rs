//! One turn of an execution: the engine decides, this does, until there is something to say.

use std::sync::Arc;

use actix_web::http::{Method, Uri};
use actix_web::web::Bytes;
use tokio::time::Instant;

use super::hold;
use crate::carrier_api;
use crate::config::{Account, Function};
use crate::flow::{Callee, Event, Execution, Failure, Flow, FunctionCall, Moment, Step, advance};
use crate::function::{Call, Direct, Outcome};
use crate::gateway::{Gateway, Worker};
use crate::journal::Record;
use crate::twiml::EMPTY;
use crate::webhook::Params;

/// What one turn works with.
pub(super) struct Run<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) worker: &'a Worker,
    pub(super) flow: &'a Flow,
    /// When the turn must be over.
    pub(super) deadline: Instant,
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

impl Run<'_> {
    /// Runs a flow until it has something to say. All that it waits for is functions and the
    /// carrier's API, and each of those ends by the deadline.
    pub(super) async fn until_said(
        &self,
        execution: &mut Execution,
        event: Event,
        record: &mut Record,
    ) -> Result<Bytes, Failure> {
        let mut event = event;
        let ended = loop {
            match advance(self.flow, execution, event, &self.at) {
                Step::Call(call) => {
                    event = match hold::function(&call) {
                        Some(function) => self.held(execution, call, function, record).await,
                        None => {
                            let widget = &execution.widget(self.flow).name;
                            let (name, outcome) = self.call(&call, (widget, execution.steps)).await;
                            record.called(widget, (&name, &call.parameters), &outcome);
                            Event::Answered(outcome)
                        }
                    };
                }
                Step::Send(send) => {
                    let key = format!("{}:{}", self.key, execution.steps);
                    let sent = carrier_api::send(
                        &self.worker.functions,
                        self.account,
                        &send,
                        &key,
                        self.deadline,
                    );
                    let sent = sent.await;
                    record.sent(&send, &sent);
                    event = Event::Sent(sent);
                }
                Step::Reply(document) => break Ok(document),
                Step::End => break Ok(EMPTY),
                Step::Failed(failure) => break Err(failure),
            }
        };
        record.remarks(std::mem::take(&mut execution.remarks));
        record.walked(execution);
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
            signing_key: self.account.and_then(|a| self.gateway.verifier.signing_key(a)),
            deadline: self.deadline,
            idempotency_key: &format!("{}:{step}", self.key),
        };
        let outcome = self.worker.functions.call(call).await;
        (function.name.clone(), outcome)
    }

    /// Whom to ask, and for what. Where that is no URL that may be asked: its scheme and host.
    fn callee(&self, call: &FunctionCall) -> Result<(Arc<Function>, Option<Direct>), String> {
        let (url, get, fixed) = match &call.callee {
            Callee::Function(function) => return Ok((Arc::clone(function), None)),
            Callee::Rendered { url, get, fixed } => (url.as_str(), *get, *fixed),
            Callee::Url(_) => ("", false, false),
        };
        let rewritten = self.gateway.rewritten(url);
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
