//! Runs one turn of an execution: the engine says which step follows, the runner performs it, until
//! there is a document.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::HeaderValue;
use actix_web::web::Bytes;
use tokio::time::Instant;

use super::{ExchangeContext, pending};
use crate::carrier_api::{self, ApiCaller};
use crate::clock;
use crate::config::{Account, PROJECT_SCHEME};
use crate::flow::{
    CallTarget, Event, Execution, Failure, Flow, FunctionCall, RenderedUrl, Step, TurnContext,
    advance,
};
use crate::function::{
    CallContent, CallCookies, CallRequest, Destination, Outcome, Trust, UnusableUrl, UrlRequest,
};
use crate::journal::ExchangeLog;
use crate::limits::{COOKIE_BYTES_MAX, COOKIES_MAX, FLOW_REPLY_WITHIN};
use crate::twiml::EMPTY;
use crate::webhook::{Params, WebhookPayload};

/// Everything that one turn needs.
pub(super) struct TurnRunner<'a> {
    /// Its deadline is the deadline of the turn.
    pub(super) context: ExchangeContext<'a>,
    pub(super) flow: &'a Flow,
    pub(super) turn: TurnContext,
    /// The account whose token signs function calls, and whose credentials the carrier's API gets.
    pub(super) account: Option<&'a Arc<Account>>,
    /// The carrier's parameters, for functions with `forward_webhook`.
    pub(super) params: &'a Params,
    /// The same parameters as the carrier encoded them.
    pub(super) form: Option<&'a Bytes>,
    /// The body of the webhook, if it is not a form.
    pub(super) payload: Option<&'a WebhookPayload>,
    /// The carrier's cookies, if the route passes cookies on.
    pub(super) cookies: Option<CallCookies<'a>>,
    /// The prefix of all idempotency keys of the turn. It is the same when the turn runs again.
    pub(super) key: &'a str,
}

impl TurnRunner<'_> {
    /// Runs a flow until it replies. It waits for functions and the carrier's API only, and each of
    /// those ends by the deadline. `cookies` gets those that functions set.
    ///
    /// # Errors
    /// The failure that ended the execution.
    pub(super) async fn run(
        &self,
        execution: &mut Execution,
        event: Event,
        cookies: &mut Vec<String>,
        log: &mut ExchangeLog,
    ) -> Result<Bytes, Failure> {
        let mut event = event;
        let ended = loop {
            match advance(self.flow, execution, event, &self.turn) {
                Step::CallFunction(call) => {
                    let mut returned = match pending::pending_function(&call) {
                        Some(function) => self.poll(execution, call, function, log).await,
                        None => {
                            let widget = &execution.widget(self.flow).name;
                            let (name, outcome) = self.call(&call, widget, execution.steps).await;
                            log.record_call(widget, &name, &call.parameters, &outcome);
                            Event::FunctionReturned(outcome)
                        }
                    };
                    take_cookies(&mut returned, cookies, log);
                    event = returned;
                }
                Step::SendRequest(send) => {
                    let key = format!("{}:{}", self.key, execution.steps);
                    let sent = carrier_api::send_request(self.api_caller(&key), &send).await;
                    log.record_carrier_request(&send, &sent);
                    event = Event::CarrierReturned(sent);
                }
                Step::Reply(document) => break Ok(document),
                Step::End => break Ok(EMPTY),
                Step::Failed(failure) => break Err(failure),
            }
        };
        log.record_warnings(std::mem::take(&mut execution.warnings));
        log.record_transitions(self.flow, execution);
        if execution.answers_with_text {
            log.record_text();
        }
        ended
    }

    /// Calls a function or a URL, signed with the token of the account. Returns the name of the
    /// destination for the log, and the outcome.
    pub(super) async fn call(
        &self,
        call: &FunctionCall,
        widget: &str,
        step: u32,
    ) -> (String, Outcome) {
        let request;
        let mut replaced = None;
        let destination = match &call.target {
            CallTarget::Function { function, replaced_url } => {
                replaced = replaced_url.as_deref();
                Destination::Function(function)
            }
            CallTarget::Url(url) => match self.url_request(call, url) {
                Ok(usable) => {
                    request = usable;
                    Destination::Url(&request)
                }
                Err(UnusableUrl { name }) => {
                    let outcome = Outcome::unusable_url(&name);
                    return (name, outcome);
                }
            },
        };
        let idempotency_key = format!("{}:{step}", self.key);
        let credentials = self.credentials(call.content.as_deref());
        let call = CallRequest {
            destination,
            widget,
            replaced_url: replaced,
            content: call.content.as_deref(),
            credentials: credentials.as_deref(),
            parameters: &call.parameters,
            webhook: self.params,
            webhook_form: self.form,
            webhook_payload: self.payload,
            // A URL of a flow may be of anyone.
            cookies: self.cookies.filter(|_| matches!(destination, Destination::Function(_))),
            signing_key: self.account.and_then(|a| self.context.gateway.verifier.signing_key(a)),
            timeout: self.timeout_of(destination),
            deadline: self.call_deadline(),
            idempotency_key: &idempotency_key,
        };
        let outcome = self.context.worker.functions.call(call).await;
        (destination.name().to_owned(), outcome)
    }

    /// The end of the time for a call. A flow replies also after a function that never answers, so
    /// a part of the time is its own.
    fn call_deadline(&self) -> Instant {
        let deadline = self.context.deadline;
        if !self.flow.persistence.is_always() {
            return deadline;
        }
        let replying = deadline - FLOW_REPLY_WITHIN;
        // A deadline that short is of a test, or of a turn that has used its time up.
        if replying > clock::now() + FLOW_REPLY_WITHIN { replying } else { deadline }
    }

    /// What a request to the carrier's API needs beside the flow's parameters.
    pub(super) fn api_caller<'a>(&'a self, idempotency_key: &'a str) -> ApiCaller<'a> {
        ApiCaller {
            functions: &self.context.worker.functions,
            account: self.account,
            idempotency_key,
            deadline: self.context.deadline,
        }
    }

    /// The request to a URL of the flow, if the URL may be called.
    fn url_request(
        &self,
        call: &FunctionCall,
        rendered: &RenderedUrl,
    ) -> Result<UrlRequest, UnusableUrl> {
        let rewritten = self.context.gateway.rewrite_url(&rendered.url);
        // The operator wrote the URL, into the flow or as the target of a `[[rewrite]]`. A URL from
        // variables is only as trustworthy as the caller who sent them.
        let is_configured = rendered.is_constant || rewritten.is_some();
        let trust = if is_configured { Trust::Configured } else { Trust::Computed };
        let url = rewritten.as_deref().unwrap_or(&rendered.url);
        // Only by a rewrite, which the operator wrote.
        let project = rewritten.as_deref().and_then(|url| url.strip_prefix(PROJECT_SCHEME));
        let request = match project {
            Some(path) => UrlRequest::to_project(self.context.gateway.functions.project(), path)?,
            None => UrlRequest::new(url, trust)?,
        };
        if call.content.as_ref().is_some_and(|content| content.with_credentials) {
            // Credentials go to the carrier's hosts only. Studio refuses other hosts as well.
            let is_carrier = |account: &&Arc<Account>| carrier_api::is_carrier_url(account, url);
            if self.account.filter(is_carrier).is_none() {
                return Err(UnusableUrl { name: request.name().to_owned() });
            }
        }
        Ok(request)
    }

    /// The credentials of the account, for a widget that asks for them. Where a function replaces
    /// its URL, the function gets them: the operator has configured it in the carrier's place.
    // Boxed: few calls have them, and the future of every webhook is copied with their size.
    pub(super) fn credentials(&self, content: Option<&CallContent>) -> Option<Box<HeaderValue>> {
        content.filter(|content| content.with_credentials)?;
        carrier_api::account_credentials(self.account?).map(Box::new)
    }

    /// The time for a call: that of the function, or the flow's own.
    pub(super) fn timeout_of(&self, destination: Destination<'_>) -> Duration {
        let configured = match destination {
            Destination::Function(function) => function.timeout,
            Destination::Url(_) | Destination::Application(_) => None,
        };
        configured.unwrap_or(self.flow.functions_within)
    }
}

/// Takes the cookies that a function has set out of its outcome.
fn take_cookies(event: &mut Event, cookies: &mut Vec<String>, log: &mut ExchangeLog) {
    let Event::FunctionReturned(outcome) = event else { return };
    let Some(taken) = outcome.cookies.take() else { return };
    if taken.dropped > 0 {
        log.note(&format!(
            "{} cookies of a function are not passed on: they have no valid name, are longer than \
             {COOKIE_BYTES_MAX} bytes, or are more than {COOKIES_MAX}",
            taken.dropped
        ));
    }
    cookies.extend(taken.set);
}
